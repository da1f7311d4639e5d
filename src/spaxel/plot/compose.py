"""Which panels a figure has, and in which rows, at the width of a column and of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spaxel.plot.amounts import MOST, check_abundances, draw_abundance
from spaxel.plot.curves import draw_profiles, draw_spectra
from spaxel.plot.legend import add_legend, entries
from spaxel.plot.maps import draw_labels, draw_picture
from spaxel.plot.places import celestial, place
from spaxel.plot.scene import Scene, small_values
from spaxel.plot.sheet import EDGE, MM, Panel, Row, arrange

PARTS = ("map", "spectra", "abundances", "overview")
BROAD = 130.0  # mm from which panels stand side by side
LARGEST = 4096  # pixels of a map in a figure
STRIP = 8.0  # mm, height of a list of spectra


def compose(scene: Scene, width: float, dpi: float, what: Sequence[str] = (), fig: Any = None) -> Any:
    """A matplotlib Figure, `width` mm wide, with what is wanted of a scene. fig : an empty one to be filled, or None

    Raises ParameterError where something is wanted that the result does not keep.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if fig is None:
        fig = Figure(figsize=(width / MM, 100 / MM))
        FigureCanvasAgg(fig)
    wanted = parts(scene, what)
    side = int(min(LARGEST, max(256, width / MM * dpi)))
    rows = _top(scene, fig, width, side, wanted)
    if "abundances" in wanted:
        rows += _abundances(scene, fig, width, side)
    if "spectra" in wanted and not _beside(scene, width, wanted):
        rows.append(Row([_spectra(scene, fig)]))
    arrange(fig, rows, width)
    return fig


def parts(scene: Scene, what: Sequence[str]) -> list[str]:
    """What is drawn, of picture, map, spectra, abundances."""
    held = ["map", *(["abundances"] if "abundances" in scene.result else [])]
    held += ["spectra"] if "component_spectra" in scene.result else []
    if not what:
        return held
    if "overview" in what:
        return [*(["picture"] if "picture" in scene.result and not scene.is_strip else []), *held]
    if "abundances" in what:
        check_abundances(scene)
    return list(what)


def _top(scene: Scene, fig: Any, width: float, side: int, wanted: Sequence[str]) -> list[Row]:
    """Picture and map, beside the spectra where there is room, and the legend."""
    lost, panels, together = False, [], width >= BROAD and not _flat(scene)
    side = side // 2 if together else side  # dots of a panel that has half of the width
    if "picture" in wanted:
        panels.append(_mapped(scene, fig))
        draw_picture(scene, panels[-1].axes, side)
        panels[-1].axes.set_title("false colour")
    if "map" in wanted:
        panels.append(_mapped(scene, fig))
        lost = draw_labels(scene, panels[-1].axes, side)
        if "picture" in wanted:
            panels[-1].axes.set_title("components")
    if _beside(scene, width, wanted):
        panels.append(_spectra(scene, fig))
    rows = [Row(panels, columns=2 if together else 0)] if together and panels else [Row([panel]) for panel in panels]
    return [*rows, Row([_legend(scene, fig, width, lost)])]


def _beside(scene: Scene, width: float, wanted: Sequence[str]) -> bool:
    """Whether the spectra stand beside the map, and not below it."""
    room = width >= BROAD and not _flat(scene)
    return room and "spectra" in wanted and "map" in wanted and "picture" not in wanted


def _flat(scene: Scene) -> bool:
    """Whether the map is much wider than high, or a list: such maps take the whole width."""
    return scene.is_strip or scene.shape[1] > 2.2 * scene.shape[0]


def _mapped(scene: Scene, fig: Any) -> Panel:
    """Empty axes for a map: on the sky where the file knows where it points."""
    if scene.is_strip:
        return Panel(fig.add_axes((0.1, 0.1, 0.8, 0.8)), None, STRIP)
    wcs = celestial(scene.result.attrs)
    axes = fig.add_axes((0.1, 0.1, 0.8, 0.8), projection=wcs) if wcs is not None else fig.add_axes((0.1, 0.1, 0.8, 0.8))
    where = place(scene, scene.shape)
    return Panel(axes, where.aspect * abs((where.y[1] - where.y[0]) / (where.x[1] - where.x[0])))


def _legend(scene: Scene, fig: Any, width: float, lost: bool) -> Panel:
    """The legend in as many columns as have room, on axes of its own."""
    axes = fig.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.set_axis_off()
    n, columns, room = len(entries(scene, lost=lost)[0]), 6, width - 2 * EDGE
    while True:
        columns = -(-n // -(-n // columns))  # as few as give the same number of lines
        drawn = add_legend(axes, scene, lost=lost, columns=columns, loc="upper left", columnspacing=1.2)
        box = drawn.get_window_extent()
        if columns == 1 or box.width / fig.dpi * MM <= room:
            break
        columns -= 1
    drawn.set_in_layout(False)  # its size is that of its axes
    return Panel(axes, None, max(box.height / fig.dpi * MM, 1.0))


def _spectra(scene: Scene, fig: Any) -> Panel:
    axes = fig.add_axes((0.1, 0.1, 0.8, 0.8))
    draw_spectra(scene, axes)
    return Panel(axes)


def _abundances(scene: Scene, fig: Any, width: float, side: int) -> list[Row]:
    """Maps of abundances, two in a column and four in a page; profiles of a list."""
    if scene.is_strip:
        axes = fig.add_axes((0.1, 0.1, 0.8, 0.8))
        draw_profiles(scene, axes)
        return [Row([Panel(axes)])]
    columns = max(1, round(width / 45))
    values = small_values(scene, "abundances", max(128, side // columns))
    panels = []
    for i in range(min(values.shape[2], MOST)):
        panels.append(_mapped(scene, fig))
        draw_abundance(scene, panels[-1].axes, np.ascontiguousarray(values[..., i]), i, max(128, side // columns))
        _bare(panels[-1].axes)
    return [Row(panels[i : i + columns], columns) for i in range(0, len(panels), columns)]


def _bare(ax: Any) -> None:
    """No numbers at a small map: those of the large one hold for it."""
    if hasattr(ax, "coords"):
        for axis in ax.coords:
            axis.set_ticks_visible(False)
            axis.set_ticklabel_visible(False)
            axis.set_axislabel("")
        return
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
