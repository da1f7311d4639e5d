"""Names above a figure of spectra: which lines its peaks may be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bokeh.models import FixedTicker, Grid, LinearAxis, PlainText
from bokeh.plotting import figure


def plain(text: object) -> str:
    """Text that Bokeh shows as it is: its marks for formulas ($$, \\(, \\[), which need a library, are broken up."""
    return re.sub(r"(\$|\\)(?=[$()\[\]])", "\\1\u200b", str(text))


def thinned(marks: Sequence[tuple[float, str]], apart: float) -> list[tuple[float, str]]:
    """The marks that have room, the first ones first."""
    kept: list[tuple[float, str]] = []
    for place, text in marks:
        if all(abs(place - other) >= apart for other, _ in kept):
            kept.append((place, text))
    return kept


def mark(plot: figure, marks: Sequence[tuple[float, str]]) -> None:
    """Names above the figure, upright, with a thin line down through the peaks; they move with the zoom."""
    if not marks:
        return
    ticker = FixedTicker(ticks=[place for place, _ in marks])
    axis = LinearAxis(
        ticker=ticker, major_label_overrides={place: PlainText(text=plain(text)) for place, text in marks},
        major_label_orientation="vertical", axis_line_color=None, major_tick_line_color="#BBBBBB",
        major_label_text_font="sans-serif", major_label_text_font_size="11px", major_label_text_color="#333333",
    )  # fmt: skip
    plot.add_layout(axis, "above")
    plot.add_layout(Grid(dimension=0, ticker=ticker, grid_line_color="#BBBBBB", grid_line_dash="dotted"))
