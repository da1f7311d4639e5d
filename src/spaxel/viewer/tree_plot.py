"""The tree of components to click on: a node selects the components that it holds, to merge them; a line, the one it is in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spaxel.results.cut import components_of, forest_of
from spaxel.viewer.dendrogram import dendrogram, members
from spaxel.viewer.look import FAINT, Looks
from spaxel.viewer.state import State


class TreePlot:
    """`plot` is the figure; pick is called with the components under a node that was clicked."""

    def __init__(self, state: State, looks: Looks, pick: Callable[[list[int]], Any]):
        from bokeh.models import ColumnDataSource, Range1d, Span, TapTool
        from bokeh.plotting import figure

        self._state, self._pick = state, pick
        self.plot = looks.style(figure(x_range=Range1d(-1, 1), y_range=Range1d(2, 0), tools=[], toolbar_location=None,
                                       sizing_mode="stretch_both", min_height=190, min_width=300, name="tree"))  # fmt: skip
        self.plot.xaxis.visible = False
        self.plot.yaxis.axis_label = "components"
        self.lines = ColumnDataSource({"xs": [], "ys": [], "color": []})
        self.nodes = ColumnDataSource({"x": [], "y": [], "node": []}, name="tree nodes")
        self.plot.multi_line("xs", "ys", line_color="color", line_width=2.5, source=self.lines)
        look = {"size": 9, "fill_color": "#FFFFFF", "line_color": "#777777", "line_width": 1.5}
        look |= {"selection_fill_color": "#777777", "nonselection_fill_alpha": 1, "nonselection_line_alpha": 1}
        drawn = self.plot.scatter("x", "y", source=self.nodes, **look)
        self.level = Span(location=1, dimension="width", line_color="#777777", line_dash="dashed", line_width=1.5)
        self.plot.add_layout(self.level)
        self.plot.add_tools(TapTool(renderers=[drawn]))
        self.nodes.selected.on_change("indices", self._clicked)
        state.on("theme", self.renew)

    def renew(self) -> None:
        """The tree of what the window shows, in the colours of its components."""
        result = self._state.result
        if result is None or "merge_tree" not in result:
            return
        now = components_of(result)
        found = dendrogram(forest_of(result), now.component, self._state.colors, now.level, FAINT[self._state.dark])
        self.lines.data = {"xs": found.xs, "ys": found.ys, "color": found.color}
        self.nodes.selected.indices = []
        self.nodes.data = {"x": found.x, "y": found.y, "node": found.node}
        self.plot.x_range.update(start=-1, end=found.lowest)
        self.plot.y_range.update(start=found.lowest + 0.7, end=0.6)
        self.level.location = now.level

    def _clicked(self, _attr: str, _old: Any, new: list[int]) -> None:
        result = self._state.result
        if new and result is not None:
            node = int(self.nodes.data["node"][new[0]])
            self._pick(members(forest_of(result), components_of(result).component, node))
