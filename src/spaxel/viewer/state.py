"""What the panes of one window share: what is opened, which components, what is selected; and who hears of changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import xarray as xr

from spaxel.figures.palette import run_colors
from spaxel.viewer.regions import Region
from spaxel.viewer.scene import Scene

EVENTS = {  # what a pane may listen to, and what has changed
    "scene": "another of the opened runs or files is shown",
    "result": "other components: cut, merged, split, named, coloured",
    "region": "the pixels whose spectrum is shown (a pixel, or a drawn region); None: no pixel",
    "component": "the component that is singled out; None: all of them",
    "theme": "light or dark",
}


class State:
    """One window. Panes read its attributes, change them by its methods, and hear of changes by `on`.

    scenes   : what was opened, shared by all windows and never changed     at : which of them is shown
    editable : whether edits may be saved (--edit)                          dark : the theme      document : of Bokeh
    asked    : when somebody last asked for a spectrum: what reads beside gives way
    region   : the pixels whose spectrum is shown, or None                  component : the one singled out, or None
    """

    def __init__(self, scenes: Sequence[Scene], *, editable: bool = False, document: Any = None):
        self.scenes, self.editable, self.document = tuple(scenes), editable, document
        self.at, self.dark, self.asked = 0, False, 0.0
        self.region: Region | None = None
        self.component: int | None = None
        self._results = [scene.result for scene in self.scenes]
        self._runs = [scene.run for scene in self.scenes]
        self._colors: dict[int, list[str]] = {}
        self._listeners: dict[str, list[Callable[[], Any]]] = {event: [] for event in EVENTS}

    @property
    def scene(self) -> Scene:
        """What is shown."""
        return self.scenes[self.at]

    @property
    def result(self) -> xr.Dataset | None:
        """The result of the scene as it is after edits in this window; None for a file without a run."""
        return self._results[self.at]

    @property
    def run(self) -> dict[str, Any]:
        """run.json of the scene; {} for a file without a run."""
        return self._runs[self.at]

    def result_of(self, at: int) -> xr.Dataset | None:
        """The result of another scene, after edits in this window."""
        return self._results[at]

    @property
    def colors(self) -> list[str]:
        """'#RRGGBB' of each component of the result."""
        return self.colors_of(self.at)

    def colors_of(self, at: int) -> list[str]:
        """'#RRGGBB' of each component of another scene."""
        result = self._results[at]
        if result is None:
            return []
        if at not in self._colors:
            self._colors[at] = run_colors(result, self._runs[at])
        return self._colors[at]

    def on(self, event: str, call: Callable[[], Any]) -> None:
        """Call a function, without arguments, after each such event. event : one of EVENTS."""
        self._listeners[event].append(call)

    def emit(self, event: str) -> None:
        """Tell all that listen, in the order in which they began to."""
        for call in self._listeners[event]:
            call()

    def go(self, at: int) -> None:
        """Show another scene. A region stays where the image has the same size."""
        if at != self.at:
            before, self.at = self.scene, at
            if self.scene.shape != before.shape:
                self.region = None
            self.component = None
            for event in ("scene", "region"):
                self.emit(event)

    def show(self, result: xr.Dataset, **run: Any) -> None:
        """Show other components of this scene. run : entries that replace those of run.json in this window (colors=…)."""
        self._results[self.at] = result
        self._colors.pop(self.at, None)
        self._runs[self.at] = {**self._runs[self.at], **run}
        if self.component is not None and self.component >= result.sizes.get("component", 0):
            self.component = None
        self.emit("result")

    def select(self, region: Region | None) -> None:
        """Show the spectrum of a region."""
        self.asked, self.region = time.monotonic(), region
        self.emit("region")

    def single(self, component: int | None) -> None:
        """Single a component out, or none."""
        if component != self.component:
            self.component = component
            self.emit("component")

    def paint(self, *, dark: bool) -> None:
        """Light or dark."""
        if dark != self.dark:
            self.dark = dark
            self.emit("theme")
