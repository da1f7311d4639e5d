"""A series: a slider over the cubes of one run, and the share of each component against time, with standard errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.errors import printable
from spaxel.figures.series import series_figures
from spaxel.results.convention import component_names, is_background
from spaxel.results.series import Point, Times, block_counts, ratio_errors, times_of
from spaxel.viewer.look import Looks, styled, words
from spaxel.viewer.scene import Scene, series_home
from spaxel.viewer.state import State

SAID = "Bars are standard errors, from blocks of pixels: how far a share would differ if other such places were imaged."


def series_of(state: State) -> list[int]:
    """The opened scenes that are cubes of the same run as the one that is shown, itself among them; [] if it is alone."""
    home = series_home(state.scene)
    found = [i for i, scene in enumerate(state.scenes) if home is not None and series_home(scene) == home]
    return found if len(found) > 1 else []


def series_pane(state: State, looks: Looks) -> Any:
    """The pane, or None where no run of several cubes is opened."""
    homes = [home for home in map(series_home, state.scenes) if home is not None]
    return SeriesPane(state, looks).layout if len(set(homes)) < len(homes) else None


class SeriesPane:
    """Slider and plot. Shares follow what is changed by hand in this window: blocks of the finest parts are counted once."""

    def __init__(self, state: State, looks: Looks):
        from bokeh.models import Column, Slider

        self.state, self.looks, self.quiet = state, looks, False
        self.slider = styled(Slider(title="cube", start=0, end=1, step=1, value=0, sizing_mode="stretch_width", name="cube",
                                    show_value=False))  # fmt: skip
        self.slider.on_change("value_throttled", lambda _a, _o, new: self._go(int(new)))
        self.plots = Column(words(" "), sizing_mode="stretch_width")
        self.layout = Column(self.slider, self.plots, words(SAID, faint=True, sizing_mode="stretch_width"),
                             sizing_mode="stretch_both", spacing=6)  # fmt: skip
        state.on("scene", self._follow)
        state.on("result", self.renew)
        self._follow()
        self.renew()

    def order(self) -> list[int]:
        """The scenes of the series, by group and time."""
        members = series_of(self.state)
        times = times_of([self.state.scenes[i].name for i in members])
        return [i for _, _, i in sorted(zip(times.group, times.time, members, strict=True))]

    def points(self) -> tuple[list[Point], Times]:
        """The shares of all cubes with the components that are shown now."""
        result, members = self.state.result, series_of(self.state)
        times = times_of([self.state.scenes[i].name for i in members])
        if result is None or not members:
            return [], times
        into, grey, k = np.asarray(result["micro_component"]), is_background(result), len(component_names(result))
        made = []
        for i, time, group in zip(members, times.time, times.group, strict=True):
            counts = np.zeros((len(part := _counted(self.state.scenes[i], len(into))), k))
            for c in range(k):
                counts[:, c] = part[:, into == c].sum(1)
            whole = np.where(grey, 0, counts.sum(0))
            share = np.where(grey, np.nan, whole / max(whole.sum(), 1))
            unknown = np.full(k, np.nan)  # of components that are put together in this window
            made.append(Point(self.state.scenes[i].name, group, time, share, ratio_errors(counts, grey), unknown))
        return made, times

    def renew(self) -> None:
        """The plot for the components as they are now."""
        if self.state.result is None or "micro_component" not in self.state.result:
            self.plots.children = [
                words("This result keeps no parts, so that shares are in shares.csv of the run only.")
            ]
            return
        points, times = self.points()
        if not points:
            self.plots.children = [words("What is shown is no cube of a series.")]
            return
        figures = series_figures(points, times, component_names(self.state.result), self.state.colors)
        for plot in figures:
            plot.sizing_mode = "stretch_width"
            self.looks.style(plot)
        self.plots.children = figures

    def _go(self, place: int) -> None:
        order = self.order()
        if not self.quiet and place < len(order):
            self.state.go(order[place])

    def _follow(self) -> None:
        """The slider where the cube is that is shown."""
        order = self.order()
        self.slider.visible = len(order) > 1
        if len(order) > 1:
            self.quiet = True
            self.slider.update(end=len(order) - 1, value=order.index(self.state.at))
            self.slider.title = printable(f"cube: {self.state.scene.name}")
            self.quiet = False
        if hasattr(self, "layout"):
            self.renew()


def _counted(scene: Scene, m: int) -> np.ndarray:
    """Pixels of each finest part in each block of a cube, counted once for all windows. (block, m)"""
    if "block counts" not in scene.kept and scene.result is not None:
        scene.kept["block counts"] = block_counts(scene.result["micro_labels"], m)
    return scene.kept["block counts"]
