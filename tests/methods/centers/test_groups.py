"""Groups of scores: the order of micro-clusters, and how much two groupings differ."""

import numpy as np
import pytest

from spaxel.methods.centers.groups import Groups, Rules, changed_share, find_groups

PLACES = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 50.0]])
SIZES = (40, 160, 80, 120)


def scores(seed=0):
    rng = np.random.default_rng(seed)
    return rng.permutation(np.repeat(PLACES, SIZES, axis=0) + rng.normal(size=(sum(SIZES), 2)))


@pytest.mark.parametrize("seed", range(3))
def test_micro_clusters_are_in_the_order_of_their_size(seed):
    found = find_groups(scores(seed), np.zeros((0, 2, 2)), 4, Rules(n_init=2, random_state=seed))
    assert found.sizes.tolist() == [160, 120, 80, 40]
    assert np.bincount(found.micro).tolist() == [160, 120, 80, 40]
    np.testing.assert_allclose(found.centers, PLACES[[1, 3, 2, 0]], atol=0.6)


def grouped(micro, component):
    """Groups of which only the labels count."""
    return Groups(None, np.array(micro), None, None, np.array(component), None, None, None)


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (([0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 2]), ([0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 2]), 0),
        (([0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 2]), ([2, 2, 0, 0, 1, 1, 1, 1], [1, 2, 0]), 0),  # other numbers alone
        (([0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 2]), ([0, 1, 1, 1, 2, 2, 2, 2], [0, 1, 2]), 1 / 8),
        (([0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 2]), ([1, 0, 0, 0, 2, 2, 2, 2], [1, 2, 0]), 1 / 8),  # and other numbers
        (([0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 2]), ([0, 0, 0, 0, 1, 1, 1, 1], [0, 1]), 2 / 8),  # two became one
    ],
)
def test_labels_are_matched_before_they_are_compared(one, other, share):
    assert changed_share(grouped(*one), grouped(*other)) == share
    assert changed_share(grouped(*other), grouped(*one)) == share
