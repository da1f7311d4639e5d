import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, is_valid_linkage, linkage
from scipy.ndimage import gaussian_filter

from spaxel.cube import make_cube
from spaxel.errors import ParameterError
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.results.cut import (
    centroid_tree,
    component_table,
    connectivity_tree,
    contact_tree,
    cut,
    cut_tree,
    recall,
    record,
    tree_through,
)
from spaxel.results.editing import History, Move, apply, done, edit_of
from spaxel.results.parts import draws_from
from spaxel.results.trees import border_tree
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


def test_mixed_pixels_of_a_border_merge_before_a_spot():
    """0 and 1 are materials, 2 and 3 the mixed pixels between them, 4 a spot in 1 that is nearer to 2 than 1 is."""
    centers, sizes = np.array([[0.0, 0], [10, 0], [4, 0], [6, 0], [7, 4]]), np.array([4000, 4000, 100, 100, 30])
    contact = np.zeros((5, 5))
    for a, b, n in ((0, 2, 90), (2, 3, 80), (3, 1, 90), (4, 1, 20)):
        contact[a, b] = n
    found = cut_tree(contact_tree(centers, sizes, contact), 3)
    assert len({found[0], found[1], found[4]}) == 3
    assert found[4] not in found[:4]
    inside = cut_tree(tree_through(centers, sizes, np.array([0, 1, 1, 1, 1]), contact), 3)
    assert inside[4] not in inside[:4]
    blind = cut_tree(contact_tree(centers, sizes, np.zeros((5, 5))), 3)
    assert blind[2] == blind[3] not in (blind[0], blind[1])


@given(st.integers(0, 50), st.integers(2, 20))
def test_contact_trees_are_valid_and_do_not_depend_on_the_order_of_a_pair(seed, m):
    rng = np.random.default_rng(seed)
    centers, sizes, contact = rng.normal(size=(m, 3)), rng.integers(1, 50, m), rng.integers(0, 9, (m, m))
    tree = contact_tree(centers, sizes, contact)
    assert is_valid_linkage(tree)
    assert np.array_equal(tree, contact_tree(centers, sizes, contact.T))
    assert np.array_equal(tree, contact_tree(centers, sizes, contact, np.arange(m)))


@given(st.integers(0, 50), st.integers(2, 20), st.integers(1, 6), st.booleans(), st.booleans())
def test_a_tree_through_a_grouping_has_it_as_a_level(seed, m, k, touching, border):
    rng = np.random.default_rng(seed)
    component = np.concatenate([np.arange(min(k, m)), rng.integers(0, min(k, m), m - min(k, m))])
    contact = rng.integers(0, 9, (m, m)) if touching else None
    tree = tree_through(rng.normal(size=(m, 3)), rng.integers(1, 50, m), component, contact, border)
    assert is_valid_linkage(tree)
    found = cut_tree(tree, min(k, m))
    assert len({(a, b) for a, b in zip(found, component, strict=True)}) == min(k, m)


@pytest.mark.parametrize("seed", range(3))
def test_light_over_one_material_merges_before_a_spot_of_another(seed):
    """0 to 3 are one material from dark to bright, in light that rises to the right with noise; 4 a spot of another.

    Its spectrum is nearer to what it lies in than two of the others are to one another.
    """
    y, x = np.mgrid[:64, :64]
    labels = np.clip((x / 16 + np.random.default_rng(seed).normal(0, 0.4, x.shape)).astype(int), 0, 3)
    labels[(y - 30) ** 2 + (x - 24) ** 2 < 30] = 4
    contact = np.zeros((5, 5))
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        np.add.at(contact, (one.ravel(), other.ravel()), 1)
    sizes, centers = np.bincount(labels.ravel()), np.array([[0.0, 0], [2, 0], [4, 0], [6, 0], [2, 1.5]])
    found = cut_tree(border_tree(centers, sizes, contact), 3)
    assert found[0] == found[1] != found[2] == found[3]
    assert found[4] not in found[:4]
    blind = cut_tree(centroid_tree(centers, np.full(5, 800)), 4)
    assert blind[4] == blind[1]
    through = tree_through(centers, sizes, np.array([0, 0, 1, 2, 3]), contact, border=True)
    assert cut_tree(through, 3)[4] not in cut_tree(through, 3)[:4]
    assert cut_tree(through, 4)[1] == cut_tree(through, 4)[0]


@given(st.integers(0, 50), st.integers(2, 20))
def test_border_trees_are_valid_nested_and_do_not_depend_on_the_order_of_a_pair(seed, m):
    rng = np.random.default_rng(seed)
    centers, sizes, contact = rng.normal(size=(m, 3)), rng.integers(1, 50, m), rng.integers(0, 9, (m, m))
    held = [values.copy() for values in (centers, sizes, contact)]
    tree = border_tree(centers, sizes, contact)
    assert is_valid_linkage(tree)
    assert np.array_equal(tree, border_tree(centers, sizes, contact.T))
    assert all(map(np.array_equal, held, (centers, sizes, contact)))
    for level in range(1, m):
        coarse, fine = cut_tree(tree, level), cut_tree(tree, level + 1)
        assert len(np.unique(coarse)) == level
        assert len(set(zip(coarse, fine, strict=True))) == level + 1


def test_the_longer_of_two_like_borders_merges_first():
    centers, sizes = np.array([[0.0, 0], [1, 0], [-1, 0]]), np.full(3, 500)
    contact = np.diag(np.full(3, 900.0))
    contact[0, 1], contact[0, 2] = 50, 200
    assert border_tree(centers, sizes, contact)[0, :2].tolist() == [0, 2]


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


def spotted(seed, side=64):
    """Three materials with soft borders in blocks, and a fourth in spots that cover 0.5 %: (cube, truth)."""
    rng = np.random.default_rng(seed)
    axis, share = np.linspace(0, 1, 30), np.zeros((side, side, 4))
    pure = 0.3 + 0.4 * np.exp(-(((axis - np.array([[0.15], [0.4], [0.65], [0.9]])) / 0.12) ** 2))
    rows, columns = np.mgrid[:side, :side]
    share[..., 0], share[..., 1] = rows < side // 2, (rows >= side // 2) & (columns < side // 2)
    share[..., 2] = 1 - share[..., :2].sum(-1)
    for y, x in ((12, 20), (14, 50)):
        spot = np.hypot(np.arange(side)[:, None] - y, np.arange(side)[None] - x) < 1.9
        share[spot] = (0, 0, 0, 1)
    truth = share.argmax(-1)
    soft = gaussian_filter(share, (1.2, 1.2, 0))
    soft[truth == 3] = share[truth == 3]
    return make_cube(soft @ pure + rng.normal(0, 0.01, (side, side, 30)), axis, "nm"), truth


@pytest.mark.parametrize("seed", range(2))
def test_a_rare_distinct_component_survives_to_the_true_number(seed):
    """0.5 % of the pixels; the mixed pixels of the borders are three times as many. Ward's tree of the same parts loses it."""
    cube, truth = spotted(seed)
    rare = truth == 3
    assert 0.004 < rare.mean() < 0.006

    def best(labels):
        return max((rare & (labels == k)).sum() / (rare | (labels == k)).sum() for k in range(4))

    model = KMeans(linkage="contact", random_state=seed, n_init=2).fit(cube)
    result = model.predict(cube)
    assert best(cut(result, 4)["labels"].values) > 0.8
    centers, sizes = model.state_["centers"], model.state_["micro_size"]
    swallowed = fcluster(linkage(np.repeat(centers, sizes // 20 + 1, axis=0), "ward"), 4, "maxclust")
    ward = swallowed[np.cumsum(sizes // 20 + 1) - 1] - 1
    assert best(ward[result["micro_labels"].values]) < 0.5


def test_merging_by_hand_joins_pixels_and_keeps_the_colour_of_the_larger(result):
    before = cut(result, 6)
    after = cut(result, 6, merge=[(1, 4)], names={4: "lesion"})
    joined = after["labels"].values == after["component"].values.tolist().index("lesion")
    assert np.array_equal(joined, np.isin(before["labels"].values, [1, 4]))
    assert set(after["component_color"].values) == set(before["component_color"].values) - {
        int(before["component_color"][4])
    }
    for k in range(5):
        own = np.unique(before["labels"].values[after["labels"].values == k])
        assert after["component_color"][k] == before["component_color"][own.min()]
    assert np.array_equal(after["component_size"], np.bincount(after["labels"].values.ravel()))
    spectra = tiny_cube(40, 37)["spectra"].values[joined].astype(float)
    assert np.allclose(after["component_spectra"].sel(component="lesion"), spectra.mean(0))


def test_a_level_made_by_hand_is_that_level(result):
    """Merging by hand what the tree merges gives the coarser level, with its numbers, colours and confidence.

    Up to 12 components levels need not be cuts of the tree.
    """
    fine, coarse = cut(result, 14), cut(result, 13)
    pairs = {
        (int(a), int(b)) for a, b in zip(fine["labels"].values.ravel(), coarse["labels"].values.ravel(), strict=True)
    }
    members = next(m for k in range(13) if len(m := [a for a, b in pairs if b == k]) == 2)
    again = cut(result, 14, merge=[members])
    for name in ("labels", "component_color", "component_size", "confidence"):
        assert np.array_equal(again[name], coarse[name]), name


def test_confidence_of_a_merge_by_hand_is_a_lower_bound(result):
    model = KMeans(random_state=1).fit(tiny_cube(40, 37))
    by_hand = cut(result, 5, merge=[(0, 3)])
    model.state_ = model.state_ | {
        "component": by_hand["micro_component"].values, "color": by_hand["component_color"].values
    }  # fmt: skip
    exact = model.predict(tiny_cube(40, 37))
    assert np.array_equal(exact["labels"], by_hand["labels"])
    assert (by_hand["confidence"] <= exact["confidence"] + 1 / 255).all()
    assert (by_hand["confidence"] >= cut(result, 5)["confidence"] - 1e-6).all()


def test_merges_add_up_and_a_level_takes_them_back(result):
    one = cut(result, 6, merge=[(0, 5)], names={0: "a"})
    two = cut(one, merge=[("a", next(i for i in range(5) if one["component"].values[i] != "a"))])
    assert two.sizes["component"] == 4
    assert "a" in two["component"].values
    assert two.attrs["by_hand"][0] == "Cut at level 6 by hand."
    back = cut(two, 6)
    assert back.identical(cut(result, 6))
    assert back.attrs["sentence"].count("by hand") == 1


def test_numbers_and_colours_are_the_same_on_every_cube():
    model = KMeans(random_state=1).fit(tiny_cube(40, 37))
    whole, part = model.predict([tiny_cube(40, 37), tiny_cube(40, 37).isel(y=slice(15, 40))])
    for level in range(2, 12):
        a, b = cut(whole, level), cut(part, level)
        assert np.array_equal(a["labels"].values[15:], b["labels"])
        assert np.array_equal(a["component_color"], b["component_color"])


def test_a_cut_is_repeated_on_another_cube(result):
    made = cut(result, 6, merge=[(1, 4), (0, 2)], names={1: "lesion"})
    model = KMeans(random_state=1).fit(tiny_cube(40, 37))
    other = model.predict(tiny_cube(40, 37, seed=9))
    same = cut(other, like=made)
    assert same["component"].values.tolist() == made["component"].values.tolist()
    assert same.attrs["sentence"] == made.attrs["sentence"]
    assert cut(result, like=made).identical(made)
    assert recall(other, json.loads(json.dumps(record(made)))).identical(same)
    strange = KMeans(random_state=1, n_micro=12).fit(tiny_cube(40, 37)).predict(tiny_cube(40, 37))
    with pytest.raises(ParameterError, match="another model"):
        cut(strange, like=made)


@pytest.fixture(scope="module")
def own():
    """A result with levels of its own: at 3 and at 4 what no cut of the tree is."""
    cube = tiny_cube(18, 17)
    found = KMeans(n_clusters=5, linkage="centroid", n_micro=12, max_clusters=6, n_init=1).fit(cube).predict(cube)
    m = found.sizes["micro"]
    table = np.stack(
        [component_table(found["merge_tree"].values, found["micro_weight"].values, k)[0] for k in range(2, 7)]
    )
    table[1], table[2] = np.arange(m) % 3, np.arange(m) % 4
    return found.assign(level_component=(("level", "micro"), table.astype(np.int32)))


def test_a_level_of_its_own_is_what_a_cut_gives(own):
    three = cut(own, 3)
    m = own.sizes["micro"]
    for k in range(3):
        assert len(np.unique(three["micro_component"].values[np.arange(m) % 3 == k])) == 1
    weight = np.bincount(three["micro_component"].values, weights=own["micro_weight"].values)
    assert (np.diff(weight) <= 0).all()
    assert sorted(three["component_color"].values) == [0, 1, 2]
    sure = own["level_confidence"].sel(level=3).values.astype(np.float32) / 255
    np.testing.assert_array_equal(three["confidence"].values, np.where(own["labels"] >= 0, sure, np.nan))
    assert cut(own, 5).identical(
        cut(own.drop_vars("level_component"), 5).assign(level_component=own["level_component"])
    )


def test_it_is_said_of_which_found_components_a_level_of_its_own_draws(own):
    said = cut(own, 3).attrs["by_hand"]
    assert "not the 5 components that were found" in said[1]
    before, after = own["micro_component"].values, cut(own, 3)["micro_component"].values
    for k in range(3):
        drawn = np.unique(before[after == k])
        if f"{k} draws" in said[1]:
            assert f"{k} draws from {' and '.join(map(str, drawn))}" in said[1]
    assert len(cut(own, 2).attrs["by_hand"]) == 1  # of a cut of the tree nothing is to be said
    assert (
        cut(cut(own, 3), 4).attrs["by_hand"][1:] == cut(own, 4).attrs["by_hand"][1:]
    )  # found is found, whatever was cut


def test_a_level_of_its_own_can_be_split_merged_and_repeated(own):
    changed = cut(own, 3, split=[0], merge=[("0b", 1)], names={2: "spot"})
    assert changed.sizes["component"] == 3
    again = recall(own, record(changed))
    np.testing.assert_array_equal(again["labels"], changed["labels"])
    np.testing.assert_array_equal(cut(own, like=changed)["labels"], changed["labels"])
    history = done(done(History(), Move("level", value=3)), Move("split", (0,)))
    edit = edit_of(own, history)
    np.testing.assert_array_equal(apply(own, history)["labels"], cut(own, 3, split=[0])["labels"])
    assert edit.level == 3


def test_a_component_that_is_divided_or_joined_whole_draws_from_no_others():
    weight = np.ones(6)
    before = np.array([0, 0, 1, 1, 2, 2])
    assert draws_from(before, np.array([0, 3, 1, 1, 2, 2]), weight) == {}
    assert draws_from(before, np.array([0, 0, 0, 0, 1, 1]), weight) == {}
    assert draws_from(before, np.array([0, 0, 0, 1, 1, 1]), weight) == {0: [0, 1], 1: [1, 2]}
    assert draws_from(before, np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 1e-4, 1, 1, 1])) == {}
