"""A figure of an exact width: panels in rows, with as much room around each as its numbers and names take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

MM = 25.4  # in an inch
GAP = 3.0  # mm between panels
EDGE = 1.0  # mm around the figure
ROUNDS = 2  # of measuring and placing: with another size the numbers at the axes become others


@dataclass
class Panel:
    """Axes and their size: `aspect` is height over width of the box; without it the panel is `height` mm high."""

    axes: Any
    aspect: float | None = None
    height: float = 45.0


@dataclass
class Row:
    """Panels side by side, as high as each other. columns : in how many parts the width is divided, if more than panels

    tallest : mm that no panel exceeds
    """

    panels: Sequence[Panel]
    columns: int = 0
    tallest: float = 110.0


class _Around(NamedTuple):
    """mm that the numbers and names of axes take outside their box."""

    left: float
    right: float
    top: float
    bottom: float


def arrange(fig: Any, rows: Sequence[Row], width: float) -> None:
    """Place all panels in a figure `width` mm wide; its height follows."""
    from matplotlib.backends.backend_agg import RendererAgg

    height = 100.0
    for _ in range(ROUNDS):
        fig.set_size_inches(width / MM, height / MM)
        fig.draw_without_rendering()
        renderer = RendererAgg(fig.bbox.width, fig.bbox.height, fig.dpi)  # measures text, whatever draws later
        around = [_widest([_around(panel.axes, renderer) for panel in row.panels]) for row in rows]
        boxes = [_sizes(row, around[i], width - 2 * EDGE) for i, row in enumerate(rows)]
        high = [max(h for _, h in sizes) + a.top + a.bottom for sizes, a in zip(boxes, around, strict=True)]
        height = sum(high) + GAP * (len(rows) - 1) + 2 * EDGE
        top = height - EDGE
        for row, sizes, a, total in zip(rows, boxes, around, high, strict=True):
            left = EDGE
            for panel, (w, h) in zip(row.panels, sizes, strict=True):
                box = (left + a.left, top - a.top - h, w, h)
                panel.axes.set_position([box[0] / width, box[1] / height, box[2] / width, box[3] / height])
                left += a.left + w + a.right + GAP
            top -= total + GAP
    fig.set_size_inches(width / MM, height / MM)


def _sizes(row: Row, around: _Around, room: float) -> list[tuple[float, float]]:
    """Width and height of the box of each panel, in mm."""
    n = max(row.columns, len(row.panels))
    free = room - n * (around.left + around.right) - GAP * (n - 1)
    aspects = [panel.aspect for panel in row.panels if panel.aspect]
    if len(aspects) < len(row.panels) and aspects:  # maps beside panels of any shape, which take what is left
        height = min(free / n * max(aspects), row.tallest)
        wide = [height / panel.aspect if panel.aspect else 0.0 for panel in row.panels]
        rest = (free - sum(wide)) / (len(row.panels) - len(aspects))
        return [(w or rest, height) for w in wide]
    if not aspects:
        return [(free / n, panel.height) for panel in row.panels]
    one = sum(1 / a for a in aspects) + (n - len(aspects)) / aspects[-1]
    height = min(free / one, row.tallest)
    return [(height / a, height) for a in aspects]


def _around(axes: Any, renderer: Any) -> _Around:
    """What the text of axes takes around their box, measured."""
    box, whole = axes.get_window_extent(), axes.get_tightbbox(renderer)
    mm = MM / axes.figure.dpi
    sides = (box.x0 - whole.x0, whole.x1 - box.x1, whole.y1 - box.y1, box.y0 - whole.y0)
    return _Around(*(max(0.0, float(side) * mm) for side in sides))


def _widest(around: Sequence[_Around]) -> _Around:
    return _Around(*(max(sides) for sides in zip(*around, strict=True)))
