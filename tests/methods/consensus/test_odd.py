"""A spike or a dead pixel takes no component from the others, and does not change what is found without it."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from spaxel import Segment
from spaxel.cube import make_cube
from spaxel.methods.consensus.learning import Seen
from spaxel.methods.consensus.odd import lone, odd_spectra
from spaxel.methods.consensus.surroundings import Filter


def blobs(n, k=4, seed=0):
    """Scores (n, 5) of k components that touch a little, as a sample without neighbours."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 5)) + 6 * rng.normal(size=(k, 5))[rng.integers(0, k, n)]
    return z


def seen(z):
    return Seen(None, z, z, Filter(np.eye(z.shape[1]), np.zeros((z.shape[1],) * 2)), {})


def test_few_spectra_are_a_component_of_a_table():
    assert not lone(np.array([0, 0, 0, 1, 2, 2])).any()
    many = np.repeat([0, 1, 2], [9000, 2, 3])
    assert np.flatnonzero(lone(many)).tolist() == [9000, 9001]


@pytest.mark.parametrize("seed", range(5))
def test_one_or_two_that_are_far_from_all_are_odd_and_no_others(seed):
    z = blobs(7000, seed=seed)
    assert not odd_spectra(seen(z), 4, seed).any()
    far = z.copy()
    far[[17, 400, 4000]] = [[90, 0, 0, 0, 0], [90.5, 0, 0, 0, 0], [0, -70, 0, 0, 0]]
    assert np.flatnonzero(odd_spectra(seen(far), 4, seed)).tolist() == [17, 400, 4000]


def test_a_group_of_three_is_not_odd_nor_is_anything_in_few_spectra():
    z = blobs(7000)
    z[[1, 2, 3]] = 90 + np.random.default_rng(1).normal(size=(3, 5))
    assert not odd_spectra(seen(z), 4, 0)[[1, 2, 3]].any()
    few = blobs(1500)
    few[7] = 90
    assert not odd_spectra(seen(few), 4, 0).any()


@pytest.mark.parametrize("number", ["auto", 4])
def test_the_map_is_as_without_the_odd_pixel(number):
    rng = np.random.default_rng(3)
    truth = (np.arange(80)[:, None] // 40) * 2 + np.arange(80)[None] // 40
    spectra = (rng.uniform(0.2, 0.6, (4, 20))[truth] + rng.normal(size=(80, 80, 20)) * 0.04).astype(np.float32)
    spiked = spectra.copy()
    spiked[50, 50, 3] = spiked[10, 70, 9] = 60.0
    model = Segment(number, scaling="none", n_init=2, max_clusters=8)
    plain, odd = (model.fit_predict(make_cube(own)) for own in (spectra, spiked))
    assert plain.sizes["component"] == odd.sizes["component"] == 4
    for result in (plain, odd):
        assert adjusted_rand_score(truth.ravel(), result["labels"].values.ravel()) > 0.98
    assert not any("unlike all others" in said for said in plain.attrs["history"])
    assert sum("without 2 spectra" in said for said in odd.attrs["history"]) == 1
    assert model.info_["odd"] == 2
