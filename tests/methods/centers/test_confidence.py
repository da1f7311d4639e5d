import numpy as np
import pytest

from spaxel.methods.centers.confidence import ladder, level_margins, margins
from spaxel.results.trees import centroid_tree, cut_tree


def at(far, tree, levels):
    return level_margins(far, far.argmin(1), ladder(tree, levels))


@pytest.mark.parametrize("n_micro", [1, 2, 3, 17, 40])
@pytest.mark.parametrize("seed", [0, 1])
def test_margins_of_all_levels_are_those_of_each_level_alone(n_micro, seed):
    rng = np.random.default_rng([seed, n_micro])
    far = rng.random((512, n_micro))
    far[:50] = np.round(far[:50], 1)  # ties
    tree = centroid_tree(rng.random((n_micro, 3)), rng.integers(1, 100, n_micro))
    levels = np.arange(1, n_micro + 1)
    alone = [margins(far, cut_tree(tree, int(k))) for k in levels]
    assert np.array_equal(at(far, tree, levels), np.stack(alone, 1))


def test_levels_may_be_some_or_none():
    rng = np.random.default_rng(3)
    far, tree = rng.random((8, 6)), centroid_tree(rng.random((6, 2)), np.ones(6))
    every = at(far, tree, np.arange(1, 7))
    assert np.array_equal(at(far, tree, np.array([2, 5])), every[:, [1, 4]])
    assert at(far, tree, np.array([], int)).shape == (8, 0)
