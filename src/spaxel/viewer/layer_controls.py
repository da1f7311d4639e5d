"""Which layer the map shows: a menu, and what the chosen one needs: channels, a line, a component."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.models import Row, Select, Spinner

from spaxel.errors import printable
from spaxel.results.convention import component_names
from spaxel.viewer.layers import (
    CHOICES,
    Layer,
    channel_layer,
    choices,
    half_width,
    line_layer,
    picture_layer,
    ratio_layer,
    result_layer,
)
from spaxel.viewer.look import styled
from spaxel.viewer.sampled import recipe
from spaxel.viewer.state import State


class LayerControls:
    """`layer()` is what is chosen; `changed` is called when that changes. `row` holds the widgets."""

    def __init__(self, state: State, changed: Callable[[], Any]):
        self._state, self._changed, self._quiet = state, changed, False
        self.what = styled(Select(title="map", width=190, name="layer"))
        self.first = styled(Spinner(title="at", width=110, name="channel"))
        self.second = styled(Spinner(title="over", width=110, name="second"))
        self.half = styled(Spinner(title="± ", width=90, name="half"))
        self.component = styled(Select(title="component", width=160, name="abundance"))
        self.row = Row(
            self.what, self.first, self.second, self.half, self.component, spacing=6, styles={"flex-wrap": "wrap"}
        )
        for widget in (self.what, self.first, self.second, self.half, self.component):
            widget.on_change("value", self._heard)
        self.fill()

    def fill(self) -> None:
        """The choices of the scene that is shown, with the first of them chosen."""
        self._quiet = True
        scene, result = self._state.scene, self._state.result
        found = choices(scene, result)
        axis = np.asarray(scene.data["channel"], float) if "channel" in scene.data.coords else np.arange(2.0)
        step = float(np.median(np.diff(axis))) if len(axis) > 1 else 1.0
        middle = {"low": float(axis[0]), "high": float(axis[-1]), "step": step}
        self.first.update(value=float(axis[len(axis) // 2]), **middle)
        self.second.update(value=float(axis[len(axis) // 3]), **middle)
        if scene.cube is not None:
            self.half.update(value=half_width(scene), step=step / 2, low=step / 2)
        names = component_names(result) if result is not None else []
        self.component.update(
            options=[(str(i), printable(name)) for i, name in enumerate(names)], value="0" if names else ""
        )
        self.what.update(options=[(key, CHOICES[key]) for key in found], value=found[0])
        self._quiet = False
        self._arrange()

    def _heard(self, _attr: str, _old: Any, _new: Any) -> None:
        if not self._quiet:
            self._arrange()
            self._changed()

    def _arrange(self) -> None:
        """Only what the chosen layer needs is seen."""
        what = self.what.value
        unit = (
            str(self._state.scene.data["channel"].attrs.get("units", "index"))
            if "channel" in self._state.scene.data.coords
            else ""
        )
        unit = "channel" if unit == "index" else unit
        self.first.update(visible=what in ("channel", "ratio", "line"), title=f"at ({unit})")
        self.second.update(visible=what == "ratio", title=f"over ({unit})")
        self.half.update(visible=what == "line", title=f"± ({unit})")
        self.component.visible = what == "abundance"

    def layer(self) -> Layer | None:
        """The layer that is chosen; None for no layer below the labels."""
        scene, result, what = self._state.scene, self._state.result, self.what.value
        if what == "picture":
            kept = picture_layer(scene, result, None)
            return kept or picture_layer(scene, result, recipe(scene))
        if what == "channel":
            return channel_layer(scene, self._place(self.first.value))
        if what == "ratio":
            return ratio_layer(scene, self._place(self.first.value), self._place(self.second.value))
        if what == "line":
            return line_layer(scene, float(self.first.value or 0), max(float(self.half.value or 0), 1e-12))
        if what == "none" or result is None:
            return None
        i = int(self.component.value or 0)
        return result_layer(result, what, i, component_names(result)[i] if what == "abundance" else "")

    def _place(self, value: float | None) -> int:
        axis = np.asarray(self._state.scene.data["channel"], float)
        return int(np.abs(axis - (axis[0] if value is None else float(value))).argmin())
