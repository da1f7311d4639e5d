"""Two maps of one image and where they differ, in one frame: they move together, and the pointer names what is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bokeh.models import ColumnDataSource, CustomJSHover, HoverTool, Image, LinearColorMapper
from bokeh.plotting import figure

from spaxel.figures.maps import CLEAR, PIXEL, Frame
from spaxel.figures.reduce import step_for

AGREE = "#E4E4E4"  # where two maps agree
NAMED = "return value < names.length ? names[value] : 'no data'"


def named_map(small: np.ndarray, colors: Sequence[str], names: Sequence[str], frame: Frame, side: int = 512) -> figure:
    """A map of labels in these colours, with its own name under the pointer.

    small : labels as `reduce_labels` or `reduced` makes them for this side, (y, x) int, -1 = no data (clear)
    """
    none = np.iinfo(np.uint8 if len(names) < 255 else np.uint16).max
    values = np.where(small < 0, none, small).astype(np.uint8 if none == 255 else np.uint16)
    mapper = LinearColorMapper(palette=list(colors) or ["#FFFFFF"], low=-0.5, high=len(colors) - 0.5, high_color=CLEAR)
    plot, step = frame.figure(), step_for(frame.shape, side)
    room = {"dw": small.shape[1] * step, "dh": small.shape[0] * step}
    drawn = plot.add_glyph(ColumnDataSource({"image": [values]}), Image(x=0, y=0, color_mapper=mapper, **room))
    formatters = {"@image": CustomJSHover(args={"names": list(names)}, code=NAMED)}
    formatters |= {axis: CustomJSHover(code=PIXEL) for axis in ("$x", "$y")}
    tips = [("", "@image{custom}"), ("x, y", "$x{custom}, $y{custom}")]
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=tips, formatters=formatters, point_policy="follow_mouse"))
    frame.add_bar(plot)
    return plot


def differences(
    counts: np.ndarray,
    matching: Sequence[tuple[int, int]],
    names: tuple[Sequence[str], Sequence[str]],
    colors: Sequence[str],
) -> tuple[np.ndarray, list[str], list[str]]:
    """Where two maps differ: a table of labels, colours and names for `named_map`. It is light grey where they agree.

    counts, matching : see spaxel.metrics.agreement      colors : of the components of b, which are drawn where they differ
    returns : labels of the map by those of both, table[a, b]; the last row and column, of -1, are -1
    """
    table = np.zeros((len(names[0]) + 1, len(names[1]) + 1), np.int32)
    table[-1], table[:, -1] = -1, -1
    split = [(i, j) for i, j in np.argwhere(counts > 0).tolist() if (i, j) not in matching]
    for label, (i, j) in enumerate(split, 1):
        table[i, j] = label
    called = ["the same", *(f"{names[0][i]} here, {names[1][j]} there" for i, j in split)]
    return table, [AGREE, *(colors[j] for _, j in split)], called
