"""Maps side by side: picture, labels, confidence. Square pixels, one zoom, one crosshair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import BasicTicker, ColorBar, ColumnDataSource, FixedTicker, Image, ImageRGBA, LinearColorMapper
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

from spaxel.cube.smaller import is_large
from spaxel.figures.frame import CLEAR as CLEAR
from spaxel.figures.frame import INK as INK
from spaxel.figures.frame import PIXEL as PIXEL
from spaxel.figures.frame import Frame as Frame
from spaxel.figures.frame import plain_axes as plain_axes
from spaxel.figures.levels import NO_DATA, own_parts, part_labels, percent_map
from spaxel.figures.palette import painted, to_rgb
from spaxel.figures.reduce import png, reduce_labels, reduce_mean, small_map
from spaxel.results.convention import component_names
from spaxel.results.walk import walk

GREY = "#B8B8B8"


def component_rgb(result: xr.Dataset, colors: Sequence[str]) -> list[str]:
    """The colour of each component of this result. colors : by place in the palette (see component_colors)."""
    return painted(result, colors)


def label_map(result: xr.Dataset, colors: Sequence[str], frame: Frame, side: int = 1024) -> figure:
    """The map of labels, with the name under the pointer. colors : by place in the palette.

    Where the result keeps a merge tree, the map is one of its parts, each in the colour of its component: another level
    is another palette of the mapper "label colors", and other names in the source "parts".
    """
    drawn, own = part_labels(result, side), own_parts(result)
    shown, names = component_rgb(result, colors), component_names(result)
    none = np.iinfo(np.uint8 if len(own) < NO_DATA else np.uint16).max
    values = np.where(drawn < 0, none, drawn).astype(np.uint8 if none == NO_DATA else np.uint16)
    palette = [shown[k] for k in own] or ["#FFFFFF"]
    mapper = LinearColorMapper(palette=palette, low=-0.5, high=len(own) - 0.5, high_color=CLEAR, name="label colors")
    parts = ColumnDataSource({"name": [names[k] for k in own]}, name="parts")
    source = frame.source(values, side, "labels")
    frame.know(labels=source, parts=parts)
    return _indexed(frame, source, mapper, "labels")


def confidence_map(result: xr.Dataset, frame: Frame, side: int = 1024) -> figure:
    """The map of confidence, 0 to 1, viridis, with its colour bar. The result must hold `confidence`."""
    mapper = LinearColorMapper(palette=Viridis256, low=0, high=100, high_color=CLEAR)
    plot = _indexed(frame, confidence_source(result, frame, side), mapper, "confidence")
    plot.add_layout(color_bar(0, 1, "confidence"), "right")
    return plot


def confidence_source(result: xr.Dataset, frame: Frame, side: int = 1024) -> ColumnDataSource:
    """The confidence of a result in per cent, rounded down, known to the pointer in all maps of this frame from now on."""
    source = frame.source(percent_map(small_map(result, "confidence", side), side), side, "confidence")
    frame.know(confidence=source)
    return source


def color_bar(low: float, high: float, title: str) -> ColorBar:
    """The bar of a continuous map from `low` to `high` in viridis; ticks at both ends and between."""
    ticks = [0, 0.25, 0.5, 0.75, 1] if (low, high) == (0, 1) else None
    return ColorBar(
        color_mapper=LinearColorMapper(palette=Viridis256, low=low, high=high), width=12, title=title, padding=6,
        ticker=FixedTicker(ticks=ticks) if ticks else BasicTicker(desired_num_ticks=5),
        title_text_font_style="normal", title_text_font="sans-serif", background_fill_alpha=0,
        title_text_color=INK, major_label_text_color=INK, major_label_text_font="sans-serif",
    )  # fmt: skip


def picture_map(result: xr.Dataset, frame: Frame, side: int = 1024) -> figure:
    """The false-colour picture of the scene. The result must hold `picture` (y, x, rgb) uint8."""
    rgb = small_map(result, "picture", side).round().astype(np.uint8)
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    plot = frame.figure("picture")
    source = frame.source(rgba.view(np.uint32)[..., 0], side, "picture")
    frame.tell(plot, plot.add_glyph(source, ImageRGBA(image="image", x=0, y=0, dw="dw", dh="dh")))
    frame.add_bar(plot)
    return plot


def _indexed(frame: Frame, source: ColumnDataSource, mapper: LinearColorMapper, name: str) -> figure:
    plot = frame.figure(name)
    frame.tell(plot, plot.add_glyph(source, Image(image="image", x=0, y=0, dw="dw", dh="dh", color_mapper=mapper)))
    frame.add_bar(plot)
    return plot


def label_png(result: xr.Dataset, colors: Sequence[str], side: int = 256) -> bytes:
    """The map of labels as a small PNG file, row 0 on top or at the bottom as the result says; no data is clear."""
    return _png(small_map(result, "labels", side), component_rgb(result, colors), result, side)


def truth_png(result: xr.Dataset, colors: Sequence[str], side: int = 256) -> bytes:
    """The map of the truth as a small PNG file. A true label has the colour of the component that it shares most pixels
    with, each colour given once; one that no component is left for is grey. The result must hold `truth_labels`.
    """
    from scipy.optimize import linear_sum_assignment

    shown = component_rgb(result, colors)
    common = _common(result, len(shown))
    given = [GREY] * len(common)
    for true, found in zip(*linear_sum_assignment(-common), strict=True):
        if common[true, found] > 0:
            given[true] = shown[found]
    return _png(small_map(result, "truth_labels", side), given, result, side)


def _common(result: xr.Dataset, k: int) -> np.ndarray:
    """Pixels of each true label in each of k components, (true label, k), counted over a walk."""
    found = np.zeros((0, k), np.int64)
    for piece in walk(result["truth_labels"], result["labels"], scratch=16):
        truth, labels = piece.values
        n, both = int(truth.max(initial=-1)) + 1, (truth >= 0) & (labels >= 0)
        found = np.pad(found, ((0, max(n - len(found), 0)), (0, 0)))
        pairs = truth[both].astype(np.int64) * k + labels[both]
        found += np.bincount(pairs, minlength=found.size).reshape(found.shape)
    return found


def picture_png(rgb: np.ndarray, data: np.ndarray, origin: str, side: int = 256) -> bytes:
    """A false-colour picture as a small PNG file, clear where there is no data. rgb : (y, x, 3) uint8   data : (y, x) bool."""
    small, known = reduce_mean(rgb, side), reduce_mean(data, side) > 0
    image = np.dstack([small.round().astype(np.uint8), np.where(known, 255, 0).astype(np.uint8)])
    return png(np.ascontiguousarray(image[::-1] if origin == "lower" else image))


def one_png(result: xr.Dataset, component: int, color: str, side: int = 128) -> bytes:
    """The place of one component, in its colour on light grey, as a small PNG file; no data is clear."""
    labels = small_map(result, "labels", side) if is_large(result["labels"].shape) else np.asarray(result["labels"])
    return _png(np.where(labels < 0, -1, labels == component).astype(np.int32), ["#E8E8E8", color], result, side)


def _png(labels: xr.DataArray | np.ndarray, shown: Sequence[str], result: xr.Dataset, side: int) -> bytes:
    table = np.zeros((len(shown) + 1, 4), np.uint8)
    table[:-1, :3] = (to_rgb(list(shown)) * 255).round()
    table[:-1, 3] = 255
    image = table[np.maximum(reduce_labels(np.asarray(labels), side), -1)]
    return png(image[::-1] if result.attrs.get("origin") == "lower" else image)
