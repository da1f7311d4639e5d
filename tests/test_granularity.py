import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import is_valid_linkage, linkage

from spaxel.errors import ParameterError
from spaxel.granularity import centroid_tree, component_table, connectivity_tree, cut, cut_tree, tree_through
from spaxel.methods.kmeans import KMeans
from spaxel.testing import tiny_cube

trees = st.builds(
    lambda seed, m: (
        centroid_tree(np.random.default_rng(seed).normal(size=(m, 3)), np.arange(1, m + 1)),
        np.arange(1, m + 1),
    ),
    st.integers(0, 50),
    st.integers(2, 20),
)


@given(trees)
def test_levels_are_nested_and_have_as_many_components_as_they_say(pair):
    tree, _ = pair
    coarser = None
    for level in range(1, len(tree) + 2):
        fine = cut_tree(tree, level)
        assert len(np.unique(fine)) == level
        if coarser is not None:
            assert len({(f, c) for f, c in zip(fine, coarser, strict=True)}) == level
        coarser = fine


@given(trees)
def test_trees_are_valid_linkages(pair):
    assert is_valid_linkage(pair[0])


@given(trees)
def test_components_are_largest_first_and_the_larger_part_keeps_its_colour(pair):
    tree, sizes = pair
    seen = {}
    for level in range(1, len(sizes) + 1):
        component, color = component_table(tree, sizes, level)
        size = np.bincount(component, weights=sizes)
        assert (np.diff(size) <= 0).all()
        assert sorted(color) == list(range(level))
        largest = {
            int(color[k]): int(np.flatnonzero(component == k)[sizes[component == k].argmax()]) for k in range(level)
        }
        if seen:
            kept = [c for c in seen if color[component[seen[c]]] == c]
            assert len(kept) >= level - 2
        seen = largest


@given(trees)
def test_of_a_split_the_larger_half_keeps_the_colour(pair):
    tree, sizes = pair
    for level in range(2, len(sizes) + 1):
        (coarse, old), (fine, new) = (component_table(tree, sizes, k) for k in (level - 1, level))
        for parent in range(level - 1):
            children = np.unique(fine[coarse == parent])
            larger = max(children, key=lambda c: (sizes[fine == c].sum(), -c))
            assert new[larger] == old[parent]


def test_equal_sizes_give_centroid_linkage_while_no_part_has_grown():
    points = np.array([[0.0], [1], [10], [12], [30]])
    ours, scipys = centroid_tree(points, np.ones(5)), linkage(points, "centroid")
    assert ours[:2, :2].tolist() == scipys[:2, :2].tolist()


def test_a_rare_but_distinct_part_is_not_swallowed_first():
    centers = np.array([[0.0, 0], [1, 0], [2, 0], [0, 8]])
    tree = centroid_tree(centers, np.array([1000, 1000, 1000, 20]))
    assert cut_tree(tree, 2)[3] not in cut_tree(tree, 2)[:3]


@given(st.integers(0, 50), st.integers(2, 20), st.integers(1, 6))
def test_a_tree_through_a_grouping_has_it_as_a_level(seed, m, k):
    rng = np.random.default_rng(seed)
    component = np.concatenate([np.arange(min(k, m)), rng.integers(0, min(k, m), m - min(k, m))])
    tree = tree_through(rng.normal(size=(m, 3)), rng.integers(1, 50, m), component)
    assert is_valid_linkage(tree)
    found = cut_tree(tree, min(k, m))
    assert len({(a, b) for a, b in zip(found, component, strict=True)}) == min(k, m)


def test_connectivity_follows_a_chain_that_centres_would_cut():
    """Two parallel chains: neighbours in a chain share links, the chains do not, though their ends are closer."""
    links = np.zeros((8, 8))
    for chain in (range(4), range(4, 8)):
        for a, b in zip(list(chain)[:-1], list(chain)[1:], strict=True):
            links[a, b] = 50
    found = cut_tree(connectivity_tree(links, np.full(8, 100)), 2)
    assert len(set(found[:4])) == len(set(found[4:])) == 1
    assert found[0] != found[7]


@pytest.fixture(scope="module")
def result():
    cube = tiny_cube(40, 37)
    return KMeans(random_state=1).fit(cube).predict(cube)


@settings(max_examples=10)
@given(st.integers(1, 20))
def test_cutting_matches_the_maps(result, level):
    again = cut(result, level)
    labels = again["labels"].values
    assert np.array_equal(np.bincount(labels.ravel(), minlength=level), again["component_size"])
    assert again["component_spectra"].shape == (level, 11)
    assert ((again["confidence"] >= 0) & (again["confidence"] <= 1)).all()


def test_cutting_at_the_same_level_changes_nothing(result):
    again = cut(result, result.attrs["n_components"])
    assert np.array_equal(again["labels"], result["labels"])
    assert np.allclose(again["component_spectra"], result["component_spectra"])
    assert np.allclose(again["component_spread"], result["component_spread"])
    assert np.allclose(again["confidence"], result["confidence"], atol=1 / 255)


def test_component_spectra_are_means_of_their_pixels(result):
    spectra = tiny_cube(40, 37)["spectra"].values
    for k in range(result.sizes["component"]):
        members = spectra[result["labels"].values == k].astype(float)
        assert np.allclose(result["component_spectra"][k], members.mean(0))
        assert np.allclose(result["component_spread"][k], members.std(0), rtol=1e-3)


def test_refusals(result):
    with pytest.raises(ParameterError, match="expected 1 to 40"):
        cut(result, 41)
    with pytest.raises(ParameterError, match="no merge tree"):
        cut(result.drop_vars("merge_tree"), 2)
