"""A member of the consensus that finds nothing to divide has no vote; components that differ in brightness alone are found."""

import numpy as np
import pytest
from sklearn.cluster import KMeans as Lloyd
from sklearn.metrics import adjusted_rand_score

from spaxel import Segment
from spaxel.cube import make_cube
from spaxel.methods.centers.splits import beyond_one_cloud, of_one_cloud
from spaxel.methods.consensus.clearness import clearness
from spaxel.methods.consensus.learning import _weights
from spaxel.testing import tiny_cube


def halves(channels, seed=0):
    """40 x 40 pixels, the left half five times as bright, noise of a tenth of the dimmest channel."""
    rng = np.random.default_rng([channels, seed])
    base = rng.uniform(0.2, 0.6, channels)
    bright = np.where(np.arange(40) < 20, 5.0, 1.0)[None, :, None]
    return (base * bright + rng.normal(size=(40, 40, channels)) * 0.1 * base.min()).astype(np.float32)


@pytest.mark.parametrize("cut", [-1.0, 0.0, 0.7])
def test_a_normal_cloud_that_was_cut_explains_no_more_than_one_cloud(cut):
    p = np.random.default_rng(0).normal(size=200_000)
    assert abs(beyond_one_cloud(p, (p > cut).astype(int))) < 0.01
    two = np.repeat([0, 1], 50)
    assert beyond_one_cloud(two * 3.0, two) == pytest.approx(1 - 2 / np.pi)


def test_clearness_is_none_of_noise_and_one_of_wide_gaps():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3000, 4))
    for k in (2, 6):
        assert clearness(z, Lloyd(k, n_init=1, random_state=0).fit(z).labels_, 0) < 0.25
    own = rng.integers(0, 3, 3000)
    found = [clearness(z + apart * np.eye(4)[own], own, 0) for apart in (0, 3, 30)]
    assert found[0] < 0.25 < found[1] < 0.95 < found[2] <= 1
    assert clearness(z, np.zeros(3000, int), 0) == 0
    assert clearness(np.zeros((50, 2)), np.repeat([0, 1], 25), 0) == 0


@pytest.mark.parametrize("share", [0.5, 0.2, 0.05])
def test_a_small_component_beside_a_large_one_is_no_clearer_than_two_of_one_size(share):
    rng = np.random.default_rng(int(100 * share))
    own = (rng.random(6000) < share).astype(int)
    z = rng.normal(size=(6000, 3))
    z[:, 0] += 6 * own
    assert clearness(z, own, 0) < 0.9  # 0.73 where both are alike
    z[:, 0] += 94 * own
    assert clearness(z, own, 0) > 0.98
    assert of_one_cloud(share) < 1


def test_who_finds_nothing_to_divide_has_no_vote_and_brightness_is_a_fault_without_gaps_only():
    rng = np.random.default_rng(0)
    norm = np.sort(rng.uniform(1, 2, 4000))
    ring, other = np.repeat([0, 1], 2000), rng.integers(0, 2, 4000)
    labels = [ring, ring.copy(), other, other.copy()]
    weight, _ = _weights(labels, np.ones(4), np.array([0.6, 1.0, 0.6, 0.0]), norm, 0)
    assert weight[3] == 0
    assert weight[0] < 0.01 * weight[1]
    assert weight[2] > 0.5 * weight[1]
    nobody, _ = _weights(labels, np.ones(4), np.zeros(4), norm, 0)
    assert nobody.sum() > 0


@pytest.mark.parametrize("channels", [5, 60])
@pytest.mark.parametrize("shape", [(40, 40), (1600, 1)])
def test_halves_that_differ_in_brightness_alone_are_found(channels, shape):
    spectra, truth = halves(channels), np.tile(np.arange(40) >= 20, 40)
    cube = make_cube(spectra.reshape(*shape, channels))
    labels = Segment(2).fit(cube).predict(cube)["labels"].values.ravel()
    assert adjusted_rand_score(truth, labels) == 1


def test_what_is_found_is_what_it_is_when_it_is_told_that_number():
    cube = tiny_cube(40, 37)
    found = Segment(n_init=1, n_micro=12, max_clusters=6).fit(cube)
    told = Segment(found.info_["n_components"], n_init=1).fit(cube)
    assert found.info_["scaling"] == told.info_["scaling"]
    one, other = (model.predict(cube)["labels"].values.ravel() for model in (found, told))
    assert adjusted_rand_score(one, other) > 0.99
