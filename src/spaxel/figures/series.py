"""The shares of components against time, or cube by cube: a line each with error bars, one panel for each group.

Thin bars are standard errors; broad pale ones the pixels of a share that are expected to be wrong, where that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d, Whisker
from bokeh.plotting import figure

from spaxel.errors import printable
from spaxel.figures.maps import plain_axes
from spaxel.results.series import Point, Times

ROTATE = 6  # cubes from which names along the axis are turned
MOST = 12  # components that have a figure of their own


def series_figures(
    points: Sequence[Point],
    times: Times,
    names: Sequence[str],
    colors: Sequence[str],
    width: int = 560,
    height: int = 300,
) -> list[figure]:
    """One figure for each group of images, on common axes. names, colors : of the components; a background is left out.

    Where the names of the cubes hold no time, they stand along the axis themselves.
    """
    groups = list(dict.fromkeys(point.group for point in points))
    highest = max((_top(point) for point in points), default=1.0)
    span = Range1d(0, min(1.0, 1.08 * highest) * 100 if highest > 0 else 1)
    low, high = min(times.time, default=0.0), max(times.time, default=1.0)
    pad = 0.06 * (high - low) or 0.5
    along = Range1d(low - pad, high + pad)
    made = []
    for group in groups:
        mine = sorted((point for point in points if point.group == group), key=lambda point: point.time)
        made.append(
            _panel(
                mine,
                times,
                group,
                (names, colors),
                {"x_range": along, "y_range": span, "width": width, "height": height},
            )
        )
    return made


def own_scales(
    points: Sequence[Point], times: Times, names: Sequence[str], colors: Sequence[str], most: int = MOST
) -> list[figure]:
    """A small figure for each of the first components, on its own scale, so that what is small is seen to change.

    A background, and what is in no image, has none. Groups are lines of one figure.
    """
    order = sorted(points, key=lambda point: (point.group, point.time))
    found: list[figure] = []
    for k, color in enumerate(colors):
        top = max((100 * float(np.nan_to_num(p.share[k]) + np.nan_to_num(p.error[k])) for p in order), default=0.0)
        if top == 0 or len(found) == most:
            continue
        plot = figure(width=270, height=190, title=printable(names[k]), name="own scale", toolbar_location=None, tools="",
                      y_range=Range1d(0, 1.08 * top))  # fmt: skip
        plot.xaxis.axis_label, plot.yaxis.axis_label = _axis_of(times), "%"
        for group in dict.fromkeys(point.group for point in order):
            mine = [point for point in order if point.group == group]
            _line(plot, ColumnDataSource(columns_of(mine, k)), color)
        plain_axes(plot)
        found.append(plot)
    return found


def _axis_of(times: Times) -> str:
    return "cube" if times.axis.startswith("number in the order") else times.axis


def columns_of(points: Sequence[Point], k: int) -> dict[str, Any]:
    """The columns of one line: time, share, ends of both bars, in per cent; nan where a component is background."""
    share = np.array([100 * point.share[k] for point in points])
    error, wrong = (
        np.nan_to_num([100 * of[k] for of in part]) for part in zip(*((p.error, p.wrong) for p in points), strict=True)
    )
    return {
        "time": [point.time for point in points], "share": share.tolist(), "low": np.maximum(share - error, 0).tolist(),
        "high": (share + error).tolist(), "cube": [printable(point.cube) for point in points], "error": error.tolist(),
        "wrong": wrong.tolist(), "least": (share - wrong).tolist(),
    }  # fmt: skip


def _top(point: Point) -> float:
    high = point.share + np.nan_to_num(point.error)
    return float(np.nanmax(high)) if np.isfinite(high).any() else 0.0


def _panel(points: Sequence[Point], times: Times, group: str, shown: Any, how: dict[str, Any]) -> figure:
    names, colors = shown
    plot = figure(
        tools="pan,xbox_zoom,reset,save", toolbar_location="above", title=printable(group) or None, name="series", **how
    )
    plot.toolbar.logo = None
    plot.yaxis.axis_label, plot.xaxis.axis_label = "share of the pixels (%)", _axis_of(times)
    if times.axis.startswith("number in the order"):
        plot.xaxis.ticker = FixedTicker(ticks=[int(point.time) for point in points])
        plot.xaxis.major_label_overrides = {int(point.time): printable(point.cube)[:24] for point in points}
        if len(points) > ROTATE:
            plot.xaxis.major_label_orientation = 0.7
    lines = []
    for k, color in enumerate(colors):
        source = ColumnDataSource(
            columns_of(points, k) | {"name": [printable(names[k])] * len(points)}, name=f"series {k}"
        )
        lines.append(_line(plot, source, color))
    tips = [("", "@name"), ("cube", "@cube"), ("share", "@share{0.0} ± @error{0.0} %")]
    if any(np.isfinite(point.wrong).any() for point in points):
        tips.append(("of it expected wrong", "@wrong{0.0} %"))
    plot.add_tools(HoverTool(renderers=lines, tooltips=tips))
    plain_axes(plot)
    return plot


def _line(plot: figure, source: ColumnDataSource, color: str) -> Any:
    """One line with both bars; what the pointer finds."""
    plot.segment("time", "least", "time", "share", source=source, line_color=color, line_width=7, line_alpha=0.3)
    plot.line("time", "share", source=source, line_color=color, line_width=2)
    plot.add_layout(Whisker(base="time", lower="low", upper="high", source=source, line_color=color, line_width=1.5,
                            upper_head=None, lower_head=None))  # fmt: skip
    return plot.scatter("time", "share", source=source, size=7, fill_color=color, line_color="#FFFFFF")
