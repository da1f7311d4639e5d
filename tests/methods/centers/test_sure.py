from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

import spaxel
from spaxel.figures.levels import levels_of
from spaxel.figures.palette import palette
from spaxel.methods.centers.dull import dullness
from spaxel.methods.centers.sure import LEARNED, Sure, confidence, mistakes
from spaxel.reporting import render
from spaxel.results.advice import try_next
from spaxel.results.convention import is_probability
from spaxel.results.trees import centroid_tree, cut_tree
from spaxel.testing import tiny_cube

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("method", LEARNED)
def test_confidence_rises_with_the_margin_and_stays_in_its_bounds(method):
    weights = np.array(LEARNED[method][:5])
    margin = np.linspace(0, 1, 101)
    for against in (1e-6, 0.5, 1e6):
        sure = confidence(margin, np.full(101, against), weights)
        assert (np.diff(sure) >= 0).all()
        assert sure.min() >= 0
        assert sure.max() <= 1
        assert sure[0] < sure[60]


def test_what_is_joined_is_not_mistaken_for_each_other():
    mistaken, tree = RNG.random((12, 12)) + 5 * np.eye(12), centroid_tree(RNG.random((12, 3)), np.arange(1, 13))
    levels = [mistakes(mistaken, cut_tree(tree, k)) for k in range(12, 0, -1)]
    assert all((coarse <= fine + 1e-12).all() for fine, coarse in pairwise(levels))
    assert np.allclose(levels[-1], 0)
    alone = Sure(np.array(LEARNED["kmeans"][:5]), np.zeros(1), mistaken)
    at = alone.against_at(tree, np.array([2, 5]))
    assert np.array_equal(at[:, 1], alone.against(cut_tree(tree, 5)))


def test_rings_of_brightness_are_dull_and_shapes_are_not():
    light = RNG.uniform(0.2, 4, (2000, 1))
    kind = RNG.integers(0, 2, 2000)
    shapes = np.stack([np.linspace(1, 2, 20), np.linspace(2, 1, 20)])[kind]
    spectra = light * shapes + RNG.normal(0, 0.01, (2000, 20))
    assert dullness(spectra, (light[:, 0] > 2).astype(int), 0) > 0.8
    assert dullness(spectra, kind, 0) < 0.05
    assert dullness(spectra, np.zeros(2000, int), 0) == 0
    assert dullness(shapes, kind, 0) == 0


def test_brightness_makes_every_pixel_less_sure():
    mistaken = np.eye(3) * 100
    bright, dull = (
        Sure(np.array(LEARNED["kmeans"][:5]), np.array([g]), mistaken).against(np.arange(3)) for g in (0.0, 0.8)
    )
    assert (dull > 5 * bright).all()


def test_a_number_that_was_found_is_one_more_doubt():
    cube = tiny_cube(20, 17)
    found = spaxel.KMeans().fit(cube)
    told = spaxel.KMeans(found.info_["n_components"]).fit(cube)
    weights = [model.state_["sure_weights"] for model in (found, told)]
    assert weights[0][0] < weights[1][0]
    assert np.array_equal(weights[0][1:], weights[1][1:])


def one_material(seed):
    rng = np.random.default_rng(seed)
    light = np.exp(-(np.linspace(-2, 2, 40) ** 2))
    return spaxel.make_cube(rng.poisson(50 * light, (40, 36, 40)).astype(np.float32), np.arange(40.0), "keV")


def test_nothing_to_divide_is_as_sure_as_it_is_probable():
    result = spaxel.KMeans(n_init=2).fit_predict(one_material(3))
    assert result.sizes["component"] == 1
    probable = result["evidence"].attrs["probability"][0]
    assert 0.5 <= probable < 1
    np.testing.assert_allclose(result["confidence"], probable, atol=1e-4)
    for shown in (result, spaxel.cut(result, 3)):
        assert levels_of(shown, palette(40)).states[0].confidence == pytest.approx([probable], abs=1e-4)
    again = spaxel.cut(spaxel.cut(result, 3), 1)
    np.testing.assert_allclose(again["confidence"], probable, atol=1e-4)
    assert "Nothing to divide was found. Confidence is the probability of that" in render(again)
    assert "Nothing to divide was found" not in render(spaxel.KMeans(n_init=2).fit_predict(tiny_cube(20, 17)))
    for level in (2, 5):
        divided = spaxel.cut(result, level)
        assert float(divided["confidence"].max()) <= 1 - probable + 0.005
        assert try_next(divided.assign_attrs(method="consensus")) == ""
    told = spaxel.KMeans(1, n_init=2).fit_predict(one_material(3))
    assert float(told["confidence"].min()) == 1


def test_a_model_of_a_version_without_it_still_gives_margins():
    cube = tiny_cube(20, 17)
    model = spaxel.KMeans(3).fit(cube)
    assert is_probability(model.predict(cube))
    model.state_ = {name: array for name, array in model.state_.items() if not name.startswith("sure_")}
    result, far = model.predict(cube), np.sort(model.transform(cube).values, axis=2)
    assert not is_probability(result)
    np.testing.assert_allclose(1 - far[..., 0] / far[..., 1], result["confidence"], atol=1e-5)


@pytest.mark.parametrize("counts", [30, 300])
def test_a_cut_at_a_level_says_what_the_model_says_of_that_level(counts):
    cube = spaxel.simulate("maxrf", height=30, width=31, channels=64, seed=7, counts=counts, n_pigments=4)
    result = spaxel.KMeans(5, linkage="centroid", n_micro=14, max_clusters=9).fit(cube).predict(cube)
    assert result["level"].values.tolist() == list(range(2, 10))
    for level in result["level"].values:
        said = np.float32(result["level_confidence"].sel(level=level).values) / 255
        there = said if level > 1 else np.ones_like(said)
        np.testing.assert_array_equal(spaxel.cut(result, int(level))["confidence"].values, there)


def test_of_pixels_that_are_said_to_be_right_as_many_are():
    """On fresh small worlds, clean and noisy, the number told; the law at large is in benchmarks/calibration.py."""
    said, hit = [], []
    for seed, counts in ((41, 30), (42, 200), (43, 30), (44, 2000)):
        cube = spaxel.simulate("maxrf", height=40, width=40, channels=64, seed=seed, counts=counts, n_pigments=4)
        truth = cube["truth_labels"].values
        result = spaxel.KMeans(4, random_state=seed).fit(cube).predict(cube)
        table = np.zeros((4, truth.max() + 1))
        np.add.at(table, (result["labels"].values, truth), 1)
        of = np.full(4, -1)
        rows, columns = linear_sum_assignment(-table)
        of[rows] = columns
        said.append(result["confidence"].values.ravel())
        hit.append((of[result["labels"].values] == truth).ravel())
    sure, right = np.concatenate(said), np.concatenate(hit)
    assert abs(sure.mean() - right.mean()) < 0.1
    assert right[sure >= 0.9].mean() > 0.85
    lower = sure < np.median(sure)
    assert right[lower].mean() < right[~lower].mean()
