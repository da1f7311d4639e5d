"""Scores of a sample of pixels, two at a time, in the colours of their components; a lasso shows where they lie."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from spaxel.errors import printable
from spaxel.figures.palette import BACKGROUND
from spaxel.results.convention import component_names
from spaxel.viewer.look import ACCENT, Looks, styled, words
from spaxel.viewer.regions import pixels
from spaxel.viewer.scores import Scores, can_score, labels_at, scores
from spaxel.viewer.state import State

HINT = "Draw a lasso: where these pixels lie is marked on the map. A region drawn on the map is marked here."


def scatter_pane(state: State, looks: Looks) -> Any:
    """The pane, or None where no scene has spectra or latents."""
    return ScatterPane(state, looks).layout if any(map(can_score, state.scenes)) else None


class ScatterPane:
    """The plot with its two axes. Nothing is read before the button is pressed."""

    def __init__(self, state: State, looks: Looks):
        from bokeh.models import Button, Column, ColumnDataSource, LassoSelectTool, Range1d, Row, Select
        from bokeh.plotting import figure

        self.state, self.looks, self.quiet = state, looks, False
        self.found: Scores | None = None
        self.points = ColumnDataSource(
            {name: [] for name in ("x", "y", "color", "name", "row", "column")}, name="scores"
        )
        self.marked = ColumnDataSource({"x": [], "y": []}, name="marked pixels")
        self.draw = styled(Button(label="draw", width=80, align="end", name="draw scores"))
        self.draw.on_click(self.compute)
        self.axes = [styled(Select(title=title, width=220, name=f"score {title}")) for title in ("across", "up")]
        for axis in self.axes:
            axis.on_change("value", lambda _a, _o, _n: self.renew())
        lasso = LassoSelectTool(continuous=False)
        size = {"sizing_mode": "stretch_both", "min_height": 300, "min_width": 300, "toolbar_location": "above"}
        size |= {"x_range": Range1d(-1, 1), "y_range": Range1d(-1, 1), "active_scroll": "wheel_zoom"}
        self.plot = looks.style(figure(tools="pan,wheel_zoom,reset,save", name="score plot", **size))
        self.plot.add_tools(lasso)
        self.plot.toolbar.active_drag = lasso
        look = {
            "size": 5,
            "fill_color": "color",
            "line_color": None,
            "fill_alpha": 0.7,
            "nonselection_fill_alpha": 0.12,
        }
        self.plot.scatter("x", "y", source=self.points, **look, selection_line_color="black", selection_fill_alpha=1)
        self.points.selected.on_change("indices", self._lassoed)
        self.words = words(HINT, faint=True, sizing_mode="stretch_width", name="score words")
        self.layout = Column(Row(*self.axes, self.draw, spacing=6, styles={"flex-wrap": "wrap"}), self.words, self.plot,
                             sizing_mode="stretch_both", spacing=4)  # fmt: skip
        state.on("scene", self._other)
        state.on("result", self.recolor)
        state.on("region", self._region)
        self._other()

    def compute(self) -> None:
        """Read the sample of what is shown, and draw it."""
        self.found = scores(self.state.scene)
        options = [(str(i), printable(name)) for i, name in enumerate(self.found.names)]
        self.quiet = True
        for place, axis in enumerate(self.axes):
            axis.options, axis.value = options, str(min(place, len(options) - 1))
        self.quiet = False
        self._mark_on_map()
        self.renew()

    def renew(self) -> None:
        """The points on the axes that are chosen."""
        if self.quiet or self.found is None:
            return
        across, up = (int(axis.value or 0) for axis in self.axes)
        self.plot.xaxis.axis_label, self.plot.yaxis.axis_label = (printable(self.found.names[i]) for i in (across, up))
        for axis, i in ((self.plot.x_range, across), (self.plot.y_range, up)):
            low, high = ends_of(self.found.values[:, i])
            axis.update(start=low, end=high, reset_start=low, reset_end=high)
        color, name = self._colored(self.found)
        self.points.data = {
            "x": self.found.values[:, across], "y": self.found.values[:, up], "color": color, "name": name,
            "row": self.found.at[:, 0], "column": self.found.at[:, 1],
        }  # fmt: skip
        if not len(self.found.at):
            self.words.text = "No pixel of the sample holds data."

    def recolor(self) -> None:
        """The components as they are now."""
        if self.found is not None:
            color, name = self._colored(self.found)
            self.points.data = {**self.points.data, "color": color, "name": name}

    def _colored(self, found: Scores) -> tuple[list[str], list[str]]:
        labels = labels_at(self.state.result, found.at, self.state.scene.kept)
        names = [] if self.state.result is None else [printable(name) for name in component_names(self.state.result)]
        shown, called = [*self.state.colors, BACKGROUND], [*names, "no component"]
        return [shown[k] for k in labels], [called[k] for k in labels]

    def _other(self) -> None:
        """Another scene: nothing is drawn until it is asked for, unless it has been before."""
        self.found = None
        self.points.data = {name: [] for name in self.points.data}
        self.marked.data = {"x": [], "y": []}
        self.draw.disabled = not can_score(self.state.scene)
        self.words.text = HINT if not self.draw.disabled else "There are no spectra here to compute scores from."
        if "scores" in self.state.scene.kept:
            self.compute()

    def _lassoed(self, _attr: str, _old: Any, new: list[int]) -> None:
        if self.found is None or self.quiet:
            return
        at = self.found.at[np.asarray(new, int)] if new else np.zeros((0, 2), int)
        self.marked.data = {"x": at[:, 1] + 0.5, "y": at[:, 0] + 0.5}
        counts = Counter(self.points.data["name"][i] for i in new).most_common(4)
        shares = ", ".join(f"{name} {n / len(new):.0%}" for name, n in counts)
        self.words.text = printable(f"{len(new):,} of {len(self.found.at):,} pixels: {shares}.") if new else HINT

    def _region(self) -> None:
        """Mark the points that lie in the region of the map."""
        region = self.state.region
        if self.found is None or region is None or region.kind == "pixel":
            return
        columns = self.state.scene.shape[1]
        inside = pixels(region, self.state.scene.shape)
        held = np.isin(self.found.at @ (columns, 1), inside @ (columns, 1))
        self.quiet = True
        self.points.selected.indices = np.flatnonzero(held).tolist()
        self.quiet = False

    def _mark_on_map(self) -> None:
        """The glyph on the map for what a lasso holds, once."""
        main = None if self.state.document is None else self.state.document.get_model_by_name("map")
        if main is not None and not any(getattr(r, "name", None) == "lassoed" for r in main.renderers):
            color = ACCENT[self.state.dark]
            main.scatter("x", "y", source=self.marked, size=5, fill_color=color, line_color="#FFFFFF", name="lassoed")


def ends_of(values: np.ndarray) -> tuple[float, float]:
    """The ends of an axis, so that a few pixels far away do not press all others together: they are found by zooming out."""
    if not len(values):
        return -1.0, 1.0
    low, high = np.percentile(values, (0.5, 99.5))
    room = 0.15 * (high - low) or 1.0
    return float(low - room), float(high + room)
