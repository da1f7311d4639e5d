"""Two maps of one image and where they differ, in one frame: they move together, and the pointer names what is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bokeh.models import CustomJSHover, HoverTool, LinearColorMapper
from bokeh.plotting import figure

from spaxel.figures.maps import CLEAR, PIXEL, Frame
from spaxel.figures.reduce import reduce_labels, step_for

AGREE = "#E4E4E4"  # where two maps agree
NAMED = "return value < names.length ? names[value] : 'no data'"


def named_map(labels: np.ndarray, colors: Sequence[str], names: Sequence[str], frame: Frame, side: int = 512) -> figure:
    """A map of labels in these colours, with its own name under the pointer. labels : (y, x) int, -1 = no data (clear)"""
    small = reduce_labels(np.asarray(labels), side)
    none = np.iinfo(np.uint8 if len(names) < 255 else np.uint16).max
    values = np.where(small < 0, none, small).astype(np.uint8 if none == 255 else np.uint16)
    mapper = LinearColorMapper(palette=list(colors) or ["#FFFFFF"], low=-0.5, high=len(colors) - 0.5, high_color=CLEAR)
    plot, step = frame.figure(), step_for(frame.shape, side)
    drawn = plot.image(
        image=[values], x=0, y=0, dw=small.shape[1] * step, dh=small.shape[0] * step, color_mapper=mapper
    )
    formatters = {"@image": CustomJSHover(args={"names": list(names)}, code=NAMED)}
    formatters |= {axis: CustomJSHover(code=PIXEL) for axis in ("$x", "$y")}
    tips = [("", "@image{custom}"), ("x, y", "$x{custom}, $y{custom}")]
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=tips, formatters=formatters, point_policy="follow_mouse"))
    frame.add_bar(plot)
    return plot


def differences(
    a: np.ndarray, b: np.ndarray, differ: np.ndarray, names: tuple[Sequence[str], Sequence[str]], colors: Sequence[str]
) -> tuple[np.ndarray, list[str], list[str]]:
    """A map of where two maps differ: labels, colours and names for `named_map`. It is light grey where they agree.

    differ : (y, x) bool, see spaxel.metrics.agreement      colors : of the components of b, which are drawn where they differ
    """
    pairs = np.where(differ, a.astype(np.int64) * len(names[1]) + b, -1)
    there = np.unique(pairs[differ])
    labels = np.where((a >= 0) & (b >= 0), 0, -1)
    labels[differ] = 1 + np.searchsorted(there, pairs[differ])
    split = [divmod(int(pair), len(names[1])) for pair in there]
    called = ["the same", *(f"{names[0][i]} here, {names[1][j]} there" for i, j in split)]
    return labels.astype(np.int32), [AGREE, *(colors[j] for _, j in split)], called
