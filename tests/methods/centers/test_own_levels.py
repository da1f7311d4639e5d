"""Levels that are no cut of the tree: groupings of the finest parts, near what would be found at each number."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.linkage import Parts
from spaxel.methods.centers.own_levels import grouped, level_table
from spaxel.results.cut import component_table
from spaxel.results.trees import centroid_tree, cut_tree

RNG = np.random.default_rng(3)
SCORES = RNG.random((900, 2))
CENTERS = np.stack(np.meshgrid(np.arange(6), np.arange(6)), -1).reshape(-1, 2) / 5
PARTS = Parts(SCORES, distances(SCORES, CENTERS).argmin(1), CENTERS, np.zeros((0, 2), int))
TREE = centroid_tree(CENTERS, PARTS.sizes)
COLUMNS, ROWS = (np.minimum((SCORES[:, i] * 3).astype(int), 2) for i in (0, 1))  # neither divides the other
ALL = np.arange(len(SCORES))


def test_levels_follow_the_labels_at_their_number_and_need_not_be_nested():
    labels = {
        3: (ALL, COLUMNS),
        9: (ALL, 3 * COLUMNS + ROWS),
        4: (ALL, 2 * (SCORES[:, 0] > 0.5) + (SCORES[:, 1] > 0.5)),
    }
    table = level_table(PARTS, TREE, np.arange(2, 11), 5, labels)
    for k, (_, own) in labels.items():
        assert adjusted_rand_score(own, table[k - 2][PARTS.micro]) > 0.6
        assert adjusted_rand_score(own, table[k - 2][PARTS.micro]) > adjusted_rand_score(
            own, cut_tree(TREE, k)[PARTS.micro]
        )
    for k in (2, 5, 6, 10):  # without labels, or found: the tree
        np.testing.assert_array_equal(table[k - 2], component_table(TREE, PARTS.sizes, k)[0])
    assert all(len(np.unique(row)) == k for k, row in enumerate(table, 2))
    assert all((np.diff(np.bincount(row, weights=PARTS.sizes)) <= 0).all() for row in table)


def test_the_level_that_was_found_stays_and_without_labels_there_is_no_table():
    assert level_table(PARTS, TREE, np.arange(2, 6), 3, {3: (ALL, COLUMNS)}) is None
    assert level_table(PARTS, TREE, np.arange(2, 6), 3, {}) is None


@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(5, 200))
@settings(max_examples=40, deadline=None)
def test_each_label_keeps_a_part(seed, k, n):
    """Rare labels have most of no part, and of parts that were not drawn nothing is known."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(SCORES))[:n]
    labels = np.minimum(rng.geometric(0.6, n) - 1, k - 1)
    owner = grouped(PARTS, rows, labels, k)
    if owner is not None:
        assert np.array_equal(np.unique(owner), np.arange(k))
    elif set(labels) == set(range(k)):
        assert len(np.unique(PARTS.micro[rows])) < 2 * k


def test_a_rare_label_takes_no_part_that_is_all_of_another():
    labels = np.repeat([0, 1, 2, 0, 2], [10, 10, 5, 8, 1])
    parts = Parts(np.zeros((34, 1)), np.repeat([0, 1, 2], [10, 15, 9]), np.arange(3.0)[:, None], np.zeros((0, 2), int))
    assert grouped(parts, np.arange(34), labels, 3).tolist() == [0, 1, 2]
