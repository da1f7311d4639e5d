"""Colours by number: distances in CIELAB for three kinds of sight, stability, neighbours."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import spaxel
from spaxel.errors import ParameterError
from spaxel.figures.maps import component_rgb
from spaxel.figures.palette import (
    BACKGROUND,
    SIGHT,
    assign,
    borders,
    component_colors,
    distances,
    palette,
    run_colors,
    to_lab,
    to_rgb,
)

LEAST = {8: 16.9, 12: 16.9, 16: 16.9, 24: 16.5, 32: 13.5}  # smallest distance allowed up to so many colours


def smallest(colors, sight):
    lab = to_lab(to_rgb(colors), sight)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return apart[~np.eye(len(colors), dtype=bool)].min()


def test_lab_of_known_colours():
    lab = to_lab(to_rgb(["#FFFFFF", "#FF0000", "#0000FF", "#000000"]))
    np.testing.assert_allclose(lab, [[100, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86], [0, 0, 0]], atol=0.03)


@pytest.mark.parametrize("sight", SIGHT)
def test_grey_looks_grey_to_everybody(sight):
    grey = to_rgb(["#202020", "#808080", "#E0E0E0"])
    np.testing.assert_allclose(to_lab(grey, sight), to_lab(grey), atol=0.05)


def test_red_and_green_come_together_for_deuteranopia():
    pair = to_rgb(["#CC3311", "#6B7A00"])
    apart = {s: np.linalg.norm(np.subtract(*to_lab(pair, s))) for s in SIGHT}
    assert apart["deuteranopia"] < apart["normal"] / 2


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("n", range(2, 33))
def test_colours_are_told_apart(n, sight):
    least = next(value for most, value in LEAST.items() if n <= most)
    assert smallest(palette(n), sight) > least


def test_no_colour_is_paper_or_background():
    assert distances(to_rgb(palette(64)), to_rgb(["#FFFFFF", "#B8B8B8"])).min() > 9


@given(st.integers(0, 255))
@settings(deadline=None)
def test_palette_is_a_prefix_of_the_next(n):
    assert palette(n) == palette(n + 1)[:n]
    assert len(set(palette(n))) == n


@pytest.mark.parametrize("n", [-1, 257])
def test_impossible_palette_is_refused(n):
    with pytest.raises(ParameterError, match=r"0 to 256"):
        palette(n)


def test_borders_are_counted_once_from_each_side():
    labels = np.array([[0, 0, 1], [0, -1, 1], [2, 2, 1]])
    np.testing.assert_array_equal(borders(labels, 3), [[0, 1, 1], [1, 0, 1], [1, 1, 0]])


@pytest.mark.parametrize("n", [4, 6, 8, 12, 24])
def test_neighbours_never_get_the_closest_pair(n):
    """A chain of stripes, the dealt order spoilt on purpose: the two most similar colours start side by side."""
    rgb = to_rgb(palette(n))
    apart = distances(rgb, rgb) + 1e3 * np.eye(n)
    pair = np.unravel_index(apart.argmin(), apart.shape)
    spoilt = [palette(n)[i] for i in (*pair, *(i for i in range(n) if i not in pair))]
    labels = np.repeat(np.arange(n), 4)[None].repeat(5, 0)
    dealt = assign(labels, spoilt)
    assert sorted(dealt) == sorted(spoilt)
    side_by_side = distances(to_rgb(dealt), to_rgb(dealt))[np.arange(n - 1), np.arange(1, n)]
    assert side_by_side.min() > apart.min() * 1.3
    assert assign(labels, spoilt) == dealt


def test_without_borders_the_order_stays():
    assert assign(np.full((3, 4), -1), palette(5)) == palette(5)
    assert assign(np.zeros((3, 4), int), palette(1)) == palette(1)


def test_colours_by_hand_and_grey_backgrounds_are_kept_wherever_colours_are_asked_for():
    labels = np.array([[0, 0, 1], [2, 2, 1]], np.int32)
    paint, grey = ("component", [-1, 0x0000FF, -1]), ("component", [False, False, True])
    result = xr.Dataset({"labels": (("y", "x"), labels), "component_color": ("component", [2, 0, 1])})
    dealt = ["#E69F00", "#56B4E9", "#009E73"]
    assert run_colors(result, {"colors": dealt}) == ["#009E73", "#E69F00", "#56B4E9"]
    by_hand = result.assign(component_paint=paint, component_background=grey)
    assert run_colors(by_hand, {"colors": dealt}) == ["#009E73", "#0000FF", BACKGROUND]
    assert run_colors(by_hand) == component_rgb(by_hand, component_colors(by_hand))
    assert run_colors(by_hand.isel(component=[1, 2]), {"colors": dealt}) == ["#0000FF", BACKGROUND]


def test_a_cut_keeps_the_colours_that_were_dealt_before():
    """A component that a cut leaves as it is looks the same after it, without a run that keeps the colours."""
    cube = spaxel.simulate("maxrf", height=40, width=48, channels=64, seed=3)
    result = spaxel.KMeans(n_clusters="auto", random_state=0).fit(cube).predict(cube)
    before = dict(zip(result["component_color"].values.tolist(), run_colors(result), strict=True))
    for level in (2, 4, 6, 9):
        level_cut = spaxel.cut(spaxel.cut(result, 3), level)
        after = dict(zip(level_cut["component_color"].values.tolist(), run_colors(level_cut), strict=True))
        assert {place: after[place] for place in after if place in before}.items() <= before.items()
        assert len(set(after.values())) == level
