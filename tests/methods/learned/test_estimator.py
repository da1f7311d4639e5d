"""Learned distances keep what every method promises, beat k-means on layered paintings, and step back where they do not fit."""

import warnings
from functools import cache

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import spaxel
from spaxel import LearnedMetric, Segment
from spaxel.cube import make_cube
from spaxel.errors import ParameterError
from spaxel.methods.learned.model import WEIGHT, model_of
from spaxel.testing import check_method, tiny_cube

LAYERED = {"n_pigments": 6, "counts": 100, "layers": 2, "relief": 0.5, "pileup": 0.05, "channels": 200}


@cache
def scene():
    return spaxel.simulate("maxrf", height=70, width=75, seed=77, **LAYERED).load()


@cache
def fitted():
    return LearnedMetric(n_clusters="auto", n_sample=2000, n_init=1, max_clusters=8, n_micro=12).fit(scene())


@cache
def expected():
    return fitted().predict(scene())


def ari(cube, result):
    return adjusted_rand_score(cube["truth_labels"].values.ravel(), result["labels"].values.ravel())


@parametrize_with_checks([LearnedMetric(n_clusters=3, n_init=1)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_clusters": 3, "n_init": 1},
        {"n_clusters": "auto", "max_clusters": 6, "n_micro": 12, "n_init": 1, "random_state": 5},
        {"n_clusters": 2, "scaling": "unit_bright", "n_init": 1, "n_sample": 300, "memory": 2**22},
    ],
)
def test_method_contract(parameters):
    check_method(LearnedMetric(**parameters))


def test_paint_over_paint_is_told_apart_better_than_by_the_consensus():
    cube = spaxel.simulate("maxrf", height=64, width=64, seed=78, **LAYERED).load()
    found = LearnedMetric(n_clusters=6, n_init=3).fit(cube)
    assert found.info_["field"] == "maxrf"
    assert found.info_["trust"] > 0.7
    assert ari(cube, found.predict(cube)) > ari(cube, Segment(n_clusters=6).fit_predict(cube)) + 0.08


@pytest.mark.parametrize("trust", [1.0, 0.5])
def test_learned_places_count_by_trust_and_see_the_neighbours(trust):
    state = fitted().state_ | {"net_trust": np.array([trust])}
    model = model_of(state, fitted().info_["views"], fitted().info_["context"])
    own = scene()["spectra"].values.reshape(-1, 200)[:512].astype(float)
    alike, apart = (model.scores(np.hstack([own, around])) for around in (own, own[::-1]))
    d = model.members.scores(np.hstack([own, own])).shape[1]
    for scores in (alike, apart):
        np.testing.assert_allclose(np.linalg.norm(scores[:, d:], axis=1), WEIGHT * trust)
    assert np.abs(alike[:, d:] - apart[:, d:]).max() > 0.5 * WEIGHT * trust
    np.testing.assert_allclose(model.learned.scores(own, 200), alike[:, d:])  # a table is its own surroundings


def test_every_level_can_be_cut():
    for level in (2, 4):
        assert len(np.unique(spaxel.cut(expected(), level)["labels"])) == level


@pytest.mark.same_bits
@pytest.mark.parametrize("memory", [3 * 2**21, 2**24])
def test_memory_and_chunks_do_not_matter(memory):
    chunked = scene().chunk(y=33, x=20)
    again = LearnedMetric(**{**fitted().get_params(), "memory": memory}).fit(chunked)
    for name, array in fitted().state_.items():
        assert np.array_equal(array, again.state_[name], equal_nan=True), name
    xr.testing.assert_identical(again.predict(chunked), expected())


@pytest.mark.same_bits
def test_a_part_of_the_image_has_the_labels_of_the_whole():
    part = scene().isel(y=slice(10, 40), x=slice(20, 75))
    found = fitted().predict(part)["labels"].values
    assert np.array_equal(
        found[1:-1, 1:], expected()["labels"].values[11:39, 21:]
    )  # at its edges neighbours are missing


def test_another_axis_says_the_same():
    """In eV, and with channels of twice the width: the answer is nearly that of the cube as it is."""
    volts = scene().assign_coords(channel=scene()["channel"] * 1000)
    volts["channel"].attrs["units"] = "eV"
    one = LearnedMetric(n_clusters=6, n_init=3).fit(scene()).predict(scene())
    other = LearnedMetric(n_clusters=6, n_init=3).fit(volts).predict(volts)
    assert adjusted_rand_score(one["labels"].values.ravel(), other["labels"].values.ravel()) > 0.999
    coarse = spaxel.rebin(scene(), 2)
    wide = LearnedMetric(n_clusters=6, n_init=3).fit(coarse).predict(coarse)
    assert adjusted_rand_score(one["labels"].values.ravel(), wide["labels"].values.ravel()) > 0.6  # 0.38 keV


@pytest.mark.parametrize("counts", [True, False])
def test_where_no_field_fits_it_is_the_consensus_and_says_so(counts):
    cube = tiny_cube(40, 37, counts=counts)
    model = LearnedMetric(n_clusters=3).fit(cube)
    assert (model.info_["field"], model.info_["trust"]) == ("", 0)
    assert "No distances have been learned for data of this kind" in model.info_["scaling_sentence"]
    plain = Segment(n_clusters=3).fit_predict(cube)
    assert np.array_equal(plain["labels"], model.predict(cube)["labels"])


def test_spectra_unlike_all_that_was_simulated_are_left_to_the_consensus():
    rng = np.random.default_rng(5)
    labels = (np.arange(40)[:, None] // 14 + np.zeros((1, 40), int)).astype(np.int32)
    pure = rng.gamma(0.3, size=(3, 180)) * 30  # no physics
    cube = make_cube(rng.poisson(pure[labels]).astype(np.uint16), np.linspace(0.5, 38, 180), "keV", truth_labels=labels)
    model = LearnedMetric(n_clusters=3).fit(cube)
    assert model.info_["field"] == "maxrf"
    assert model.info_["trust"] == 0
    assert "times as far from all that was simulated" in model.info_["scaling_sentence"]
    assert ari(cube, model.predict(cube)) == 1


def test_a_field_that_does_not_fit_is_refused():
    with pytest.raises(
        ParameterError, match=r"Weights maxrf are of X-ray fluorescence.* 400 to 500 nm.*Try --weights auto"
    ):
        LearnedMetric(n_clusters=3, weights="maxrf").fit(tiny_cube(counts=False))


def test_a_table_of_spectra_has_no_neighbours():
    flat = scene()["spectra"].values.reshape(-1, 1, 200)[:1500]
    table = make_cube(flat, scene()["channel"].values, "keV")
    model = LearnedMetric(n_clusters=4, n_init=2).fit(table)
    assert (model.info_["context"], model.info_["field"]) == (0, "maxrf")
    assert len(np.unique(model.predict(table)["labels"])) == 4
    assert fitted().predict(table)["labels"].shape == (1500, 1)


def test_missing_values_do_not_matter_much():
    spectra = scene()["spectra"].values.astype(np.float32)
    spectra[np.random.default_rng(1).random(spectra.shape) < 0.02] = np.nan
    holes = make_cube(spectra, scene()["channel"].values, "keV", truth_labels=scene()["truth_labels"].values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = LearnedMetric(n_clusters=6, n_init=2).fit(holes).predict(holes)
    whole = LearnedMetric(n_clusters=6, n_init=2).fit(scene()).predict(scene())
    assert adjusted_rand_score(found["labels"].values.ravel(), whole["labels"].values.ravel()) > 0.6
