import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import is_valid_linkage

from spaxel.results.trees import centroid_tree, cut_tree, leaves_of, regraft

trees = st.builds(
    lambda seed, m: centroid_tree(np.random.default_rng(seed).normal(size=(m, 3)), np.arange(1, m + 1)),
    st.integers(0, 50),
    st.integers(2, 20),
)


@given(trees, st.integers(0, 50))
def test_moved_parts_change_their_component_and_nothing_else(tree, seed):
    m, rng = len(tree) + 1, np.random.default_rng(seed)
    moved, stay = np.split(rng.permutation(m), [rng.integers(0, m)])
    onto = {int(part): int(rng.choice(stay)) for part in moved}
    found = regraft(tree, onto)
    assert is_valid_linkage(found)
    assert np.array_equal(regraft(tree, {}), tree)
    for level in range(1, len(stay) + 1):
        old, new = cut_tree(tree, level), cut_tree(found, level)
        assert all(new[part] == new[other] for part, other in onto.items())
        if len(np.unique(old[stay])) == level and all((old == k).sum() > 1 for k in old[moved]):
            assert len(set(zip(old[stay], new[stay], strict=True))) == level


@given(trees)
def test_nodes_hold_as_many_parts_as_the_tree_says(tree):
    held = leaves_of(tree)
    assert held.shape == (2 * len(tree) + 1, len(tree) + 1)
    assert held[len(tree) + 1 :].sum(1).tolist() == tree[:, 3].tolist()
    assert held[-1].all()


def test_a_merged_part_lies_at_the_mean_of_all_its_pixels():
    """100 pixels at 0 and one at 1 lie at 1/101 together, and the height of the next merge counts from there."""
    tree = centroid_tree(np.array([[0.0], [1.0], [-2.0], [3.1]]), np.array([100, 1, 50, 50]))
    assert tree[:, :2].astype(int).tolist() == [[0, 1], [4, 2], [5, 3]]
    n = 201
    weight = (2 * 101 * 50 / 151 / n) ** 0.25
    assert tree[1, 2] == pytest.approx((2 + 1 / 101) * weight)
    last = (100 * 0 + 1 - 100) / 151
    assert tree[2, 2] == pytest.approx((3.1 - last) * (2 * 151 * 50 / 201 / n) ** 0.25)
