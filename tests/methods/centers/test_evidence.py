import numpy as np
import pytest

from spaxel.methods.centers.evidence import weigh as weigh_parts
from spaxel.methods.centers.linkage import Parts
from spaxel.results.cut import centroid_tree, tree_through


def weigh(scores, micro, pairs, tree, **more):
    return weigh_parts(Parts(scores, micro, np.zeros((len(tree) + 1, scores.shape[1])), pairs), tree, **more)


def _groups(k, n=1500, spread=1.0, seed=0):
    """k Gaussian groups in 4 dimensions, cut into micro-clusters, with neighbours mostly in the same group."""
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
    assert evidence.number.likeliest == k
    assert evidence.sentence.startswith(f"{k} components (probability ")


def test_one_cloud_is_nothing_to_divide():
    evidence = weigh(*_groups(1), most=15)
    assert evidence.level == 1
    assert evidence.sentence.startswith("Nothing to divide: 1 component (probability ")


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


def _with_a_rare_one(apart, alone=0.9, n=40, seed=0):
    """Two groups and n spectra that lie `apart` from the second, each cut into four parts.

    alone : share of the neighbours of the n spectra that are of their kind
    """
    rng = np.random.default_rng(seed)
    own = np.repeat([0, 1, 2], [1000, 1000, n])
    scores = np.array([[0.0, 0, 0], [60, 0, 0], [60, apart, 0]])[own] + rng.normal(size=(len(own), 3))
    micro = own * 4 + rng.integers(0, 4, len(own))
    centers = np.stack([scores[micro == i].mean(0) for i in range(12)])
    tree = tree_through(centers, np.bincount(micro), np.repeat([0, 1, 2], 4))
    other = np.where(rng.random(len(own)) < alone, own, np.minimum(own, 1))
    beside = np.array([rng.choice(micro[own == k]) for k in other])
    return scores, micro, np.stack([micro, beside], axis=1), tree


@pytest.mark.parametrize("seed", range(3))
def test_a_rare_component_counts_if_a_gap_and_an_interior_show_it(seed):
    clear = _with_a_rare_one(12, seed=seed)
    assert weigh(*clear, most=10).level == 2
    found = weigh(*clear, most=10, rare=True)
    assert found.level == 3
    assert "their median is 2, but every split up to 3 leaves" in found.sentence
    for unclear in (_with_a_rare_one(1, seed=seed), _with_a_rare_one(12, alone=0.2, seed=seed)):
        assert weigh(*unclear, most=10, rare=True).level == 2
    scores, micro, _, tree = clear
    assert weigh(scores, micro, np.zeros((0, 2), int), tree, most=10, rare=True).level == 2


@pytest.mark.parametrize("k", [1, 2, 4, 7])
def test_looking_for_rare_components_never_takes_fewer(k):
    plain, rare = (weigh(*_groups(k), most=15, rare=rare) for rare in (False, True))
    assert rare.level >= plain.level
    assert rare.votes == plain.votes
    assert k == 1 or rare.level == k


def test_halves_whose_medians_and_means_disagree_leave_no_valley():
    left, right = np.concatenate([np.zeros(60), np.full(40, 9.0)]), np.ones(100)
    scores, micro = np.concatenate([left, right])[:, None], np.repeat([0, 1], 100)
    tree = centroid_tree(np.array([[3.6], [1.0]]), np.array([100, 100]))
    assert weigh(scores, micro, np.zeros((0, 2), int), tree, most=10).curves["valley"].tolist() == [0]
