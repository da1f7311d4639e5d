"""Names above a figure of spectra: which lines its peaks may be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bokeh.models import FixedTicker, Grid, LinearAxis, NoOverlap, PlainText
from bokeh.plotting import figure


def plain(text: object) -> str:
    """Text that Bokeh shows as it is: its marks for formulas ($$, \\(, \\[), which need a library, are broken up."""
    return re.sub(r"(\$|\\)(?=[$()\[\]])", "\\1\u200b", str(text))


def in_rows(marks: Sequence[tuple[float, str]], apart: float) -> list[list[tuple[float, str]]]:
    """The marks in rows in which each has room, the first ones in the first row."""
    rows: list[list[tuple[float, str]]] = []
    for place, text in marks:
        free = (row for row in rows if all(abs(place - other) >= apart for other, _ in row))
        row = next(free, None)
        if row is None:
            row = []
            rows.append(row)
        row.append((place, text))
    return rows


def mark(plot: figure, marks: Sequence[tuple[float, str]]) -> None:
    """Names above the figure, upright, with a thin line down through the peaks; they move with the zoom.

    Where two are near, one stands in a row above; the figure becomes as much higher. None is left out, but on a narrow screen
    those without room wait for the zoom.
    """
    if not marks:
        return
    rows = in_rows(marks, abs(plot.x_range.end - plot.x_range.start) / 64)
    for row in rows:
        axis = LinearAxis(
            ticker=FixedTicker(ticks=sorted(place for place, _ in row)), major_label_orientation="vertical",
            axis_line_color=None, axis_line_alpha=0, major_label_policy=NoOverlap(min_distance=1),
            major_label_overrides={place: PlainText(text=plain(text)) for place, text in row},
            major_tick_line_color="#BBBBBB", major_label_text_font="sans-serif", major_label_text_font_size="11px",
            major_label_text_color="#333333", major_label_standoff=2,
        )  # fmt: skip
        plot.add_layout(axis, "above")
    plot.height += round(sum(14 + 6 * max(len(text) for _, text in row) for row in rows))
    ticker = FixedTicker(ticks=[place for place, _ in marks])
    plot.add_layout(Grid(dimension=0, ticker=ticker, grid_line_color="#BBBBBB", grid_line_dash="dotted"))
