"""A tree passes through the level that was found, and is near k-means at all others."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import is_valid_linkage
from sklearn.cluster import KMeans as Lloyd
from sklearn.metrics import adjusted_rand_score

from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.levels import owner_of, through_levels, tree_by_levels
from spaxel.methods.centers.linkage import Parts, by_centroid, refined
from spaxel.results.cut import component_table, cut_tree

RNG = np.random.default_rng(4)
PLACES = RNG.normal(size=(6, 3)) * 4
OWN = RNG.integers(0, 6, 1500)
SCORES = PLACES[OWN] + RNG.normal(size=(1500, 3)) * [2, 1, 0.5]


def parts_of(scores, m=30):
    centers = Lloyd(m, n_init=1, random_state=0).fit(scores).cluster_centers_
    return Parts(scores, distances(scores, centers).argmin(1), centers, np.zeros((0, 2), int))


PARTS = parts_of(SCORES)
FIRST = by_centroid(PARTS)


def agreement(tree, k):
    """Of a cut with k-means at that number."""
    labels = Lloyd(k, n_init=10, random_state=1).fit(SCORES).labels_
    return adjusted_rand_score(labels, cut_tree(tree, k)[PARTS.micro])


def test_every_level_is_near_kmeans_at_its_number():
    """The map cut at the true number was far worse than k-means told that number (SalinasA: 0.43 against 0.73)."""
    tree = through_levels(PARTS, FIRST, 4, 0)
    assert is_valid_linkage(tree)
    near = [agreement(tree, k) for k in range(2, 10)]
    assert np.mean(near) > 0.8
    assert min(near) > 0.65


def test_the_tree_passes_through_the_level_that_was_found():
    owner = owner_of(PARTS, PLACES)
    tree = tree_by_levels(PARTS, FIRST, owner, 0)
    assert adjusted_rand_score(component_table(tree, PARTS.sizes, 6)[0], owner) == 1
    old, new = (cut_tree(make(PARTS, FIRST, 5, 0), 5) for make in (refined, through_levels))
    assert adjusted_rand_score(old, new) == 1


@pytest.mark.same_bits
def test_same_seed_same_tree():
    one, two = (through_levels(PARTS, FIRST, 5, 3) for _ in range(2))
    assert np.array_equal(one, two)


def test_other_spaces_are_heard_by_their_weight():
    """Levels follow the space that counts: here one in which only the first axis is seen."""
    line = SCORES[:, :1]
    trees = [tree_by_levels(PARTS, FIRST, None, 0, [(w, line), (1 - w, SCORES)]) for w in (0.0, 1.0)]
    labels = Lloyd(2, n_init=5, random_state=0).fit(line).labels_
    deaf, led = (adjusted_rand_score(labels, cut_tree(tree, 2)[PARTS.micro]) for tree in trees)
    assert led > deaf + 0.2


def test_where_there_is_nothing_to_learn_from_the_tree_stays():
    few = Parts(np.eye(2).repeat(20, 0), np.arange(2).repeat(20), np.eye(2), np.zeros((0, 2), int))
    tree = by_centroid(few)
    assert np.array_equal(through_levels(few, tree, 1, 0), tree)
