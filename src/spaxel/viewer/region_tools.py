"""Tools over the map: pan, zoom, save; click a pixel, draw a box, a lasso, a polygon; the outline of what is selected."""

from __future__ import annotations

from typing import Any

from bokeh.events import SelectionGeometry, Tap
from bokeh.models import (
    BoxSelectTool,
    BoxZoomTool,
    ColumnDataSource,
    LassoSelectTool,
    PanTool,
    PolySelectTool,
    ResetTool,
    SaveTool,
    TapTool,
    WheelZoomTool,
)

from spaxel.errors import ParameterError
from spaxel.viewer.map_view import MapView
from spaxel.viewer.regions import Region, box_region, pixel_region, polygon_region
from spaxel.viewer.state import State


def add_tools(view: MapView, state: State) -> None:
    """Pan, zoom, save, and what draws a region."""
    nothing = view.plot.scatter([], [], size=1)  # what the tools for regions select: nothing, their outline is all
    box, lasso, polygon = (
        BoxSelectTool(renderers=[nothing]),
        LassoSelectTool(renderers=[nothing]),
        PolySelectTool(renderers=[nothing]),
    )
    lasso.continuous = False
    wheel, pan = WheelZoomTool(), PanTool()
    view.plot.add_tools(
        pan,
        wheel,
        BoxZoomTool(match_aspect=True),
        box,
        lasso,
        polygon,
        TapTool(renderers=[nothing]),
        ResetTool(),
        SaveTool(),
    )
    view.plot.toolbar.update(active_scroll=wheel, active_drag=pan)

    def tapped(event: Tap) -> None:
        rows, columns = view.scene.shape
        if event.x is not None and event.y is not None and 0 <= event.x < columns and 0 <= event.y < rows:
            state.select(pixel_region(int(event.y), int(event.x)))

    def drawn(event: SelectionGeometry) -> None:
        if event.final and (region := region_of(event.geometry)) is not None:
            state.select(region)

    view.plot.on_event(Tap, tapped)
    view.plot.on_event(SelectionGeometry, drawn)


def region_of(geometry: dict[str, Any]) -> Region | None:
    """The region that a tool has drawn; None for a point or what is no area."""
    try:
        if geometry.get("type") == "rect":
            return box_region(geometry["x0"], geometry["y0"], geometry["x1"], geometry["y1"])
        if geometry.get("type") == "poly":
            return polygon_region(_listed(geometry["x"]), _listed(geometry["y"]))
    except (ParameterError, KeyError, TypeError, ValueError):
        return None
    return None


def _listed(values: Any) -> list[float]:
    """Numbers as the browser sends them: a list, or a mapping from places."""
    return [float(v) for v in (values.values() if isinstance(values, dict) else values)]


def add_outline(view: MapView, state: State) -> None:
    """The region on the map, dark on white so that it is seen on every colour."""
    source = ColumnDataSource({"x": [], "y": []})
    for color, width in (("white", 4), ("black", 1.6)):
        view.plot.patch("x", "y", source=source, fill_alpha=0, line_color=color, line_width=width)

    def renew() -> None:
        corners = state.region.corners if state.region is not None else ()
        source.data = {"x": [x for x, _ in corners], "y": [y for _, y in corners]}

    state.on("region", renew)
