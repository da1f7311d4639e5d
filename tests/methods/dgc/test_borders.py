import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import is_valid_linkage

from spaxel.methods.centers.groups import Rules, groups_of
from spaxel.methods.centers.linkage import Parts
from spaxel.methods.dgc.borders import divide_borders, linkage_of
from spaxel.results.trees import border_tree, cut_tree

DARK, BRIGHT, OTHER = np.array([3.0, 2, 2, 1]), np.array([2.0, 30, 12, 25]), np.array([20.0, 4, 18, 6])
BESIDE = np.linalg.svd(np.stack([DARK, BRIGHT]))[2][3] * 10  # at right angles to both
JOINS = {"dark": 0, "bright": 1}


def counted(labels):
    """Contacts of an image of parts."""
    contact = np.zeros((labels.max() + 1,) * 2)
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        np.add.at(contact, (one.ravel(), other.ravel()), 1)
    return contact


def scene(place="border", wide=1):
    """Parts 0 (left) and 1 (right), and 2 between them, or as spots inside 1; its pixels are every second of a line."""
    labels = np.repeat(np.arange(40)[None] >= 20, 40, axis=0).astype(int)
    if place == "border":
        labels[::2, 20 - wide // 2 : 20 - wide // 2 + wide] = 2
    else:
        labels[::3, 25:38:3] = 2
    return labels


def side(third, start, labels=None):
    """Where part 2 of this spectrum ends if the tree had it at the start of one of the others: 0, 1, or 2."""
    labels = scene() if labels is None else labels
    tree = np.array([[JOINS[start], 2, 0.1, 2], [1 - JOINS[start], 3, 1.0, 3]])
    spectra = np.stack([DARK, BRIGHT, third])
    found = cut_tree(divide_borders(tree, spectra, np.bincount(labels.ravel()), counted(labels)), 2)
    return int(found[2] == found[1])


@pytest.mark.parametrize("start", JOINS)
@pytest.mark.parametrize("share", [0.15, 0.3, 0.4, 0.6, 0.8])
def test_a_thin_mixed_part_goes_to_the_material_that_it_is_more_of(share, start):
    assert side(share * BRIGHT + (1 - share) * DARK, start) == (share > 0.5)


@pytest.mark.parametrize("start", JOINS)
def test_nearly_half_of_each_is_enough_if_nothing_else_is_in_it(start):
    assert side(0.42 * BRIGHT + 0.58 * DARK, start) == 0


@pytest.mark.parametrize("start", JOINS)
def test_light_of_a_tenth_more_or_less_changes_nothing(start):
    for light in (0.9, 1.1):
        assert side(light * (0.2 * BRIGHT + 0.8 * DARK), start) == 0


@pytest.mark.parametrize(
    "third",
    [
        pytest.param(0.3 * BRIGHT, id="shade"),
        pytest.param(0.1 * BRIGHT + 0.5 * DARK, id="mix in deep shade"),
        pytest.param(0.8 * BRIGHT + 1.5 * DARK, id="highlight"),
        pytest.param(OTHER, id="third material"),
        pytest.param(0.42 * BRIGHT + 0.58 * DARK + BESIDE, id="nearly half of each, and something else"),
    ],
)
def test_what_is_no_mix_of_the_two_stays_where_it_is(third):
    assert side(third, "bright") == 1


def test_what_is_no_border_in_the_image_stays_where_it_is():
    mix = 0.2 * BRIGHT + 0.8 * DARK
    assert side(mix, "bright") == 0
    assert side(mix, "bright", scene("spots")) == 1
    wide = np.where(np.abs(np.arange(40) - 20) < 5, 2, np.arange(40) >= 20)
    assert side(mix, "bright", np.repeat(wide[None], 40, axis=0)) == 1


def enclosed():
    """Part 1 a spot in part 0, part 2 the rim around it, two pixels wide."""
    far = np.abs(np.mgrid[-150:150, -150:150]).max(0)
    return np.where(far < 6, 1, np.where(far < 8, 2, 0))


@pytest.mark.parametrize("start", JOINS)
def test_the_rim_of_a_spot_that_is_half_of_each_belongs_to_the_spot(start):
    for share in (0.46, 0.5, 0.54):
        assert side(share * BRIGHT + (1 - share) * DARK + 0.5 * BESIDE, start, enclosed()) == 1


@pytest.mark.parametrize("start", JOINS)
def test_what_encloses_a_spot_and_is_another_material_stays(start):
    faint = 0.2 * BRIGHT + 0.8 * DARK
    for third in (faint + 0.5 * BESIDE, faint + 3 * BESIDE, OTHER, 0.3 * BRIGHT):
        assert side(third, start, enclosed()) == JOINS[start]


@pytest.mark.parametrize("start", JOINS)
def test_half_of_each_stays_where_it_encloses_neither_or_both_alike(start):
    half, part, line = 0.5 * (BRIGHT + DARK) + 0.5 * BESIDE, enclosed(), scene()
    part[:, 147:][part[:, 147:] == 2] = 0
    line[:, 20] = 2
    for labels in (part, line):
        assert side(half, start, labels) == JOINS[start]


def test_a_rare_spot_of_its_own_keeps_its_level():
    """0 dark, 1 bright, 2 their border, 3 a spot of three pixels at the edge: level 3 keeps the spot."""
    labels = scene()
    labels[9, 19:22] = 3
    spectra = np.stack([DARK, BRIGHT, 0.2 * BRIGHT + 0.8 * DARK, OTHER])
    tree = np.array([[1, 2, 0.1, 2], [0, 4, 0.5, 3], [3, 5, 1.0, 4]])
    found = cut_tree(divide_borders(tree, spectra, np.bincount(labels.ravel()), counted(labels)), 3)
    assert found[3] not in found[:3]
    assert found[2] == found[0] != found[1]


@given(st.integers(0, 50), st.integers(2, 16), st.integers(-20, 20))
def test_trees_stay_valid_and_know_no_unit(seed, m, power):
    rng = np.random.default_rng(seed)
    ends, share = rng.uniform(0, 9, (2, 5)), rng.uniform(0, 1, (m, 1))
    spectra = share * ends[0] + (1 - share) * ends[1] + rng.normal(0, 0.01, (m, 5))
    sizes, contact = rng.integers(1, 50, m), rng.integers(0, 9, (m, m))
    tree = border_tree(spectra, sizes, contact)
    held = [values.copy() for values in (tree, spectra, sizes, contact)]
    found = divide_borders(tree, spectra, sizes, contact)
    assert is_valid_linkage(found)
    assert np.array_equal(found, divide_borders(tree, spectra * 2.0**power, sizes, contact.T))
    assert all(map(np.array_equal, held, (tree, spectra, sizes, contact)))
    for level in range(1, m):
        coarse, fine = cut_tree(found, level), cut_tree(found, level + 1)
        assert len(set(zip(coarse, fine, strict=True))) == level + 1


def test_halves_that_are_equal_take_nothing_from_each_other():
    tree = np.array([[0, 1, 0.1, 2], [2, 3, 1.0, 3]])
    spectra = 1e12 * np.stack([DARK, DARK, DARK]) + 1e10 * np.array([[1, 0, 0, 1], [-1, 0, 0, -1], [0, 0, 0, 0]])
    assert np.array_equal(divide_borders(tree, spectra, np.ones(3), np.ones((3, 3))), tree)


def test_directions_alone_put_a_dark_border_on_the_bright_side():
    """The groups of one image by the directions of its spectra, with and without these spectra."""
    rng, labels = np.random.default_rng(0), scene()
    image = np.stack([DARK, BRIGHT, 0.25 * BRIGHT + 0.75 * DARK])[labels]
    spectra = (image * rng.uniform(0.97, 1.03, (40, 40, 1)) + rng.normal(0, 0.05, image.shape)).reshape(-1, 4)
    z = spectra / np.linalg.norm(spectra, axis=1, keepdims=True)
    centers = np.stack([z[labels.ravel() == i].mean(0) for i in range(3)])
    given = (Parts(z, labels.ravel(), centers, np.zeros((0, 2), int)), 2, Rules("border"))
    ways = [linkage_of("border", counted(labels), s, rare=0.0) for s in (None, spectra)]
    blind, seen = (groups_of(*given, linkage).component for linkage in ways)
    assert blind[2] == blind[1] != blind[0]
    assert seen[2] == seen[0] != seen[1]
