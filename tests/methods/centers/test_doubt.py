"""What a model of centres knows of its errors, against worlds in which the answer is known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from spaxel.cube import make_cube
from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.doubt import _gain, count_mistakes
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.results.presence import FAR, presence
from spaxel.testing import tiny_cube


def two_clouds(apart, n=4000, seed=0):
    rng = np.random.default_rng(seed)
    centers = np.array([[0.0, 0], [apart, 0]])
    kind = np.arange(n) % 2
    scores = centers[kind] + rng.normal(size=(n, 2))
    steps = centers[kind[:, None]] + rng.normal(size=(n, 2, 2))
    return scores, distances(scores, centers).argmin(1), steps, centers


@pytest.mark.parametrize("apart", [3.0, 4.0, 5.0])
def test_mistakes_are_as_many_as_the_noise_makes(apart):
    scores, micro, pairs, centers = two_clouds(apart)
    counts = count_mistakes(scores, micro, pairs, centers, np.arange(2), 0)
    rate = counts[0, 1] / counts[0].sum()
    assert rate == pytest.approx(norm.sf(apart / 2), rel=0.5)  # the clouds are cut where they meet
    assert np.array_equal(counts, count_mistakes(scores, micro, pairs, centers, np.arange(2), 0))


def test_a_wide_component_with_little_noise_makes_few_mistakes():
    scores, micro, pairs, centers = two_clouds(4.0)
    quiet = pairs[:, :1] + 0.1 * (pairs - pairs[:, :1])
    few = count_mistakes(scores, micro, quiet, centers, np.arange(2), 0)
    many = count_mistakes(scores, micro, pairs, centers, np.arange(2), 0)
    assert few[0, 1] < many[0, 1] / 2


def test_a_list_of_spectra_has_no_neighbours():
    scores, micro, pairs, centers = two_clouds(5.0)
    counts = count_mistakes(scores, micro, pairs[:0], centers, np.arange(2), 0)
    assert 0 < counts[0, 1] < 0.03 * counts[0].sum()


@pytest.fixture(scope="module")
def model():
    return KMeans(n_clusters=3, random_state=0).fit(tiny_cube(60, 50, counts=False))


def test_a_fresh_cube_is_familiar(model):
    result = model.predict(tiny_cube(60, 50, seed=8, counts=False))
    found = presence(result)
    assert found.size[-1] <= 2
    assert found.drift == pytest.approx(1, abs=0.1)
    assert (result["unlike"] > 100).mean() < 0.005
    assert not found.present[-1]


def test_a_new_material_is_unlike_and_the_rest_is_not(model):
    cube = tiny_cube(60, 50, seed=8, counts=False)
    spectra = cube["spectra"].values.copy()
    spectra[4:9, 4:9, 0] += 0.4  # a line where no component has one
    result = model.predict(make_cube(spectra, cube["channel"].values, "nm"))
    far = result["unlike"].values > FAR
    assert far[4:9, 4:9].all()
    assert far.sum() <= 27
    assert presence(result).present[-1]


def test_an_absent_component_is_called_absent(model):
    cube = tiny_cube(60, 50, seed=8, counts=False).isel(y=slice(0, 40))
    found = presence(model.predict(cube))
    assert sorted(found.present[:-1]) == [False, True, True]


def test_dim_spectra_are_not_unlike_because_they_are_dim():
    rng = np.random.default_rng(0)
    shape = np.exp(-((np.arange(40)[None] - [[10], [28]]) ** 2) / 60)
    light = np.exp(rng.normal(0, 0.6, (50, 50, 1)))
    kind = (np.arange(50) < 25).astype(int)[:, None] + np.zeros((1, 50), int)

    def scene(dim):
        return make_cube(shape[kind] * light * dim + rng.normal(0, 0.01, (50, 50, 40)), np.arange(40.0), "nm")

    result = KMeans(n_clusters=2, scaling="unit", random_state=0).fit(scene(1.0)).predict(scene(0.6))
    assert (result["unlike"] > FAR).mean() < 0.01


def test_a_component_without_scatter_is_all_noise():
    noise = np.diag([1.0, 2.0])
    np.testing.assert_allclose(_gain(noise, np.zeros((2, 2))), np.eye(2), atol=1e-6)
    np.testing.assert_allclose(_gain(np.zeros((2, 2)), np.zeros((2, 2))), 0, atol=1e-6)


@pytest.mark.parametrize("scaling", ["zscore", "unit"])
@pytest.mark.parametrize("table", [False, True])
def test_a_known_noise_says_how_many_labels_change_when_measured_again(scaling, table):
    """A second exposure of the same scene tells: within a factor of four. Lists of spectra say hardly any without it."""
    rng = np.random.default_rng(8)
    field = np.stack([gaussian_filter(rng.normal(size=(60, 64)), 5, mode="wrap") for _ in range(3)], -1)
    share = np.exp(5 * field / field.std())
    share /= share.sum(-1, keepdims=True)
    pure = 1 + np.abs(rng.normal(size=(3, 30))).cumsum(1) / 8
    clean, sigma = share @ pure, np.where(np.arange(30) % 3 == 0, 2.0, 0.2)
    shape = (-1, 1, 30) if table else (60, 64, 30)
    first, second = ((clean + rng.normal(size=clean.shape) * sigma).reshape(shape) for _ in range(2))
    model = KMeans(n_clusters=3, scaling=scaling).fit(make_cube(first, variance=sigma**2))
    changed = float((model.predict(make_cube(first))["labels"] != model.predict(make_cube(second))["labels"]).mean())
    said = told(model)
    assert changed / 4 < said < 2 * changed
    assert any("mistakes" in words for words in model.info_["known_noise"]["used_for"])
    if table:
        assert told(KMeans(n_clusters=3, scaling=scaling).fit(make_cube(first))) < changed / 20


def told(model):
    """Share of spectra that get another component when measured again, as a model says it."""
    counts, component = model.state_["mistaken"], model.state_["component"]
    return counts[component[:, None] != component].sum() / counts.sum()
