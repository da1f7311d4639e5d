"""The pictures: what is made smaller stays true, maps lie the right way up, labels are text."""

import re
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
import xarray as xr
from bokeh.models import HoverTool, PlainText
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spaxel.figures.bands import is_faint
from spaxel.figures.maps import Frame, component_names, confidence_map, label_map, label_png, picture_map, truth_png
from spaxel.figures.palette import component_colors, palette, to_rgb
from spaxel.figures.reduce import component_sizes, n_components, png, reduce_labels, reduce_mean, reduce_spectra
from spaxel.figures.spectra import Bands, bands, plain, spectra_figure, spectrum_svg


@pytest.fixture
def result():
    """13 x 7 pixels, three components of unequal size, 11 channels, a corner without data."""
    labels = np.minimum(np.arange(13)[:, None] * 4 // 13 + np.zeros((1, 7), int), 2).astype(np.int32)
    labels[0, 0] = -1
    spectra = 1 + np.random.default_rng(0).uniform(0, 9, (3, 11))
    return xr.Dataset(
        {
            "labels": (("y", "x"), labels),
            "confidence": (("y", "x"), np.where(labels < 0, np.nan, 0.5).astype(np.float32)),
            "component_spectra": (("component", "channel"), spectra),
            "component_spread": (("component", "channel"), np.ones((3, 11))),
            "component_color": ("component", [2, 0, 1]),
            "picture": (("y", "x", "rgb"), np.arange(13 * 7 * 3, dtype=np.uint8).reshape(13, 7, 3)),
            "evidence": (
                ("criterion", "level"),
                [[1.0, 2.0, np.nan], [np.nan] * 3],
                {"votes": {"gap": 3, "none": None}},
            ),
        },
        {
            "channel": ("channel", 400.0 + np.arange(11), {"units": "nm", "long_name": "wavelength"}),
            "level": [2, 3, 4],
            "criterion": ["gap", "empty"],
        },
        {"n_components": 3},
    )


def image_of(plot):
    return next(r.data_source.data["image"][0] for r in plot.renderers if "image" in r.data_source.data)


small = arrays(np.int32, st.tuples(st.integers(1, 23), st.integers(1, 17)), elements=st.integers(-1, 4))


@given(small, st.integers(1, 24))
@settings(deadline=None)
def test_reduced_labels_are_the_majority(labels, side):
    step = max(1, -(-max(labels.shape) // side))
    reduced = reduce_labels(labels, side)
    assert max(reduced.shape) <= side
    for y, x in np.ndindex(reduced.shape):
        block = labels[y * step : (y + 1) * step, x * step : (x + 1) * step]
        values, counts = np.unique(block, return_counts=True)
        assert reduced[y, x] == values[counts.argmax()]


def test_reduced_mean_ignores_what_is_missing():
    image = np.arange(35.0).reshape(5, 7)
    image[:2, :2] = np.nan
    image[0, 2] = np.nan
    reduced = reduce_mean(image, 4)
    assert reduced.shape == (3, 4)
    assert np.isnan(reduced[0, 0])
    assert reduced[0, 1] == pytest.approx(np.mean([3, 9, 10]))
    assert reduced[2, 3] == image[4, 6]


@given(st.integers(1, 5000), st.integers(2, 3000), st.integers(0, 10**6))
@settings(deadline=None)
def test_peaks_survive(n, limit, seed):
    rng = np.random.default_rng(seed)
    axis, spectra = np.sort(rng.uniform(0, 10, n)), rng.normal(0, 1, (2, n))
    spectra[0, rng.integers(n)] = 99
    where, low, high = reduce_spectra(axis, spectra, spectra, limit)
    assert len(where) == low.shape[1] <= max(limit, 2)
    assert (np.diff(where) >= 0).all()
    np.testing.assert_array_equal(low, high)
    np.testing.assert_array_equal([low.max(1), low.min(1)], [spectra.max(1), spectra.min(1)])


def test_a_flank_stays_a_flank_when_reduced():
    axis = np.linspace(0, 1, 400)
    falling = np.stack([1 - axis, axis])
    _, drawn, _ = reduce_spectra(axis, falling, falling, 100)
    assert (np.diff(drawn[0]) <= 0).all()
    assert (np.diff(drawn[1]) >= 0).all()


def test_bands_enclose_the_mean_when_reduced(result):
    n = 5000
    rng = np.random.default_rng(1)
    wide = xr.Dataset(
        {
            "labels": result["labels"],
            "component_spectra": (("component", "channel"), 5 + rng.uniform(0, 9, (3, n))),
            "component_spread": (("component", "channel"), rng.uniform(0.1, 1, (3, n))),
        },
        {"channel": np.arange(n)},
    )
    shown = bands(wide)
    assert shown.mean.shape == (3, 2000)
    assert (shown.low <= shown.mean).all()
    assert (shown.mean <= shown.high).all()


def test_few_counts_show_the_standard_error(result):
    faint = result.assign(component_spectra=result["component_spectra"] / 100)
    assert bands(result).width == "standard deviation"
    shown = bands(faint)
    assert shown.width == "standard error of the mean"
    np.testing.assert_allclose(shown.high - shown.mean, 1 / np.sqrt(component_sizes(result))[:, None] * np.ones(11))
    assert shown.low.min() == 0


def test_png_can_be_read_back():
    rgba = np.random.default_rng(0).integers(0, 256, (5, 3, 4), np.uint8)
    data = png(rgba)
    assert struct.unpack(">II", data[16:24]) == (3, 5)
    length = struct.unpack(">I", data[33:37])[0]
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + length]), np.uint8).reshape(5, 13)
    np.testing.assert_array_equal(rows[:, 1:].reshape(5, 3, 4), rgba)


@pytest.mark.parametrize(("origin", "ends"), [("upper", (13, 0)), ("lower", (0, 13))])
def test_maps_lie_the_right_way_up_with_square_pixels(result, origin, ends):
    plot = label_map(result, palette(3), Frame((13, 7), origin=origin, width=400, height=390))
    assert (plot.y_range.start, plot.y_range.end) == ends
    assert (plot.frame_width, plot.frame_height) == (210, 390)
    drawn = image_of(plot)
    assert drawn[0, 0] == 255
    np.testing.assert_array_equal(np.where(drawn == 255, -1, drawn.astype(int)), result["labels"])


def test_maps_of_a_frame_move_together(result):
    frame = Frame((13, 7))
    plots = [label_map(result, palette(3), frame), picture_map(result, frame), confidence_map(result, frame)]
    assert len({id(p.x_range) for p in plots}) == len({id(p.y_range) for p in plots}) == 1
    assert image_of(plots[2])[0, 0] == 255
    assert image_of(plots[2])[5, 5] == 50
    np.testing.assert_array_equal(image_of(plots[1]).view(np.uint8).reshape(13, 7, 4)[..., :3], result["picture"])


def test_the_pointer_names_the_pixel_under_it_in_both_halves_of_it(result):
    """Pixel 3 is drawn from 3 to 4, so 3.7 lies in pixel 3; Bokeh's own numbers are rounded and said 4."""
    plot = label_map(result, palette(3), Frame((13, 7)))
    drawn = next(r for r in plot.renderers if hasattr(r.glyph, "color_mapper"))
    covered = {name: drawn.data_source.data[getattr(drawn.glyph, name)] for name in ("dw", "dh")}
    assert (drawn.glyph.x, drawn.glyph.y, covered) == (0, 0, {"dw": [7], "dh": [13]})
    hover = next(tool for tool in plot.toolbar.tools if isinstance(tool, HoverTool))
    assert dict(hover.tooltips)["x, y"] == "$x{custom}, $y{custom}"
    codes = {hover.formatters[name].code for name in ("$x", "$y")}
    assert codes == {"return Math.floor(value).toString()"}
    if node := shutil.which("node"):
        script = (
            f"const f = new Function('value', {codes.pop()!r}); console.log([3.0, 3.2, 3.5, 3.99, 0.7].map(f).join())"
        )
        assert subprocess.run([node, "-e", script], capture_output=True, text=True, check=True).stdout == "3,3,3,3,0\n"


def test_colours_follow_their_place_in_the_palette(result):
    colors = component_colors(result, 5)
    assert colors[3:] == palette(5)[3:]
    assert sorted(colors) == sorted(palette(5))
    plot = label_map(result, colors, Frame((13, 7)))
    mapper = next(r.glyph.color_mapper for r in plot.renderers if hasattr(r.glyph, "color_mapper"))
    assert mapper.palette == [colors[2], colors[0], colors[1]]


def test_small_map_is_flipped_as_the_origin_says(result):
    colors = palette(3)

    def first(origin):
        data = label_png(result.assign_attrs(origin=origin), colors)
        return np.frombuffer(zlib.decompress(data[41:-16]), np.uint8).reshape(13, -1)[:, 1:].reshape(13, 7, 4)

    np.testing.assert_array_equal(first("upper"), first("lower")[::-1])
    np.testing.assert_array_equal(first("upper")[0, 0], 0)
    np.testing.assert_array_equal(first("upper")[12, 6, :3], np.round(to_rgb([colors[1]])[0] * 255))


def test_truth_has_the_colours_of_what_was_found(result):
    """The same regions under other numbers give the same picture; one more true label is grey."""
    truth = np.array([2, 0, 1, -1])[result["labels"].values]
    same = result.assign(truth_labels=(("y", "x"), truth))
    assert truth_png(same, palette(3)) == label_png(same, palette(3))
    truth = truth.copy()
    truth[1, 1] = 3
    rows = zlib.decompress(truth_png(same.assign(truth_labels=(("y", "x"), truth)), palette(3))[41:-16])
    image = np.frombuffer(rows, np.uint8).reshape(13, -1)[:, 1:].reshape(13, 7, 4)
    np.testing.assert_array_equal(image[1, 1], [0xB8, 0xB8, 0xB8, 255])


def test_counts_come_from_the_labels_where_nothing_else_says(result):
    bare = result[["labels"]]
    assert n_components(bare) == 3
    np.testing.assert_array_equal(component_sizes(bare), np.bincount(result["labels"].values.ravel() + 1)[1:])
    assert component_names(bare) == ["component 0", "component 1", "component 2"]


def test_wavenumbers_decrease_to_the_right(result):
    raman = result.assign_coords(channel=result["channel"].assign_attrs(units="1/cm"))
    for cube, falls in ((raman, True), (result, False)):
        x = spectra_figure(cube, palette(3)).children[1].x_range
        assert bool(x.start > x.end) is falls


def test_text_of_files_is_no_formula(result):
    evil = result.assign_coords(channel=result["channel"].assign_attrs(units="$$x$$", long_name="\\(y\\)"))
    plot = spectra_figure(evil, palette(3)).children[1]
    assert isinstance(plot.xaxis[0].axis_label, PlainText)
    assert not {"$$", "\\(", "\\["} & {plain("$$x$$ \\(a\\) \\[b\\]")[i : i + 2] for i in range(40)}


def test_input_is_not_changed(result):
    before = result.copy(deep=True)
    (
        spectra_figure(result, palette(3)),
        label_map(result, palette(3), Frame((13, 7), origin="lower")),
        label_png(result, palette(3)),
    )
    xr.testing.assert_identical(result, before)


def test_drawing_of_one_channel_and_of_nan(result):
    one = result.isel(channel=[0])
    assert "nan" not in spectrum_svg(bands(one), 0, "#000000")
    gap = result.copy(deep=True)
    gap["component_spectra"][0, 3] = np.nan
    assert "nan" not in spectrum_svg(bands(gap), 0, "#F0E442")
    spectra_figure(one, palette(3))


def test_a_small_drawing_has_a_line_and_a_band_on_either_side_of_a_gap():
    axis, nan = np.array([0.0, 1, 2, 3, 4, 5]), np.nan
    mean = np.array([[0.0, 5, nan, 10, 5, 0]])
    drawn = spectrum_svg(Bands(axis, mean, mean, mean, "spread"), 0, "#0072B2", width=100, height=36)
    lines = re.findall('<polyline points="([^"]*)"', drawn)
    assert lines == ["0.0,35.0 20.0,18.5", "60.0,2.0 80.0,18.5 100.0,35.0"]
    there = [f"{line} {' '.join(reversed(line.split()))}" for line in lines]
    assert re.findall('<polygon points="([^"]*)"', drawn) == there
    assert spectrum_svg(Bands(axis, mean, None, None, ""), 0, "#0072B2").count("polygon") == 0


def test_whether_spectra_are_faint_is_asked_of_the_result_not_of_its_levels(result):
    """Finer levels beside the components made the figure show another band than the words beside it said."""
    faint = result.assign(component_spectra=result["component_spectra"] / 100)
    assert is_faint(faint)
    assert not is_faint(result)
    assert bands(faint, faint=False).width == "standard deviation"
    plot = spectra_figure(result, palette(3), faint=True).children[1]
    assert "standard error" in plot.yaxis[0].axis_label.text


def test_a_share_has_two_bars_its_standard_error_and_what_is_wrong():
    from spaxel.figures.series import columns_of, series_figures
    from spaxel.results.series import Point, times_of

    half, unknown = np.array([0.5, np.nan]), np.full(2, np.nan)
    points = [Point("a", "", 0.0, half, half / 5, half / 2), Point("b", "", 1.0, half, unknown, unknown)]
    found = columns_of(points, 0)
    assert found["low"] == pytest.approx([40, 50])
    assert found["high"] == pytest.approx([60, 50])
    assert found["least"] == pytest.approx([25, 50])
    tips = [[title for title, _ in plot.hover[0].tooltips] for some in (points, points[1:])
            for plot in series_figures(some, times_of("ab"), ["x", "y"], ["red", "blue"])]  # fmt: skip
    assert [("of it expected wrong" in titles) for titles in tips] == [True, False]


def test_what_is_small_has_a_scale_of_its_own():
    from spaxel.figures.series import own_scales
    from spaxel.results.series import Point, times_of

    shares = np.array([[0.98, 0.02, np.nan, 0.0], [0.94, 0.06, np.nan, 0.0], [np.nan] * 4])
    points = [
        Point(name, "", i, row, row / 10, row / 2) for i, (name, row) in enumerate(zip("abc", shares, strict=True))
    ]
    plots = own_scales(points, times_of("abc"), ["leaf", "lesion", "cloth", "none"], ["#000000"] * 4)
    assert [plot.title.text for plot in plots] == ["leaf", "lesion"]
    assert plots[1].y_range.end == pytest.approx(1.08 * 6.6)
    assert len(own_scales(points, times_of("abc"), ["leaf", "lesion", "cloth", "none"], ["#000000"] * 4, most=1)) == 1
