"""The map with its controls: layer, stretch, opacity of the labels; pan, zoom, click, draw, go to a place."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from bokeh.events import ButtonClick, MouseMove, MouseWheel, Pan, Reset, SelectionGeometry
from bokeh.models import (
    Button,
    Column,
    CustomJS,
    Row,
    Select,
    Slider,
    Spinner,
    TextInput,
)

from spaxel.errors import ParameterError, printable
from spaxel.results.convention import component_names
from spaxel.viewer.layer_controls import LayerControls
from spaxel.viewer.look import Looks, styled, words
from spaxel.viewer.map_axes import axes_control
from spaxel.viewer.map_view import MapView
from spaxel.viewer.region_tools import add_outline, add_tools
from spaxel.viewer.regions import pixel_region
from spaxel.viewer.state import State
from spaxel.viewer.stretches import STRETCHES
from spaxel.viewer.world import parse_place, place_text, world_of

HELP = (
    "Click a pixel, or draw a region with the box, lasso or polygon of the bar above the map. By keyboard: Tab to x and y, "
    "where arrows move the pixel; + and − zoom."
)


def map_pane(state: State, looks: Looks, document: Any) -> Any:
    """The map of what the window shows, with its controls."""
    view = MapView(state, looks, document)
    readout, error = (words(" ", sizing_mode="stretch_width", name=name) for name in ("readout", "error"))

    def show() -> None:
        view.base = layers.layer()
        view.refresh()

    layers = LayerControls(state, show)
    add_tools(view, state)
    _follow_pointer(view, state, readout)
    fit = _fitting(view)
    controls = _controls(view, state, show)
    place = _place_controls(view, state, error)
    add_outline(view, state)

    def renew() -> None:
        view.whole()
        layers.fill()
        show()

    state.on("scene", renew)
    view.plot.name = "map"
    show()
    top = Row(*layers.row.children, *controls, spacing=6, styles={"flex-wrap": "wrap"})
    below = Row(*place, axes_control(view, state), *fit, spacing=6, styles={"flex-wrap": "wrap"})
    hint = words(HELP, faint=True, sizing_mode="stretch_width")
    parts = (top, view.plot, readout, view.caption, below, error, hint)
    return Column(*parts, sizing_mode="stretch_both", min_width=340, spacing=2)


def _controls(view: MapView, state: State, show: Any) -> list[Any]:
    """Stretch of the colours, opacity of the labels, which component alone."""
    stretch = styled(
        Select(title="colours", options=list(STRETCHES.items()), value="linear", width=110, name="stretch")
    )
    opacity = styled(Slider(title="labels", start=0, end=1, step=0.05, value=view.opacity, width=130, name="opacity"))
    alone = styled(Select(title="component", width=140, name="alone"))

    def stretched(_attr: str, _old: Any, new: str) -> None:
        view.stretch = new
        show()

    def opaque(_attr: str, _old: Any, new: float) -> None:
        view.opacity, before = float(new), view.with_labels
        view.with_labels = view.opacity > 0
        view.repaint() if before == view.with_labels else view.refresh()

    def names() -> None:
        found = component_names(state.result) if state.result is not None else []
        alone.update(options=[("", "all"), *((str(i), printable(name)) for i, name in enumerate(found))])
        alone.value = "" if state.component is None else str(state.component)
        alone.visible = opacity.visible = state.result is not None

    stretch.on_change("value", stretched)
    opacity.on_change("value", opaque)
    alone.on_change("value", lambda _a, _o, new: state.single(int(new) if new else None))
    for event in ("scene", "result", "component"):
        state.on(event, names)
    names()
    return [stretch, opacity, alone]


def _script(name: str) -> str:
    return files("spaxel.viewer").joinpath(name).read_text("utf-8")


def _fitting(view: MapView) -> list[Any]:
    """Square pixels, and buttons that zoom: these are for the keyboard too."""
    args = {"plot": view.plot, "sheet": view.sheet}

    def script(how: str) -> CustomJS:
        return CustomJS(args=args, code=f"const how = '{how}';\n{_script('fit.js')}")

    for name in ("inner_width", "inner_height"):
        view.plot.js_on_change(name, script("resize"))
    view.sheet.js_on_change("data", script("resize"))
    view.plot.js_on_event(Reset, script("whole"))
    for event in (MouseWheel, Pan, SelectionGeometry):
        view.plot.js_on_event(event, CustomJS(args=args, code="plot.tags = ['zoomed'];"))
    buttons = []
    for label, how, _about in (
        ("+", "in", "zoom in"),
        ("−", "out", "zoom out"),
        ("whole image", "whole", "whole image"),
    ):
        button = styled(Button(label=label, width=36 if len(label) == 1 else 100, name=f"zoom {how}"))
        button.js_on_event(ButtonClick, script(how))
        buttons.append(button)
    return buttons


def _follow_pointer(view: MapView, state: State, readout: Any) -> None:
    """The line below the map says what lies under the pointer."""
    script = CustomJS(code=_script("hover.js"))

    def renew() -> None:
        world = world_of(view.scene.data.attrs, view.scene.shape)
        about: dict[str, Any] = {
            "components": [printable(n) for n in component_names(view.result)] if view.result is not None else []
        }
        about |= {"straight": list(world.straight) if world and world.straight else None}
        about |= {"names": list(world.names) if world else [], "unit": world.unit if world else ""}
        script.args = {
            "words": readout, "sheet": view.sheet, "about": about,
            "labels": view.drawn["labels"], "values": view.drawn["values"],
            "label_source": view.sources["labels"], "value_source": view.sources["values"],
        }  # fmt: skip

    for event in ("scene", "result"):
        state.on(event, renew)
    renew()
    view.plot.js_on_event(MouseMove, script)


def _place_controls(view: MapView, state: State, error: Any) -> list[Any]:
    """A pixel by its numbers, for the keyboard; a place by its coordinates in the world."""
    x = styled(Spinner(title="x", low=0, step=1, value=0, width=76, name="x"))
    y = styled(Spinner(title="y", low=0, step=1, value=0, width=76, name="y"))
    place = styled(TextInput(title="go to", width=170, name="place"))
    quiet = [False]

    def moved(_attr: str, _old: Any, _new: Any) -> None:
        rows, columns = view.scene.shape
        if not quiet[0] and x.value is not None and y.value is not None:
            state.select(pixel_region(min(int(y.value), rows - 1), min(int(x.value), columns - 1)))

    def follow() -> None:
        rows, columns = view.scene.shape
        world = world_of(view.scene.data.attrs, view.scene.shape)
        quiet[0] = True
        x.high, y.high = columns - 1, rows - 1
        place.title = f"go to ({', '.join(world.names)})" if world else "go to (x, y)"
        if state.region is not None and state.region.kind == "pixel":
            (left, top) = state.region.corners[0]
            x.value, y.value = int(left), int(top)
            error.text = printable(place_text(world, left + 0.5, top + 0.5)) if world else ""
        quiet[0] = False

    def go(_attr: str, _old: Any, new: str) -> None:
        if not new.strip():
            return
        world, (rows, columns) = world_of(view.scene.data.attrs, view.scene.shape), view.scene.shape
        try:
            px, py = parse_place(new, world, pixels=world is None)
        except ParameterError as problem:
            error.text = printable(str(problem))
            return
        if not (0 <= px < columns and 0 <= py < rows):
            error.text = "That place lies outside the image."
            return
        _center(view, px, py)
        state.select(pixel_region(int(py), int(px)))

    for widget in (x, y):
        widget.on_change("value", moved)
    place.on_change("value", go)
    for event in ("region", "scene"):
        state.on(event, follow)
    follow()
    return [x, y, place]


def _center(view: MapView, px: float, py: float) -> None:
    """Bring a place to the middle, where it is not on the screen already."""
    x, y = view.plot.x_range, view.plot.y_range
    if min(x.start, x.end) <= px <= max(x.start, x.end) and min(y.start, y.end) <= py <= max(y.start, y.end):
        return
    w, h = (x.end - x.start) / 2, (y.end - y.start) / 2
    x.update(start=px - w, end=px + w)
    y.update(start=py - h, end=py + h)
