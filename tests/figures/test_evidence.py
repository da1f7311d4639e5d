"""Curves of the checks: what is marked lies where it should, whatever the values."""

from xml.etree import ElementTree

import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given
from hypothesis import strategies as st

from spaxel.figures.evidence import DOT, evidence_svgs, level_svg, nice_ticks, votes

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text):
    """An SVG drawing as a tree; fails if it is none."""
    return ElementTree.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def words(tree):
    return [one.text for one in tree.iter(f"{SVG}text")]


def dots(tree):
    """Places of the votes, and of all points, (n, 2)."""
    circles = list(tree.iter(f"{SVG}circle"))
    marked, points = ([c for c in circles if (c.get("fill") == DOT) == of] for of in (True, False))
    return tuple(np.array([(float(c.get("cx")), float(c.get("cy"))) for c in found]) for found in (marked, points))


def across(tree):
    """Pixels along x by number, of the labelled ticks below the axis."""
    middle = [t for t in tree.iter(f"{SVG}text") if t.get("text-anchor") == "middle" and t.text.isdigit()]
    return {int(t.text): float(t.get("x")) for t in middle}


@pytest.fixture
def result():
    attrs = {"votes": {"gap": 3, "none": None}}
    evidence = (("criterion", "level"), [[1.0, 2.0, np.nan], [np.nan] * 3], attrs)
    coords = {"level": [2, 3, 4], "criterion": ["gap", "empty"]}
    labels = (("y", "x"), np.zeros((2, 2), np.int32))
    return xr.Dataset({"labels": labels, "evidence": evidence}, coords, {"n_components": 3})


def test_the_probability_of_each_number_is_drawn_before_the_checks(result):
    checks = len(evidence_svgs(result))
    result["evidence"].attrs["probability"] = [0.1, 0.2, 0.6, 0.1]
    found = [drawn(text) for text in evidence_svgs(result)]
    assert len(found) == checks + 1
    assert words(found[0])[0] == "probability: 3"
    assert across(found[0]) == across(found[1])  # the curves stand below each other
    assert set(across(found[0])) == {1, 2, 3, 4}


def test_votes_are_marked_and_what_has_no_value_is_left_out(result):
    (tree,) = map(drawn, evidence_svgs(result))
    assert words(tree)[0] == "gap: 3"
    marked, points = dots(tree)
    assert len(points) == 2
    np.testing.assert_allclose(marked, points[1:], atol=0.1)
    assert votes(result) == {"gap": 3}
    assert votes(result[["labels"]]) == {}


@example([0.0, 2.2250738585072014e-308], 2, 0)  # found by chance, depending on what was loaded before
@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=12),
    st.integers(2, 30),
    st.integers(0, 11),
)
def test_points_lie_at_their_numbers_and_higher_values_higher(values, first, taken):
    levels = range(first, first + len(values))
    taken = levels[taken % len(values)]
    tree = drawn(level_svg("mean silhouette", dict(zip(levels, values, strict=True)), taken))
    marked, points = dots(tree)
    for level, place in across(tree).items():
        if level in levels:
            assert abs(points[level - first, 0] - place) < 0.11
    np.testing.assert_allclose(marked, points[[int(np.argmax(values))]], atol=0.11)
    for (_, low), (_, high), a, b in zip(points, points[1:], values, values[1:], strict=False):
        assert (low - high) * (b - a) >= 0
    (dashed,) = [one.get("d") for one in tree.iter(f"{SVG}path") if one.get("stroke-dasharray")]
    assert float(dashed[1:].split()[0]) == points[taken - first, 0]
    width, height = float(tree.get("width")), float(tree.get("height"))
    assert (points >= 0).all()
    assert (points <= [width, height]).all()


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_lie_inside_and_are_one_step_apart(low, length):
    ticks = nice_ticks(low, low + length)
    assert len(ticks) <= 5
    if length > 1e-9 * abs(low):
        assert len(ticks) >= 2
        assert low - 1e-9 * length <= ticks[0]
        assert ticks[-1] <= low + length + 1e-9 * length
        steps = np.diff(ticks)
        np.testing.assert_allclose(steps, steps[0], rtol=1e-3)
    assert nice_ticks(1.0, 1.0) == []


def test_names_are_text_whatever_they_hold(result):
    result["criterion"] = ["<script>alert(1)</script>\x1b[31m", "empty"]
    (tree,) = map(drawn, evidence_svgs(result))
    assert words(tree)[0].startswith("<script>alert(1)")
    assert "\x1b" not in ElementTree.tostring(tree, "unicode")
    assert not list(tree.iter(f"{SVG}script"))
