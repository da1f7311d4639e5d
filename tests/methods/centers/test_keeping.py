import numpy as np
import pytest

import spaxel
from spaxel.methods.centers.at_levels import asked_of, confidence_at
from spaxel.methods.centers.groups import Rules, find_groups
from spaxel.methods.centers.keeping import kept_share, matched
from spaxel.methods.centers.linkage import Parts
from spaxel.methods.centers.number import Number
from spaxel.methods.centers.sure import LEARNED, NUMBERS, Sure, learned_for
from spaxel.reporting import render
from spaxel.results.convention import hears_numbers
from spaxel.results.trees import centroid_tree, cut_tree
from spaxel.testing import tiny_cube

PLACE = np.repeat(np.arange(6), 50)
PARTS = Parts(np.zeros((300, 1)), PLACE, np.arange(6.0)[:, None], np.zeros((0, 2), int))
COMPONENT = np.array([0, 0, 0, 0, 1, 1])
ROWS = np.arange(300)


def number(*probability):
    return Number(np.array(probability), 1, len(probability))


def labels_of(*owner):
    return ROWS, np.array(owner)[PLACE]


def test_what_another_map_cuts_off_is_as_probable_as_that_map_is_not():
    """Parts 2 and 3 are a component of their own in the map of three, and the smaller half of nothing else."""
    three = labels_of(0, 0, 0, 1, 2, 2)
    found = kept_share(PARTS, COMPONENT, {3: three}, number(0.0, 0.6, 0.4))
    np.testing.assert_allclose(found, [1, 1, 1, 0.6, 1, 1], atol=0.02)
    names = kept_share(PARTS, COMPONENT, {3: labels_of(2, 2, 2, 0, 1, 1)}, number(0.0, 0.6, 0.4))
    np.testing.assert_array_equal(names, found)


def test_one_material_leaves_the_largest_component_alone():
    two = labels_of(0, 0, 0, 0, 1, 1)
    found = kept_share(PARTS, COMPONENT, {2: two}, number(0.3, 0.7))
    np.testing.assert_allclose(found, [1, 1, 1, 1, 0.7, 0.7])


def test_numbers_without_a_map_are_those_of_the_nearest_one():
    three = labels_of(0, 0, 0, 1, 2, 2)
    sure = kept_share(PARTS, COMPONENT, {3: three}, number(0, 0.6, 0.1, 0.1, 0.1, 0.1))
    np.testing.assert_allclose(sure, kept_share(PARTS, COMPONENT, {3: three}, number(0, 0.6, 0.4)))


def test_it_is_a_probability_and_one_where_all_maps_agree():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(12))
    labelings = {k: (ROWS, np.append(np.arange(k), rng.integers(0, k, 300 - k))) for k in range(2, 13)}
    found = kept_share(PARTS, COMPONENT, labelings, Number(p, 1, 12))
    assert ((found >= 0) & (found <= 1 + 1e-9)).all()
    assert found[0] > p[1]  # at least the number of the result
    same = {k: labels_of(0, 0, 0, 0, 1, 1) for k in (3, 4)}
    np.testing.assert_allclose(kept_share(PARTS, COMPONENT, same, number(0, 0.2, 0.4, 0.4)), 1)


def test_a_part_that_was_not_drawn_is_as_its_component():
    rows = ROWS[PLACE != 3]
    share = matched(PLACE[rows], COMPONENT, np.array([0, 0, 0, 0, 1, 1])[PLACE[rows]])
    np.testing.assert_allclose(share, 1)
    share = matched(PLACE[rows], COMPONENT, np.array([0, 1, 1, 1, 2, 2])[PLACE[rows]])
    assert share[3] == pytest.approx(2 / 3)


def test_nothing_is_known_without_other_maps_or_of_one_component():
    assert kept_share(PARTS, COMPONENT, {}, number(0, 1)) is None
    assert kept_share(PARTS, COMPONENT, {3: labels_of(0, 0, 0, 1, 2, 2)}, None) is None
    assert kept_share(PARTS, np.zeros(6, int), {3: labels_of(0, 0, 0, 1, 2, 2)}, number(1)) is None


@pytest.mark.parametrize("make", [spaxel.KMeans, spaxel.Segment])
def test_a_number_that_was_found_is_doubted_part_by_part_at_every_level(make):
    cube = spaxel.simulate("maxrf", height=40, width=40, channels=64, seed=4, n_pigments=4, counts=60)
    model = make().fit(cube)
    held = model.state_["sure_held"]
    assert held.shape == (len(model.state_["centers"]),)
    assert held.min() < 1
    assert ((held > 0) & (held <= 1)).all()
    result, micro = model.predict(cube), model.predict(cube)["micro_labels"].values
    model.state_ = {name: array for name, array in model.state_.items() if name != "sure_held"}
    without = model.predict(cube)
    np.testing.assert_array_equal(result["labels"], without["labels"])
    np.testing.assert_allclose(result["confidence"], without["confidence"] * held[micro], rtol=1e-6)
    near = np.abs(result["level_confidence"].values - without["level_confidence"].values * held[micro])
    assert near.max() <= 1.5  # of 255, both rounded
    told = make(model.info_["n_components"]).fit(cube)
    assert "sure_held" not in told.state_
    assert hears_numbers(result)
    assert not hears_numbers(without)
    assert not hears_numbers(told.predict(cube))


def test_the_page_says_whether_other_numbers_are_heard():
    cube = tiny_cube(20, 17)
    heard, given = (" ".join(render(spaxel.KMeans(n).fit_predict(cube)).split()) for n in ("auto", 3))
    assert "It is lower, too, where other numbers of components, as far as they are probable" in heard
    assert "It takes the number of components as given. Its mean is" in given


def test_a_saved_model_keeps_it_and_an_older_one_maps_as_it_did(tmp_path):
    cube = tiny_cube(20, 17)
    model = spaxel.KMeans().fit(cube)
    again = spaxel.load(model.save(tmp_path / "m"))
    np.testing.assert_array_equal(again.state_["sure_held"], model.state_["sure_held"])
    np.testing.assert_array_equal(again.predict(cube)["confidence"], model.predict(cube)["confidence"])
    assert "sure_held" not in spaxel.KMeans(linkage="centroid").fit(cube).state_


def test_joined_parts_are_never_less_sure_and_each_level_has_the_same_factor():
    rng = np.random.default_rng(11)
    far, mistaken = rng.random((200, 12)), rng.integers(0, 9, (12, 12)) + 40 * np.eye(12)
    micro = far.argmin(1).astype(np.int16)
    tree, levels = centroid_tree(rng.random((12, 3)), rng.integers(1, 100, 12)), np.arange(1, 13)
    weights, held = np.array([-2.6, 0.9, 0.5, 3.0, 0.8]), rng.random(12)
    sure = Sure(weights, np.array([0.1]), mistaken, mistaken.T, np.array([0.1]), held=held)
    own, at = confidence_at(far, micro, asked_of(cut_tree(tree, 5), tree, levels, None, sure))
    assert (np.diff(at.astype(int), axis=1) <= 0).all()
    bare = confidence_at(far, micro, asked_of(cut_tree(tree, 5), tree, levels, None, sure._replace(held=None)))
    np.testing.assert_allclose(own, bare[0] * held[micro], rtol=1e-6)
    assert np.abs(at - bare[1] * held[micro][:, None]).max() <= 1


@pytest.mark.parametrize("method", NUMBERS)
def test_where_every_number_says_the_same_nothing_is_taken_off_but_the_offset(method):
    spectra = np.random.default_rng(5).random((300, 4)) + np.repeat(np.eye(3, 4) * 9, 100, axis=0)
    groups = find_groups(spectra, np.zeros((0, 2, 4)), 3, Rules(None))

    def learned(kept, told):
        return learned_for(method, spectra, groups._replace(kept=kept), 0, counts=False, told=told)

    none, whole, nowhere = (learned(kept, told=False) for kept in (None, np.ones(3), np.zeros(3)))
    offset, w = NUMBERS[method]
    np.testing.assert_array_equal(whole["sure_held"], 1)
    np.testing.assert_allclose(nowhere["sure_held"], 1 - w)
    assert "sure_held" not in none
    a, *_, found = LEARNED[method]
    assert none["sure_weights"][0] == pytest.approx(a - found)
    assert whole["sure_weights"][0] == pytest.approx(a - offset)
    assert learned(None, told=True)["sure_weights"][0] == a
