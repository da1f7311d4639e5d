"""The spectrum of one component, beside its map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, FixedTicker, Grid, HoverTool, LinearAxis, NoOverlap, PlainText, Range1d
from bokeh.plotting import figure

from spaxel.cube import axis_label
from spaxel.figures.bands import Bands, polygon, signal_range
from spaxel.figures.maps import plain_axes
from spaxel.figures.marks import in_rows, plain
from spaxel.figures.small_spectrum import light_colors
from spaxel.figures.spectra import descending


def one_spectrum(
    result: xr.Dataset,
    shown: Bands,
    i: int,
    color: str,
    *,
    marks: Sequence[tuple[float, str]] = (),
    x_range: Range1d | None = None,
    height: int = 270,
) -> figure:
    """Component i of these spectra, with its band (of feasible solutions, where they were computed), in its colour.

    marks : places on the axis and names above them, those that find room, the first ones first
    x_range : that of the figures beside it, which then move together
    """
    low, high = signal_range(shown) if len(shown.axis) > 1 else (shown.axis[0] - 1, shown.axis[0] + 1)
    x_range = x_range or Range1d(*((high, low) if descending(result) else (low, high)))
    plot = figure(
        x_range=x_range, height=height, tools="pan,box_zoom,reset,save", toolbar_location="above",
        active_drag="box_zoom", sizing_mode="stretch_width", name=f"component {i}", title=None,
    )  # fmt: skip
    plot.toolbar.logo = None
    plot.xaxis.axis_label = PlainText(text=plain(axis_label(result)))
    plain_axes(plot)
    if shown.low is not None and shown.high is not None:
        x, y = polygon(shown.axis, shown.low[i], shown.high[i])
        plot.patch(x.astype(np.float32), y.astype(np.float32), fill_color=color, fill_alpha=0.25, line_color=None)
    source = ColumnDataSource({"x": shown.axis, "y": shown.mean[i].astype(np.float32)}, name=f"spectrum of {i}")
    if light_colors([color])[0]:
        plot.line("x", "y", source=source, color="#777777", line_width=3)
    curve = plot.line if len(shown.axis) > 1 else plot.scatter
    line = curve("x", "y", source=source, color=color, line_width=1.8)
    tips = [("at", "@x{0.[0000]}"), ("value", "@y{0.[0000]}")]
    plot.add_tools(HoverTool(renderers=[line], tooltips=tips, line_policy="nearest", visible=False))
    rows = in_rows(marks, abs(x_range.end - x_range.start) / 36)
    if rows:
        ticker = FixedTicker(ticks=sorted(place for place, _ in rows[0]))
        names = {place: PlainText(text=plain(text)) for place, text in rows[0]}
        plot.add_layout(
            LinearAxis(
                ticker=ticker, major_label_overrides=names, major_label_orientation="vertical",
            axis_line_color=None, axis_line_alpha=0, major_label_policy=NoOverlap(min_distance=1),
                major_tick_line_color="#BBBBBB", major_label_text_font="sans-serif", major_label_text_font_size="11px",
                major_label_text_color="#333333", major_label_standoff=2,
            ),
            "above",
        )  # fmt: skip
        plot.add_layout(Grid(dimension=0, ticker=ticker, grid_line_color="#BBBBBB", grid_line_dash="dotted"))
    return plot
