import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import adjusted_rand_score, cohen_kappa_score, normalized_mutual_info_score

from spaxel.errors import CubeError, ParameterError
from spaxel.metrics import (
    abundance_rmse,
    matched_spectra,
    score,
    silhouette,
    spatial_coherence,
    spectral_angle,
    stability,
)
from spaxel.results.convention import make_result
from spaxel.testing import tiny_cube

images = arrays(np.int32, (5, 7), elements=st.integers(-1, 4))
pytestmark = pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning:sklearn")  # of the oracle


def labelled(image):
    return (image >= 0).any()


def test_hand_made_example():
    truth = np.array([[0, 0, 0, 0, 1, 1, 1, 2, 2, -1]])
    found = np.array([[5, 5, 5, 3, 3, 3, 3, 3, 3, 8]])
    got = score(found, truth)
    assert (got["n_pixels"], got["n_components"], got["n_classes"], got["n_unassigned"]) == (9, 2, 3, 0)
    assert got["matching"] == {"0": 5, "1": 3}
    assert got["accuracy"] == pytest.approx(6 / 9)  # 3 of class 0, 3 of class 1, none of class 2
    assert got["majority_accuracy"] == pytest.approx(6 / 9)
    assert got["iou"] == {"0": 3 / 4, "1": 3 / 6, "2": 0.0}
    assert got["mean_iou"] == pytest.approx((3 / 4 + 3 / 6) / 3)


def test_split_components_cost_accuracy_but_not_majority_accuracy():
    truth = np.array([[0, 0, 0, 1, 1, 1]])
    got = score(np.array([[0, 0, 1, 2, 2, 3]]), truth)
    assert got["accuracy"] == pytest.approx(4 / 6)
    assert got["majority_accuracy"] == 1


def test_an_unassigned_pixel_is_wrong_and_an_unlabelled_one_is_not_scored():
    truth = np.array([[0, 0, 1, 1, -1]])
    got = score(np.array([[0, -1, 1, 1, 7]]), truth)
    assert (got["n_pixels"], got["n_unassigned"]) == (4, 1)
    assert got["accuracy"] == 0.75
    assert got["iou"] == {"0": 0.5, "1": 1.0}
    assert got["ari"] < 1
    nothing = score(np.full((1, 5), -1), truth)
    assert (nothing["accuracy"], nothing["n_components"], nothing["matching"]) == (0, 0, {})
    assert nothing["majority_accuracy"] == 0


@settings(deadline=None, max_examples=60)
@given(images, images.filter(labelled))
def test_scikit_learn_agrees(found, truth):
    got, at = score(found, truth), truth >= 0
    assert got["ari"] == pytest.approx(adjusted_rand_score(truth[at], found[at]), abs=1e-9)
    assert got["nmi"] == pytest.approx(normalized_mutual_info_score(truth[at], found[at]), abs=1e-9)
    mapped = np.full(at.sum(), -1)
    for name, component in got["matching"].items():
        mapped[found[at] == component] = int(name)
    assert got["accuracy"] == pytest.approx((mapped == truth[at]).mean())
    if len(np.unique([*mapped, *truth[at]])) > 1:
        assert got["kappa"] == pytest.approx(cohen_kappa_score(truth[at], mapped), abs=1e-9)
    for name, iou in got["iou"].items():
        mine, theirs = mapped == int(name), truth[at] == int(name)
        assert iou == pytest.approx((mine & theirs).sum() / (mine | theirs).sum())


@settings(deadline=None, max_examples=30)
@given(images, images.filter(labelled), st.permutations(range(5)))
def test_the_numbers_of_components_mean_nothing(found, truth, order):
    renamed = np.append(np.array(order) * 3, -1)[found]
    one, other = score(found, truth), score(renamed, truth)
    for key in ("n_components", "ari", "nmi", "accuracy", "majority_accuracy"):
        assert one[key] == pytest.approx(other[key], abs=1e-12)
    assert spatial_coherence(found) == pytest.approx(spatial_coherence(renamed), nan_ok=True)
    assert stability(found, truth) == pytest.approx(stability(renamed, truth), nan_ok=True)


@settings(deadline=None, max_examples=30)
@given(images.filter(labelled))
def test_perfect_is_one(truth):
    got = score((truth + 10) % 11, truth)  # -1 -> 9, 0 -> 10, 1 -> 0 …
    assert [got[k] for k in ("ari", "nmi", "accuracy", "majority_accuracy", "mean_iou", "kappa")] == pytest.approx(
        [1.0] * 6
    )


def test_iou_and_kappa_of_a_permutation():
    truth, found = np.array([[0, 0, 1, 1, 2, 2]]), np.array([[0, 0, 0, 1, 2, 2]])
    one, other = score(found, truth), score(np.array([4, 9, 2])[found], truth)
    assert (one["iou"], one["kappa"]) == (other["iou"], other["kappa"])


def test_builtins_survive_json():
    cube = tiny_cube()
    got = score(cube["truth_labels"], cube)
    assert json.loads(json.dumps(got)) == got


def test_truth_of_every_kind():
    cube = tiny_cube()
    truth = cube["truth_labels"].values
    result = make_result(cube, labels=(truth + 1) % 3)
    shares = np.eye(3)[truth] * 0.6 + 0.1
    mixed = cube.drop_vars("truth_labels").assign(truth_abundances=(("y", "x", "truth_component"), shares))
    for known in (truth, truth.astype(float), cube["truth_labels"], cube, mixed, shares, None):
        assert score(result, known)["accuracy"] == 1
    shares[0, 0], shares[0, 1] = 0, np.nan
    assert score(result, shares)["n_pixels"] == truth.size - 2


def test_pixels_that_are_not_valid_are_not_scored():
    cube = tiny_cube()
    valid = np.ones((13, 7), bool)
    valid[:2] = False
    labels = np.where(valid, cube["truth_labels"].values, -1)
    got = score(labels, cube.assign(valid=(("y", "x"), valid)))
    assert (got["n_pixels"], got["accuracy"]) == (11 * 7, 1)


def test_many_pixels_do_not_overflow():
    truth = np.zeros((1, 200_000), int)
    truth[0, ::2] = 1
    assert score(truth, truth)["ari"] == 1
    assert abs(score(np.arange(200_000)[None] % 4 // 2, truth)["ari"]) < 0.01


@pytest.mark.parametrize(
    ("found", "truth", "message"),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), r"\(2, 3\), the truth \(3, 2\)"),
        (np.zeros((2, 3), int), np.full((2, 3), -1), "no labelled pixel"),
        (np.full((2, 3), 0.5), np.zeros((2, 3), int), "whole numbers"),
        (np.array([["a"]]), np.zeros((1, 1), int), "whole numbers"),
        (tiny_cube(), None, "no `labels`"),
        (tiny_cube()["truth_labels"], tiny_cube().drop_vars("truth_labels"), "no truth_labels"),
    ],
)
def test_refusals(found, truth, message):
    with pytest.raises(CubeError, match=message):
        score(found, truth)


def test_stability_counts_pixels_with_both_labels():
    a, b = np.array([[0, 0, 1, 1, -1]]), np.array([[1, 1, 0, 0, 0]])
    assert stability(a, b) == 1
    assert np.isnan(stability(a, np.full((1, 5), -1)))
    with pytest.raises(CubeError, match="shapes"):
        stability(a, b.T)


def test_silhouette():
    labels = np.repeat([0, 1, -1], [40, 40, 20]).reshape(10, 10)
    features = np.random.default_rng(0).normal(labels[..., None] * 10, 0.1, (10, 10, 2))
    assert silhouette(features, labels) > 0.9
    assert silhouette(features, labels, n=20, seed=1) == silhouette(features, labels, n=20, seed=1)
    assert np.isnan(silhouette(features, np.zeros((10, 10), int)))
    assert np.isnan(silhouette(features, np.arange(100).reshape(10, 10)))
    with pytest.raises(CubeError, match="first axes"):
        silhouette(features, labels.ravel())
    with pytest.raises(ParameterError, match="n is 1"):
        silhouette(features, labels, n=1)


def test_spatial_coherence():
    halves = np.repeat([0, 1], 50).reshape(10, 10)
    noise = np.random.default_rng(0).integers(0, 4, (80, 80))
    chess = np.indices((10, 10)).sum(0) % 2
    assert spatial_coherence(halves) > 0.85
    assert abs(spatial_coherence(noise)) < 0.03
    assert spatial_coherence(chess) == -1
    apart = np.where(np.arange(10)[:, None] == 5, -1, halves)
    assert spatial_coherence(apart) == 1  # no pair joins two labels
    assert np.isnan(spatial_coherence(np.zeros((4, 4), int)))
    assert np.isnan(spatial_coherence(np.full((4, 4), -1)))
    with pytest.raises(CubeError, match="expected an image"):
        spatial_coherence(np.zeros(4, int))


def test_spectral_angle():
    a = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 0]])
    got = spectral_angle(a, np.array([7.0, 0, 0]))
    np.testing.assert_allclose(got, [0, np.pi / 4, np.nan])
    near = spectral_angle(np.array([1.0, 0]), np.array([1.0, 1e-9]))
    assert near == pytest.approx(1e-9)  # arccos would say 0


def test_matched_spectra_are_free_of_order_and_brightness():
    true = np.random.default_rng(3).uniform(0, 1, (4, 11))
    order = np.array([2, 0, 3, 1])
    got = matched_spectra(5 * true[order], true)
    assert [order[k] for k in got["matching"]] == [0, 1, 2, 3]
    np.testing.assert_allclose(got["angle"], 0, atol=1e-7)
    np.testing.assert_allclose(got["cosine"], 1)
    fewer = matched_spectra(true[[3, 1]], true)
    assert fewer["matching"] == [-1, 1, -1, 0]
    assert fewer["angle"][0] is None
    json.dumps(fewer)
    assert matched_spectra(np.zeros((1, 11)), true[:1])["mean_angle"] is None
    with pytest.raises(CubeError, match="channels"):
        matched_spectra(true[:, :5], true)


def test_abundance_rmse():
    true = np.random.default_rng(4).dirichlet(np.ones(3), (5, 7))
    found = true[..., [1, 2, 0]] + 0.1
    got = abundance_rmse(found, true)
    assert got["matching"] == [2, 0, 1]
    np.testing.assert_allclose(got["rmse"], 0.1)
    assert got["mean_rmse"] == pytest.approx(0.1)
    lost = abundance_rmse(found[..., :2], true, matching=[-1, 0, 1])
    assert lost["rmse"][0] == pytest.approx(np.sqrt((true[..., 0] ** 2).mean()))
    assert abundance_rmse(found[..., :2], true)["matching"] == [-1, 0, 1]
    holed = np.where(np.arange(5)[:, None, None] == 0, np.nan, found)
    np.testing.assert_allclose(abundance_rmse(holed, true)["rmse"], 0.1)
    with pytest.raises(CubeError, match="No pixel"):
        abundance_rmse(found * np.nan, true)
    with pytest.raises(CubeError, match="pixels differ"):
        abundance_rmse(found[:3], true)
