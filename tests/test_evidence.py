import numpy as np
import pytest

from spaxel.evidence import weigh
from spaxel.granularity import centroid_tree


def _groups(k, n=1500, spread=1.0, seed=0):
    """k Gaussian groups in 4 dimensions, cut into micro parts, with neighbours mostly in the same group."""
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(k, 4)) * 12
    own = rng.integers(0, k, n)
    scores = centers[own] + rng.normal(size=(n, 4)) * spread
    fit = KMeans(30, n_init=2, random_state=0).fit(scores)
    order = np.argsort(own, kind="stable")
    pairs = np.stack([fit.labels_[order][:-1], fit.labels_[order][1:]], axis=1)
    tree = centroid_tree(fit.cluster_centers_, np.bincount(fit.labels_))
    return scores, fit.labels_, pairs, tree


@pytest.mark.parametrize("k", [2, 4, 7])
def test_clear_groups_are_counted_and_the_voices_agree(k):
    evidence = weigh(*_groups(k), most=15)
    assert evidence.level == k
    assert ", sure" in evidence.sentence


def test_one_cloud_leaves_doubt():
    evidence = weigh(*_groups(1), most=15)
    assert ", sure" not in evidence.sentence
    assert "Look at the other levels" in evidence.sentence


def test_a_table_has_no_voice_of_contact():
    scores, micro, _, tree = _groups(3)
    evidence = weigh(scores, micro, np.zeros((0, 2), int), tree, most=10)
    assert set(evidence.votes) == {"silhouette", "valley", "elbow", "log elbow"}
    assert all(len(curve) == len(evidence.levels) for curve in evidence.curves.values())


def test_groups_without_any_spread_are_counted():
    """Two distinct spectra and nothing else, whatever their unit: numbers stay within floating point (warnings are errors)."""
    own = np.arange(200) % 2
    pairs = np.stack([np.sort(own)[:-1], np.sort(own)[1:]], axis=1)
    for unit in (1e-9, 1.0, 1e9):
        centers = unit * np.array([[1.0, 2, 3], [3, 2, 1]])
        assert weigh(centers[own], own, pairs, centroid_tree(centers, np.bincount(own)), most=5).level == 2


def test_a_single_part_is_one_component():
    evidence = weigh(np.zeros((5, 2)), np.zeros(5, int), np.zeros((0, 2), int), np.zeros((0, 4)), most=10)
    assert evidence.level == 1
