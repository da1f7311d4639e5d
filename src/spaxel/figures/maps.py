"""Maps side by side: picture, labels, confidence. Square pixels, one zoom, one crosshair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import (
    BoxZoomTool,
    ColorBar,
    CrosshairTool,
    CustomJSHover,
    FixedTicker,
    HoverTool,
    Label,
    LinearColorMapper,
    PanTool,
    Range1d,
    ResetTool,
    Span,
    WheelZoomTool,
)
from bokeh.palettes import Viridis256
from bokeh.plotting import figure
from scipy.optimize import linear_sum_assignment

from spaxel.figures.palette import painted, to_rgb
from spaxel.figures.reduce import png, reduce_labels, reduce_mean, step_for
from spaxel.results.convention import component_names

INK = "#333333"
GREY = "#B8B8B8"
CLEAR = "rgba(0, 0, 0, 0)"
PIXEL = "return Math.floor(value).toString()"  # pixel 3 reaches from 3 to 4 along an axis of a map
NO_DATA = 255  # in maps of confidence; in maps of labels: the largest value of the dtype


class Frame:
    """What maps of one scene share: size on the screen, ranges, crosshair. Maps of the same frame move together.

    shape : (y, x) pixels      width, height : room on the screen; the map is the largest of its shape that fits
    origin : 'upper' (row 0 on top, images) or 'lower' (row 0 at the bottom, FITS)
    bar    : (pixels, text) of a scale bar, or None
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        origin: str = "upper",
        width: int = 440,
        height: int = 440,
        bar: tuple[float, str] | None = None,
    ):
        rows, columns = shape
        self.shape, self.bar, self.upper = shape, bar, origin == "upper"
        self.scale = min(width / columns, height / rows)
        self.x = Range1d(0, columns)
        self.y = Range1d(rows, 0) if origin == "upper" else Range1d(0, rows)
        self.spans = [Span(dimension=d, line_color=INK, line_alpha=0.6) for d in ("width", "height")]

    def extent(self, image: np.ndarray, side: int) -> dict[str, int]:
        """Width and height (dw, dh) that a map reduced to `side` covers: its last block may reach over the edge."""
        step = step_for(self.shape, side)
        return {"dw": image.shape[1] * step, "dh": image.shape[0] * step}

    def add_bar(self, plot: figure) -> None:
        """The scale bar over a map, at the left of its lower edge: black on white, to be seen on any colour."""
        if self.bar is None:
            return
        length, text = self.bar
        rows, columns = self.shape
        y, x = 0.05 * rows if not self.upper else 0.95 * rows, 0.04 * columns
        for color, wide in (("white", 7), ("black", 3)):
            plot.line([x, x + length], [y, y], line_color=color, line_width=wide)
        plot.add_layout(
            Label(x=x, y=y, y_offset=5, text=text, text_font="sans-serif", text_font_size="12px", text_color="black",
                  background_fill_color="white", background_fill_alpha=0.7)
        )  # fmt: skip

    def figure(self) -> figure:
        """An empty map in this frame: white with a light hatch, which stays visible where there is no data."""
        rows, columns = self.shape
        sides = {"frame_width": round(columns * self.scale), "frame_height": round(rows * self.scale)}
        plot = figure(x_range=self.x, y_range=self.y, tools=[], toolbar_location=None, **sides)
        zoom = WheelZoomTool(modifiers={"ctrl": True})
        plot.add_tools(PanTool(), BoxZoomTool(match_aspect=True), zoom, ResetTool(), CrosshairTool(overlay=self.spans))
        plot.toolbar.active_scroll = zoom
        plot.rect(
            columns / 2, rows / 2, columns, rows, fill_color="white", line_color="#CCCCCC",
            hatch_pattern="right_diagonal_line", hatch_color="#D8D8D8", hatch_scale=8, hatch_weight=1,
        )  # fmt: skip
        plot.xaxis.axis_label, plot.yaxis.axis_label = "x (pixel)", "y (pixel)"
        plain_axes(plot)
        return plot


def plain_axes(plot: figure) -> None:
    """Thin dark grey axes in the font of the page; no box, no logo."""
    plot.outline_line_color = None
    plot.min_border_right = 12
    plot.grid.grid_line_color = None
    look = {"axis_line_color": "#999999", "major_tick_line_color": "#999999", "minor_tick_line_color": None}
    look |= {"axis_label_text_font_style": "normal", "axis_label_text_font_size": "13px"}
    look |= {"major_label_text_font_size": "12px"}
    for text in ("axis_label_text", "major_label_text"):
        look |= {f"{text}_font": "sans-serif", f"{text}_color": INK}
    for axis in plot.axis:
        axis.update(**look)


def component_rgb(result: xr.Dataset, colors: Sequence[str]) -> list[str]:
    """The colour of each component of this result. colors : by place in the palette (see component_colors)."""
    return painted(result, colors)


def label_map(result: xr.Dataset, colors: Sequence[str], frame: Frame, side: int = 1024) -> figure:
    """The map of labels, with the name under the pointer. colors : by place in the palette."""
    labels, shown = reduce_labels(np.asarray(result["labels"]), side), component_rgb(result, colors)
    none = np.iinfo(np.uint8 if len(shown) < NO_DATA else np.uint16).max
    values = np.where(labels < 0, none, labels).astype(np.uint8 if none == NO_DATA else np.uint16)
    mapper = LinearColorMapper(palette=shown or ["#FFFFFF"], low=-0.5, high=len(shown) - 0.5, high_color=CLEAR)
    names = component_names(result)
    script = CustomJSHover(args={"names": names}, code="return value < names.length ? names[value] : 'no data'")
    return _indexed(frame, values, mapper, script, side)


def confidence_map(result: xr.Dataset, frame: Frame, side: int = 1024) -> figure:
    """The map of confidence, 0 to 1, viridis, with its colour bar. The result must hold `confidence`."""
    mean = reduce_mean(np.asarray(result["confidence"]), side)
    values = np.where(np.isfinite(mean), np.nan_to_num(np.clip(mean, 0, 1)) * 100, NO_DATA).round().astype(np.uint8)
    mapper = LinearColorMapper(palette=Viridis256, low=0, high=100, high_color=CLEAR)
    script = CustomJSHover(code="return value <= 100 ? 'confidence ' + (value / 100).toFixed(2) : 'no data'")
    plot = _indexed(frame, values, mapper, script, side)
    bar = ColorBar(
        color_mapper=LinearColorMapper(palette=Viridis256, low=0, high=1), width=12, title="confidence", padding=6,
        ticker=FixedTicker(ticks=[0, 0.25, 0.5, 0.75, 1]), title_text_font_style="normal", title_text_font="sans-serif",
        title_text_color=INK, major_label_text_color=INK, major_label_text_font="sans-serif",
    )  # fmt: skip
    plot.add_layout(bar, "right")
    return plot


def picture_map(result: xr.Dataset, frame: Frame, side: int = 1024) -> figure:
    """The false-colour picture of the scene. The result must hold `picture` (y, x, rgb) uint8."""
    rgb = reduce_mean(np.asarray(result["picture"]), side).round().astype(np.uint8)
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    plot = frame.figure()
    plot.image_rgba(image=[rgba.view(np.uint32)[..., 0]], x=0, y=0, **frame.extent(rgba, side))
    frame.add_bar(plot)
    return plot


def _indexed(frame: Frame, values: np.ndarray, mapper: LinearColorMapper, script: CustomJSHover, side: int) -> figure:
    plot = frame.figure()
    drawn = plot.image(image=[values], x=0, y=0, color_mapper=mapper, **frame.extent(values, side))
    tip = [("", "@image{custom}"), ("x, y", "$x{custom}, $y{custom}")]
    formatters = {"@image": script, "$x": CustomJSHover(code=PIXEL), "$y": CustomJSHover(code=PIXEL)}
    hover = HoverTool(renderers=[drawn], tooltips=tip, formatters=formatters, point_policy="follow_mouse")
    plot.add_tools(hover)
    frame.add_bar(plot)
    return plot


def label_png(result: xr.Dataset, colors: Sequence[str], side: int = 256) -> bytes:
    """The map of labels as a small PNG file, row 0 on top or at the bottom as the result says; no data is clear."""
    return _png(result["labels"], component_rgb(result, colors), result, side)


def truth_png(result: xr.Dataset, colors: Sequence[str], side: int = 256) -> bytes:
    """The map of the truth as a small PNG file. A true label has the colour of the component that it shares most pixels
    with, each colour given once; one that no component is left for is grey. The result must hold `truth_labels`.
    """
    truth, labels = np.asarray(result["truth_labels"]), np.asarray(result["labels"])
    shown, n = component_rgb(result, colors), int(truth.max(initial=-1)) + 1
    both = (truth >= 0) & (labels >= 0)
    pairs = truth[both].astype(np.int64) * len(shown) + labels[both]
    common = np.bincount(pairs, minlength=n * len(shown)).reshape(n, len(shown))
    given = [GREY] * n
    for true, found in zip(*linear_sum_assignment(-common), strict=True):
        if common[true, found] > 0:
            given[true] = shown[found]
    return _png(truth, given, result, side)


def picture_png(rgb: np.ndarray, data: np.ndarray, origin: str, side: int = 256) -> bytes:
    """A false-colour picture as a small PNG file, clear where there is no data. rgb : (y, x, 3) uint8   data : (y, x) bool."""
    small, known = reduce_mean(rgb, side), reduce_mean(data, side) > 0
    image = np.dstack([small.round().astype(np.uint8), np.where(known, 255, 0).astype(np.uint8)])
    return png(np.ascontiguousarray(image[::-1] if origin == "lower" else image))


def one_png(result: xr.Dataset, component: int, color: str, side: int = 128) -> bytes:
    """The place of one component, in its colour on light grey, as a small PNG file; no data is clear."""
    labels = np.asarray(result["labels"])
    return _png(np.where(labels < 0, -1, labels == component).astype(np.int32), ["#E8E8E8", color], result, side)


def _png(labels: xr.DataArray | np.ndarray, shown: Sequence[str], result: xr.Dataset, side: int) -> bytes:
    table = np.zeros((len(shown) + 1, 4), np.uint8)
    table[:-1, :3] = (to_rgb(list(shown)) * 255).round()
    table[:-1, 3] = 255
    image = table[np.maximum(reduce_labels(np.asarray(labels), side), -1)]
    return png(image[::-1] if result.attrs.get("origin") == "lower" else image)
