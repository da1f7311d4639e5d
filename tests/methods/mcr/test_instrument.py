"""MCR of tables with systematic errors: what it says, and what its options do, also through the command."""

import warnings

import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.errors import ParameterError
from spaxel.linear.sparse.factorise import factorise
from spaxel.methods.mcr.alike import alike_sentences, bands
from spaxel.methods.mcr.estimator import MCR
from spaxel.methods.registry import load
from spaxel.metrics import matched_spectra
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_result
from spaxel.synth.mixture import add_noise, mixture
from spaxel.synth.systematic import ERRORS, coloured, twins

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # single tests look at what is said
OPTION = {"drift": "baseline", "scatter": "msc", "tilt": "msc", "jitter": "align", "widths": "align"}
K = 5


def _table(error=None, seed=0, k=K):
    cube = mixture(12 * k, seed=seed, n_components=k, most_mixed=2, spectra="peaks", n_channels=256, noise="none")
    rng, clean = np.random.default_rng([seed, 8]), cube["spectra"].values[:, 0]
    clean = ERRORS[error](rng, clean) if error in ERRORS else clean
    level = 0.03 * np.sqrt((clean**2).mean(1, keepdims=True))
    noise = coloured(rng, clean.shape) if error == "coloured" else rng.standard_normal(clean.shape)
    return clean + level * noise, cube["truth_spectra"].values, cube["truth_abundances"].values[:, 0]


def _said(model, X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X)
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_said_of_a_clean_table(seed):
    model = MCR()
    assert _said(model, _table(seed=seed)[0]) == []
    assert model.n_components_ == K
    assert "systematic" not in model.info_


@pytest.mark.parametrize("error", OPTION)
def test_a_warning_names_the_error_the_step_and_the_number_that_the_step_gives(error):
    X, pure, _ = _table(error)
    model = MCR()
    said = _said(model, X)
    option = OPTION[error]
    assert model.n_components_ > K
    assert model.info_["systematic"]["option"] == option
    assert [s for s in said if s.startswith(f"Probably {K} components and ") and s.endswith(f"Try --{option}.")]
    assert model.info_["sentence"].startswith(f"Probably {K} components and ")
    assert not [s for s in said if "more may hide" in s]
    better = MCR(**{option: True})
    assert _said(better, X) == []
    assert better.n_components_ == K == model.info_["systematic"]["number"]
    assert min(matched_spectra(better.components_, pure)["cosine"]) > 0.995
    assert better.info_["sentence"].startswith(f"{K} components beside ")


@pytest.mark.parametrize("error", ["tilt", "jitter"])
def test_new_spectra_are_corrected_too(error):
    X, pure, amounts = _table(error)
    alike = []
    for options in ({}, {OPTION[error]: True}):
        model = MCR(n_components=K, **options).fit(X[:40])
        found = model.transform(X[40:])[:, matched_spectra(model.components_, pure)["matching"]]
        alike.append(min(np.corrcoef(found[:, k], amounts[40:, k])[0, 1] for k in range(K)))
    assert alike[1] > 0.999
    assert alike[1] >= alike[0]


def test_shared_noise_is_made_white():
    X, pure, _ = _table("coloured")
    model = MCR(noise="coloured")
    assert _said(model, X) == []
    assert model.n_components_ == K
    assert min(matched_spectra(model.components_, pure)["cosine"]) > 0.99


def test_shared_noise_of_spectra_that_are_not_smooth_is_named():
    cube = mixture(64, seed=3, noise="none")
    clean = cube["spectra"].values[:, 0]
    noise = coloured(np.random.default_rng(3), clean.shape)
    X = np.maximum(clean + 0.1 * np.sqrt((clean**2).mean(1, keepdims=True)) * noise, 1e-6)
    model = MCR()
    said = _said(model, X)
    assert model.n_components_ > 20
    assert model.info_["systematic"]["number"] == 16
    assert [s for s in said if s.startswith("Probably 16 components and noise") and s.endswith("Try --noise coloured.")]
    assert MCR(noise="coloured").fit(X).n_components_ == 16


def test_two_errors_at_once_are_taken_off_together():
    X, pure, _ = _table("drift")
    X = ERRORS["tilt"](np.random.default_rng(4), X)
    assert MCR().fit(X).n_components_ > K + 5
    model = MCR(baseline=True, msc=True).fit(X)
    assert model.n_components_ in (K, K + 1)
    assert model.info_["instrument"]["errors"] == ["baseline", "msc"]
    assert min(matched_spectra(model.components_, pure)["cosine"]) > 0.98


@pytest.mark.parametrize("options", [{"baseline": True}, {"msc": True}, {"align": True}, {"noise": "coloured"}])
def test_the_number_may_be_given_and_runs_keep_what_is_corrected(options, tmp_path):
    X, *_ = _table("tilt")
    model = MCR(n_components=3, **options).fit(X)
    assert model.n_components_ == 3
    assert "as asked" in model.info_["sentence"]
    model.save(tmp_path / "run")
    assert np.array_equal(load(tmp_path / "run").transform(X), model.transform(X))


def test_constraints_go_with_corrections():
    X, pure, _ = _table("drift")
    model = MCR(n_components=K, baseline=True, min_volume=1).fit(X)
    assert min(matched_spectra(model.components_, pure)["cosine"]) > 0.98
    assert np.isfinite(model.transform(X)).all()


@pytest.mark.parametrize("options", [{"baseline": True}, {"noise": "coloured"}])
def test_scenes_and_holes_are_refused(options):
    X, *_ = _table()
    with pytest.raises(ParameterError, match="of a table"):
        MCR(kind="scene", **options).fit(X)
    X[3, 4] = np.nan
    with pytest.raises(ParameterError, match="whole spectra"):
        MCR(missing="weights", **options).fit(X)
    assert MCR(**options).fit(X).n_components_ >= K - 1  # completed


def test_the_command_says_the_step_and_takes_it(cli, tmp_path):
    X, *_ = _table("jitter")
    write_cube(make_cube(X[:, None], np.linspace(200, 1800, 256), "1/cm"), tmp_path / "table.zarr")
    code, out, err = cli("unmix", tmp_path / "table.zarr", "-o", tmp_path / "plain")
    assert code == 0
    assert f"Probably {K} components and bands that are shifted or widened" in out + err
    assert "Try --align" in out + err
    code, out, err = cli("unmix", tmp_path / "table.zarr", "-o", tmp_path / "better", "--align")
    assert code == 0
    assert f"{K} components beside bands that are shifted" in out
    assert read_result(tmp_path / "better").sizes["component"] == K
    code, out, err = cli("unmix", tmp_path / "table.zarr", "-o", tmp_path / "noise", "--noise", "coloured")
    assert code == 0


def test_near_twins_are_both_found_and_named_with_their_bands():
    rng = np.random.default_rng(0)
    pure = twins(rng, mixture(4, seed=0, n_components=K, spectra="peaks", noise="none")["truth_spectra"].values)
    amounts = mixture(60, seed=0, n_components=K, most_mixed=2)["truth_abundances"].values[:, 0]
    X = add_noise(rng, amounts @ pure, "even", 30)
    found = factorise(X)
    assert found.n == K
    assert min(matched_spectra(found.components, pure)["cosine"]) > 0.995
    said = _said(MCR(), X)
    assert len([s for s in said if "are nearly alike (cosine 0.9" in s and "they differ most at" in s]) == 1


def test_bands_are_where_two_components_differ():
    axis = np.linspace(1000, 1500, 101)
    first = np.ones(101)
    second = first.copy()
    second[40:44] += 0.5
    said = alike_sentences(np.array([first, second]), np.full(2, 1e-3), axis, "nm")
    assert len(said) == 1
    assert "Components 0 and 1 are nearly alike" in said[0]
    assert "1200 to 1215 nm" in said[0]
    assert "may be one" in alike_sentences(np.array([first, first]), np.full(2, 1e-3), axis, "nm")[0]
    assert alike_sentences(np.eye(2, 101), np.full(2, 1e-3), axis, "nm") == []
    assert len(alike_sentences(np.ones((5, 101)), np.full(5, 1e-3), axis, "nm")) == 6


def test_bands_are_runs_above_the_level():
    difference = np.array([0, 5, 5, 0, 0, -3, 0, 0.1])
    assert bands(difference, 1) == [(1, 2), (5, 5)] or bands(difference, 1) == [(1, 2)]
    assert bands(difference, 10) == []
