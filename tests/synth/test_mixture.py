import numpy as np
import pytest

from spaxel.cube import check_cube
from spaxel.errors import ParameterError
from spaxel.synth import simulate
from spaxel.synth.mixture import elution, mixture


def parts(**options):
    cube = simulate("mixture", **options)
    return cube["spectra"].values[:, 0], cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values


def test_the_published_benchmark():
    cube = check_cube(simulate("mixture", n_components=32, per_component=8, most_mixed=8, seed=3))
    assert dict(cube.sizes) == {"y": 256, "x": 1, "channel": 512, "truth_component": 32}
    C, S = cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values
    np.testing.assert_allclose(np.linalg.norm(S, axis=1), 1)
    cosines = (S @ S.T)[np.triu_indices(32, 1)]
    assert cosines.mean() == pytest.approx(2 / np.pi, abs=0.01)
    mixed = (C > 0).sum(1)
    assert (mixed.min(), mixed.max()) == (1, 8)
    assert mixed.mean() == pytest.approx(4.5, abs=0.5)
    assert C[C > 0].min() >= 1
    assert C.max() <= 10


@pytest.mark.parametrize("snr_db", [20, 30])
def test_noise_has_its_level_in_every_sample(snr_db):
    X, C, S = parts(snr_db=snr_db, seed=1)
    noise, clean = X - C @ S, C @ S
    ratio = 10 * np.log10((clean**2).mean(1) / (noise**2).mean(1))
    np.testing.assert_allclose(ratio, snr_db, atol=1)
    assert X.min() >= 1e-6


def test_size_and_seed():
    assert mixture(5, 3).sizes["x"] == 3
    assert simulate("mixture", height=7).sizes["y"] == 7
    first, again, other = (parts(seed=s)[0] for s in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_more_samples_keep_the_components():
    np.testing.assert_array_equal(parts(seed=2)[2], parts(seed=2, height=100)[2])


@pytest.mark.parametrize("spectra", ["peaks", "absorption", "mass"])
def test_other_spectra(spectra):
    S = parts(spectra=spectra, seed=1)[2]
    np.testing.assert_allclose(np.linalg.norm(S, axis=1), 1)
    assert S.min() >= 0
    if spectra == "mass":
        assert (S == 0).mean() > 0.9
    else:
        assert np.abs(np.diff(S, axis=1)).max() < 0.15


def test_mixing_laws():
    options = {"noise": "none", "seed": 6}
    X, C, S = parts(**options)
    np.testing.assert_allclose(X, C @ S)
    curved = parts(mixing="saturation", strength=0.5, **options)[0]
    np.testing.assert_allclose(curved, X / (1 + 0.5 * X / X.max()))
    ceiling = X.max() / 0.5
    absorbed = parts(mixing="absorbance", strength=0.5, **options)[0]
    np.testing.assert_allclose(absorbed, ceiling * (1 - np.exp(-X / ceiling)))
    np.testing.assert_allclose(parts(mixing="absorbance", strength=0, **options)[0], X)
    pairs = parts(mixing="bilinear", **options)[0] - X
    assert (pairs > -1e-12).all()
    np.testing.assert_allclose(pairs[(C > 0).sum(1) == 1], 0, atol=1e-12)


def test_counts():
    X, C, S = parts(noise="poisson", counts=50, seed=1)
    assert X.dtype == np.uint32
    assert X.mean() == pytest.approx(50, rel=0.05)
    assert ((X - C @ S) ** 2).sum() / (C @ S).sum() == pytest.approx(1, abs=0.05)


def test_outliers_are_marked_and_have_no_truth():
    cube = simulate("mixture", outliers=0.1, seed=1)
    junk = cube.attrs["truth_outliers"]
    assert len(junk) == 6
    assert (cube["truth_abundances"].values[junk] == 0).all()
    assert (cube["spectra"].values[junk] > 1e-3).any()


def test_spikes_only_add():
    more = parts(spikes=0.01, seed=1)[0] - parts(seed=1)[0]
    assert more.min() >= 0
    assert (more > 0).mean() == pytest.approx(0.01, abs=0.003)


def test_a_run_elutes_one_after_another():
    C = elution(np.random.default_rng(0), 200, 5)
    assert (np.diff(C.argmax(0)) > 0).all()
    assert (C == 0).any(0).all()
    assert simulate("mixture", profile="run", height=50).sizes["y"] == 50


@pytest.mark.parametrize(
    "options",
    [
        {"height": 0},
        {"n_components": 0},
        {"most_mixed": 17},
        {"fewest_mixed": 5},
        {"spectra": "blue"},
        {"mixing": "oil"},
        {"noise": "loud"},
        {"outliers": 1.5},
        {"n_components": 20, "n_channels": 10},
        {"snr": 3},
        {"seed": -1},
    ],
)
def test_refused(options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        simulate("mixture", **options)
