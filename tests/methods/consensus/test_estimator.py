"""The consensus keeps what every method promises, maps tile by tile with the same bits, and beats k-means where noise is."""

from functools import cache

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import spaxel
from spaxel import KMeans, Segment
from spaxel.cube import make_cube
from spaxel.cube.executing import executing
from spaxel.cube.mapping import map_tiles
from spaxel.methods.centers import maps
from spaxel.methods.consensus import estimator, learning
from spaxel.methods.consensus.model import scores_of
from spaxel.testing import check_method, tiny_cube

CUBE = tiny_cube(70, 75, counts=False)


@cache
def fitted():
    return Segment(n_clusters="auto", n_sample=2000, n_init=1, max_clusters=6, n_micro=12).fit(CUBE)


@cache
def expected():
    return fitted().predict(CUBE)


@parametrize_with_checks([Segment(n_clusters=3, n_init=1)])
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
    check_method(Segment(**parameters))


@pytest.mark.parametrize("counts", [True, False])
def test_known_regions_are_found(counts):
    cube = tiny_cube(40, 37, counts=counts)
    result = Segment(n_clusters=3, n_init=1).fit(cube).predict(cube)
    assert adjusted_rand_score(cube["truth_labels"].values.ravel(), result["labels"].values.ravel()) > 0.99


def test_the_number_is_that_of_kmeans_and_every_level_can_be_cut():
    assert fitted().info_["n_components"] == 3
    assert "probability" in fitted().info_
    for level in (2, 4):
        assert len(np.unique(spaxel.cut(expected(), level)["labels"])) == level


@pytest.mark.same_bits
@pytest.mark.parametrize("memory", [2**20, 2**22])
def test_memory_and_chunks_do_not_matter(memory):
    chunked = CUBE.chunk(y=33, x=20)
    model = Segment(**{**fitted().get_params(), "memory": memory})
    model.state_, model.info_, model.n_features_in_ = fitted().state_, fitted().info_, fitted().n_features_in_
    xr.testing.assert_identical(model.predict(chunked), expected())
    again = Segment(**{**fitted().get_params(), "memory": memory}).fit(chunked)
    for name, array in fitted().state_.items():
        assert np.array_equal(array, again.state_[name], equal_nan=True), name


@pytest.mark.same_bits
@pytest.mark.parametrize(("scheduler", "workers"), [("synchronous", None), ("threads", 5)])
def test_scheduler_and_workers_do_not_matter(monkeypatch, scheduler, workers):
    def mapped(function, cube, fill, *, memory, **reading):
        assert {name: value for name, value in reading.items() if name != "after"} == {"context": 3}
        return map_tiles(function, cube, fill, memory=2**20, **reading)

    monkeypatch.setattr(maps, "map_tiles", mapped)
    with executing(scheduler, workers):
        xr.testing.assert_identical(fitted().predict(CUBE), expected())


def test_a_table_has_no_neighbours():
    """Rows of a table are not beside each other: their order changes nothing, in a fit and in a prediction."""
    rows = CUBE["spectra"].values.reshape(-1, CUBE.sizes["channel"])[:900]
    order = np.random.default_rng(0).permutation(len(rows))
    model = Segment(n_clusters=3, n_init=1).fit(rows)
    assert model.info_["context"] == 0
    assert np.array_equal(model.predict(rows[order]), model.labels_[order])
    table = make_cube(rows[order][:, None], CUBE["channel"].values, "nm")
    labels = fitted().predict(table)["labels"].values.ravel()
    back = fitted().predict(make_cube(rows[:, None], CUBE["channel"].values, "nm"))["labels"].values.ravel()
    assert np.array_equal(labels, back[order])


def test_one_model_for_several_cubes():
    days = [tiny_cube(30, 37, seed=seed) for seed in (1, 2)]
    results = Segment(n_clusters=3, n_init=1).fit(days).predict(days)
    for day, result in zip(days, results, strict=True):
        assert adjusted_rand_score(day["truth_labels"].values.ravel(), result["labels"].values.ravel()) > 0.99


def test_pixels_without_data_get_no_label_and_are_no_neighbours():
    spectra = CUBE["spectra"].values.copy()
    spectra[:2], spectra[40, 40] = 0, np.nan
    holey = make_cube(spectra, CUBE["channel"].values, "nm")
    labels = fitted().predict(holey)["labels"].values
    assert (labels[:2] == -1).all()
    assert labels[40, 40] == -1
    assert np.array_equal(labels[3:39], expected()["labels"].values[3:39])


def test_noise_is_averaged_over_neighbours():
    rng = np.random.default_rng(0)
    truth = np.kron(rng.integers(0, 3, (4, 4)), np.ones((12, 12), int))
    clean = (1 + np.eye(3, 20))[truth]
    cube = make_cube(clean + rng.normal(0, 0.5, clean.shape))
    plain, joined = (
        adjusted_rand_score(truth.ravel(), model.fit(cube).predict(cube)["labels"].values.ravel())
        for model in (KMeans(3, scaling="none", n_init=2), Segment(3, scaling="none", n_init=2))
    )
    assert joined > plain + 0.1


def test_scores_of_a_sample_are_those_of_the_maps():
    model = fitted()._model()
    spectra = np.tile(CUBE["spectra"].values[5, :40], (1, 2))
    few, many = scores_of(model, spectra[:7]), scores_of(model, spectra)
    assert np.array_equal(few, many[:7])
    assert scores_of(model, spectra[:0]).shape == (0, few.shape[1])


def test_places_from_labels_are_those_of_the_model(monkeypatch):
    """Levels that are made at other numbers lie where the model would put them."""
    kept = {}
    vote, settle = learning.vote_of, estimator.settled

    def voted(seen, *args, **options):
        kept.setdefault("vote", (next(iter(seen.values())), vote(seen, *args, **options)))
        return kept["vote"][1]

    def settled(scores, *args):
        kept["scores"] = scores
        return settle(scores, *args)

    monkeypatch.setattr(learning, "vote_of", voted)
    monkeypatch.setattr(estimator, "settled", settled)
    Segment(3, n_init=1, n_sample=600).fit(CUBE)
    np.testing.assert_allclose(learning.places_of(*kept["vote"]), kept["scores"], atol=1e-6)


def test_a_cut_at_another_number_is_what_that_number_gives():
    """On a scene it had an index of 0.48 where the number, told, gave 0.78: no tree through 3 components has those 6."""
    assert expected()["level_component"].dims == ("level", "micro")
    told = Segment(**{**fitted().get_params(), "n_clusters": 2}).fit(CUBE).predict(CUBE)["labels"].values
    assert adjusted_rand_score(told.ravel(), spaxel.cut(expected(), 2)["labels"].values.ravel()) > 0.95


@pytest.mark.parametrize("number", ["auto", 4])
def test_a_spike_is_no_component(number):
    cube = tiny_cube(70, 68)  # tables and small images keep what few spectra say
    spectra = cube["spectra"].values.astype(np.float32)
    spectra[30, 31, 7] = 20 * spectra.max()
    model = Segment(number, scaling="none", n_init=2, max_clusters=6).fit(
        cube.assign(spectra=(cube["spectra"].dims, spectra))
    )
    result = model.predict(cube)
    assert result["component_size"].min() >= 3
    for level in (2, 3, 5) if number == "auto" else (2, 3):
        assert spaxel.cut(result, level)["component_size"].min() >= 3
