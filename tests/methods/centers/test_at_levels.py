"""Confidence at many levels at once is that of each level alone, bit by bit, however spectra come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.methods.centers.at_levels import ROWS, Asked, asked_of, confidence_at, others_of
from spaxel.methods.centers.confidence import margins
from spaxel.methods.centers.sure import Sure, confidence
from spaxel.results.trees import centroid_tree, cut_tree


def distances(rng, n, m):
    far = rng.random((n, m))
    far[: n // 8] = np.round(far[: n // 8], 1)  # ties
    return far, far.argmin(1).astype(np.int16)


def sure_of(rng, m, alone=1.0):
    mistaken = rng.integers(0, 9, (m, m))
    return Sure(
        np.array([-2.6, 0.9, 0.5, 3.0, 0.8]), np.array([0.3]), mistaken, mistaken.T, np.array([0.1]), np.array([alone])
    )


def groupings(rng, m, tree, nested):
    levels = np.arange(1, m + 1)
    if nested:
        return levels, np.stack([cut_tree(tree, int(k)) for k in levels])
    return levels, np.stack([rng.permutation(np.append(np.arange(k), rng.integers(0, k, m - k))) for k in levels])


@pytest.mark.same_bits
@given(st.integers(0, 10**6), st.integers(1, 40), st.booleans())
@settings(max_examples=25, deadline=None)
def test_many_levels_are_each_level_alone(seed, m, nested):
    rng = np.random.default_rng(seed)
    far, micro = distances(rng, 96, m)
    tree = centroid_tree(rng.random((m, 3)), rng.integers(1, 100, m))
    levels, table = groupings(rng, m, tree, nested)
    component, sure = table[m // 2], sure_of(rng, m)
    own, at = confidence_at(far, micro, asked_of(component, tree, levels, None if nested else table, sure))
    alone = [confidence(margins(far, each), sure.against(each)[micro], sure.weights) for each in table]
    np.testing.assert_array_equal(at, np.stack([np.rint(255 * each) for each in alone], 1))
    if m > 1:
        np.testing.assert_array_equal(own, alone[m // 2].astype(np.float32))


@pytest.mark.same_bits
@given(st.integers(0, 10**6), st.integers(2, 12))
@settings(max_examples=15, deadline=None)
def test_without_what_was_learned_confidence_is_the_margin(seed, m):
    rng = np.random.default_rng(seed)
    far, micro = distances(rng, 64, m)
    tree = centroid_tree(rng.random((m, 3)), np.ones(m))
    levels, table = groupings(rng, m, tree, nested=False)
    own, at = confidence_at(far, micro, asked_of(table[-1], tree, levels, table, None))
    np.testing.assert_array_equal(own, margins(far, table[-1]).astype(np.float32))
    np.testing.assert_array_equal(at, np.stack([np.rint(255 * margins(far, each)) for each in table], 1))


@pytest.mark.same_bits
@pytest.mark.parametrize("m", [1, 3, 40])
def test_a_spectrum_is_as_sure_whatever_it_comes_with(m):
    rng = np.random.default_rng(m)
    far, micro = distances(rng, 3 * ROWS + 17, m)
    tree = centroid_tree(rng.random((m, 3)), np.ones(m))
    levels, table = groupings(rng, m, tree, nested=False)
    asked = asked_of(table[-1], tree, levels, table, sure_of(rng, m))
    whole = confidence_at(far, micro, asked)
    order = rng.permutation(len(far))
    parts = [confidence_at(far[rows], micro[rows], asked) for rows in np.split(order, [1, 5, 700, 2000])]
    for all_at_once, some in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(some), all_at_once[order])


def test_nothing_to_divide_is_as_sure_as_it_is_probable():
    rng = np.random.default_rng(0)
    far, micro = distances(rng, 20, 4)
    tree = centroid_tree(rng.random((4, 3)), np.ones(4))
    asked = asked_of(np.zeros(4, int), tree, np.array([1, 2]), None, sure_of(rng, 4, alone=0.75))
    own, levels = confidence_at(far, micro, asked)
    assert np.unique(own).tolist() == [0.75]
    assert levels[:, 1].max() <= np.rint(255 * 0.25)


def test_parts_of_a_component_are_never_others_and_each_set_is_made_of_an_earlier_one():
    component = np.array([[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0], [0, 1, 2, 3]])
    for part, others in enumerate(others_of(component)):
        made: list[set[int]] = []
        for before, besides in others.steps:
            assert before < len(made)
            made.append(set(besides.tolist()) | (made[before] if before >= 0 else set()))
        for own, place in zip(component, others.which, strict=True):
            assert made[place] == set(np.flatnonzero(own != own[part]).tolist())


def test_no_levels_and_no_spectra():
    asked = Asked(others_of(np.array([[0, 1]])), np.ones(1))
    own, levels = confidence_at(np.zeros((0, 2)), np.zeros(0, np.int16), asked)
    assert own.shape == (0,)
    assert levels.shape == (0, 0)
