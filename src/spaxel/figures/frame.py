"""What maps of one scene share: room, ranges, crosshair, buttons, axes, and what the pointer says of a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np
from bokeh.models import (
    BoxZoomTool,
    ColumnDataSource,
    CrosshairTool,
    CustomJSHover,
    CustomJSTicker,
    CustomJSTickFormatter,
    GlyphRenderer,
    Grid,
    HoverTool,
    InlineStyleSheet,
    Label,
    PanTool,
    Range1d,
    Rect,
    ResetTool,
    SaveTool,
    Span,
    WheelZoomTool,
    ZoomInTool,
    ZoomOutTool,
)
from bokeh.plotting import figure

from spaxel.figures.places import PLACE, TICK, TICKS
from spaxel.figures.reduce import step_for

INK = "#333333"
CLEAR = "rgba(0, 0, 0, 0)"
PIXEL = "return Math.floor(value).toString()"  # pixel 3 reaches from 3 to 4 along an axis of a map
LOOK = """
const at = (source) => {
  const image = source.data.image[0], step = source.data.step[0], [rows, columns] = image.shape;
  const inside = (v, n) => Math.max(Math.min(Math.floor(v / step), n - 1), 0);
  return image[inside(special_vars.y, rows) * columns + inside(special_vars.x, columns)];
};
"""
COMPONENT = LOOK + "const part = at(labels); return part < parts.data.name.length ? parts.data.name[part] : 'no data';"
SURE = LOOK + "const percent = at(confidence); return percent <= 100 ? (percent / 100).toFixed(2) : 'no data';"
TOOLS = """
:host { --button-width: 28px; --button-height: 26px; --bokeh-icon-color: var(--icon, #6b6b6b); }
@media print { :host { visibility: hidden; } }
"""


class Frame:
    """What maps of one scene share: ranges, crosshair, and what the pointer says. Maps of the same frame move together.

    shape : (y, x) pixels      width, height : room on the screen; the map is the largest of its shape that fits
    origin : 'upper' (row 0 on top, images) or 'lower' (row 0 at the bottom, FITS)
    bar    : (pixels, text) of a scale bar, or None      place : where pixels lie, see `places.place_of`, or None
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        origin: str = "upper",
        width: int = 440,
        height: int = 440,
        bar: tuple[float, str] | None = None,
        place: Mapping[str, Any] | None = None,
    ):
        rows, columns = shape
        self.shape, self.bar, self.upper, self.place = shape, bar, origin == "upper", place
        self.scale = min(width / columns, height / rows)
        self.x = Range1d(0, columns)
        self.y = Range1d(rows, 0) if origin == "upper" else Range1d(0, rows)
        self.spans = [Span(dimension=d, line_color=INK, line_alpha=0.6) for d in ("width", "height")]
        self.pixel = CustomJSHover(code=PIXEL)  # one for all maps: fewer models, so that a page opens fast
        self._known: dict[str, ColumnDataSource] = {}  # what the pointer looks up: labels, parts, confidence
        self._hovers: list[HoverTool] = []

    def sized(self, width: int, height: int) -> Frame:
        """The same frame with other room on the screen: its maps move with those of this one."""
        other = copy(self)
        other.scale = min(width / self.shape[1], height / self.shape[0])
        return other

    def step(self, side: int) -> int:
        """How many pixels a point of a map stands for that is reduced to `side`."""
        return step_for(self.shape, side)

    def extent(self, image: np.ndarray, side: int) -> dict[str, int]:
        """Width and height (dw, dh) that a map reduced to `side` covers: its last block may reach over the edge."""
        step = self.step(side)
        return {"dw": image.shape[1] * step, "dh": image.shape[0] * step}

    def source(self, image: np.ndarray, side: int, name: str) -> ColumnDataSource:
        """An image reduced to `side` and the room that it covers: its last points may reach over the edge."""
        covered = {name: [value] for name, value in self.extent(image, side).items()}
        return ColumnDataSource({"image": [image], "step": [self.step(side)], **covered}, name=name)

    def tell(self, plot: figure, glyph: GlyphRenderer) -> None:
        """Let the pointer say over this glyph what is known of a pixel."""
        hover = HoverTool(renderers=[glyph], point_policy="follow_mouse", visible=False)
        self._hovers.append(hover)
        plot.add_tools(hover)
        self._say([hover])

    def know(self, **sources: ColumnDataSource) -> None:
        """What the pointer is to look up, over all maps of this frame, whenever they were made."""
        self._known |= sources
        self._say(self._hovers)

    def _say(self, hovers: list[HoverTool]) -> None:
        rows, how = self._tip()
        for hover in hovers:
            hover.tooltips, hover.formatters = rows, how

    def _tip(self) -> tuple[list[tuple[str, str]], dict[str, CustomJSHover]]:
        rows, how = [], {"$x": self.pixel, "$y": self.pixel}
        if "labels" in self._known:
            rows.append(("component", "$sx{custom}"))
            how["$sx"] = CustomJSHover(args={name: self._known[name] for name in ("labels", "parts")}, code=COMPONENT)
        if "confidence" in self._known:
            rows.append(("confidence", "$sy{custom}"))
            how["$sy"] = CustomJSHover(args={"confidence": self._known["confidence"]}, code=SURE)
        rows.append(("x, y", "$x{custom}, $y{custom}"))
        if self.place is not None:
            rows.append((str(self.place["name"]), "$index{custom}"))
            told = {k: v for k, v in self.place.items() if k != "axes"}
            how["$index"] = CustomJSHover(args={"at": told}, code=PLACE)
        return rows, how

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

    def figure(self, name: str = "map") -> figure:
        """An empty map in this frame: white with a light hatch, which stays visible where there is no data.

        name : of the file that its button saves. Its buttons are seen; the wheel zooms with Ctrl, so that pages scroll.
        """
        rows, columns = self.shape
        sides = {"frame_width": round(columns * self.scale), "frame_height": round(rows * self.scale)}
        plot = figure(
            x_range=self.x, y_range=self.y, tools=[], toolbar_location="above", name=f"{name} map", title=None, **sides
        )
        plot.tags = ["map", sides["frame_width"], sides["frame_height"]]
        add_tools(plot, name)
        plot.add_tools(CrosshairTool(overlay=self.spans, visible=False))
        hatched = Rect(
            x=columns / 2, y=rows / 2, width=columns, height=rows, fill_color="white", line_color="#CCCCCC",
            hatch_pattern="right_diagonal_line", hatch_color="#D8D8D8", hatch_scale=8, hatch_weight=1,
        )  # fmt: skip
        drawn = plot.add_glyph(ColumnDataSource({"one": [0]}), hatched)  # a bare glyph: fewer models
        drawn.tags = ["no data"]
        axes = (self.place or {}).get("axes")
        plot.xaxis.axis_label, plot.yaxis.axis_label = "x (pixel)", "y (pixel)"
        for one, axis in zip(plot.axis, axes or (), strict=False):
            one.axis_label = axis["name"]
            one.ticker = CustomJSTicker(args={"axis": axis}, major_code=TICKS)
            one.formatter = CustomJSTickFormatter(args={"axis": axis}, code=TICK)
        plain_axes(plot)
        return plot


def add_tools(plot: figure, name: str) -> None:
    """Buttons above a figure that can be seen: move, zoom to a box, in, out, all of it again, save as a PNG file `name`."""
    zoom = WheelZoomTool(modifiers={"ctrl": True}, visible=False)
    plot.add_tools(
        PanTool(),
        BoxZoomTool(match_aspect=True),
        ZoomInTool(),
        ZoomOutTool(),
        ResetTool(),
        SaveTool(filename=name),
        zoom,
    )
    plot.toolbar.active_scroll = zoom
    plot.toolbar.logo = None
    plot.toolbar.stylesheets = [InlineStyleSheet(css=TOOLS)]


def plain_axes(plot: figure) -> None:
    """Thin dark grey axes in the font of the page; no box, no logo."""
    plot.outline_line_color = None
    plot.min_border_right = 12
    plot.center = [one for one in plot.center if not isinstance(one, Grid)]
    look = {"axis_line_color": "#999999", "major_tick_line_color": "#999999", "minor_tick_line_color": None}
    look |= {"axis_label_text_font_style": "normal", "axis_label_text_font_size": "13px"}
    look |= {"major_label_text_font_size": "12px"}
    for text in ("axis_label_text", "major_label_text"):
        look |= {f"{text}_font": "sans-serif", f"{text}_color": INK}
    for axis in plot.axis:
        axis.update(**look)
