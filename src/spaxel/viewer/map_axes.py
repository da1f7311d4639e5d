"""The axes of a map: in pixels, or in coordinates of the world where these run along the image."""

from __future__ import annotations

from typing import Any

from bokeh.models import BasicTicker, BasicTickFormatter, CustomJSTicker, CustomJSTickFormatter, PlainText, Select

from spaxel.viewer.look import styled
from spaxel.viewer.map_view import MapView
from spaxel.viewer.state import State
from spaxel.viewer.world import World, world_of

CHOICES = [("pixels", "pixels"), ("world", "world")]
_TICKS = """
const world = p => begin + step * p;
const [low, high] = [world(cb_data.range.start), world(cb_data.range.end)].sort((a, b) => a - b);
const rough = (high - low) / 5, power = Math.pow(10, Math.floor(Math.log10(rough)));
const nice = [1, 2, 5, 10].map(k => k * power).find(k => k >= rough);
const ticks = [];
for (let k = Math.ceil(low / nice); k * nice <= high && ticks.length < 20; k++) ticks.push((k * nice - begin) / step);
return ticks;
"""
_LABEL = "return String(Number((begin + step * tick).toPrecision(9)));"


def axes_control(view: MapView, state: State) -> Any:
    """A menu that is seen where the world runs along the image: what the numbers beside the map are."""
    choice = styled(Select(title="axes", options=CHOICES, value="pixels", width=84, name="axes"))

    def renew() -> None:
        world = world_of(view.scene.data.attrs, view.scene.shape)
        choice.visible = world is not None and world.straight is not None
        label_axes(view.plot, world if choice.value == "world" else None)

    choice.on_change("value", lambda _a, _o, _n: renew())
    state.on("scene", renew)
    renew()
    return choice


def label_axes(plot: Any, world: World | None) -> None:
    """Ticks at round numbers of the world; None, or a world that is turned: of pixels."""
    straight = None if world is None else world.straight
    for k, axis in enumerate((plot.xaxis[0], plot.yaxis[0])):
        if world is None or straight is None:
            axis.update(ticker=BasicTicker(), formatter=BasicTickFormatter(), axis_label=None)
            continue
        args = {"begin": straight[2 * k], "step": straight[2 * k + 1]}
        label = PlainText(text=f"{world.names[k]} ({world.unit})")
        axis.update(
            ticker=CustomJSTicker(args=args, major_code=_TICKS), formatter=CustomJSTickFormatter(args=args, code=_LABEL)
        )
        axis.axis_label = label
