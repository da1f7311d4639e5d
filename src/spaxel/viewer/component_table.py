"""The components as a table: sorted by a click, linked with map and spectra by what is selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spaxel.errors import printable
from spaxel.results.convention import component_names, given_names, is_background, shares
from spaxel.results.walk import walk
from spaxel.viewer.look import WIDGET
from spaxel.viewer.state import State

SWATCH = '<div style="width:16px;height:16px;margin-top:2px;background:<%= value %>"></div>'
TABLE = """
.slick-header-column, .slick-row, .slick-cell { background: var(--paper); color: var(--ink); }
.slick-cell.selected { background: var(--rule); color: var(--ink); font-weight: 600; }
.bk-data-table { background: var(--paper); }
"""


class ComponentTable:
    """A table whose selected rows are the components that are changed next; `changed` is called with them."""

    def __init__(self, state: State, changed: Callable[[list[int]], Any]):
        from bokeh.models import (
            CDSView,
            ColumnDataSource,
            DataTable,
            HTMLTemplateFormatter,
            NumberFormatter,
            StringFormatter,
            TableColumn,
        )

        self._state, self._changed, self._quiet = state, changed, False
        self.source = ColumnDataSource(rows_of(state), name="components")
        plain = StringFormatter()
        whole, part = NumberFormatter(format="0,0"), NumberFormatter(format="0.0 %", nan_format="–")
        columns = [
            TableColumn(
                field="color", title="", width=24, formatter=HTMLTemplateFormatter(template=SWATCH), sortable=False
            ),
            TableColumn(field="number", title="no.", width=34, formatter=whole),
            TableColumn(field="name", title="component", width=120, formatter=plain),
            TableColumn(field="size", title="pixels", width=64, formatter=whole),
            TableColumn(field="share", title="share", width=58, formatter=part),
            TableColumn(
                field="sure", title="confidence", width=72, formatter=NumberFormatter(format="0.00", nan_format="–")
            ),
        ]
        self.widget = DataTable(
            source=self.source, columns=columns, view=CDSView(), selectable=True, index_position=None, row_height=24,
            sizing_mode="stretch_width", height=186, stylesheets=[WIDGET, TABLE], name="component table",
        )  # fmt: skip
        self.source.selected.on_change("indices", self._picked)
        state.on("component", self._follow)
        kept_fresh(state, self.widget)

    @property
    def picked(self) -> list[int]:
        """The components that are selected, in order."""
        return sorted(int(i) for i in self.source.selected.indices)

    def pick(self, components: list[int]) -> None:
        """Select these components, and no others."""
        self._quiet = True
        self.source.selected.indices = sorted(components)
        self._quiet = False
        self._tell()

    def renew(self) -> None:
        """The components as they are now; nothing is selected, as numbers mean others now."""
        self._quiet = True
        self.source.selected.indices = []
        self.source.data = rows_of(self._state)
        self._quiet = False
        self._changed([])
        self._state.single(None)

    def _picked(self, _attr: str, _old: Any, _new: Any) -> None:
        if not self._quiet:
            self._tell()

    def _tell(self) -> None:
        picked = self.picked
        self._changed(picked)
        self._state.single(picked[0] if len(picked) == 1 else None)

    def _follow(self) -> None:
        one = self._state.component
        if one is not None and self.picked != [one]:
            self.pick([one])


def rows_of(state: State) -> dict[str, Any]:
    """The columns of the table for what the window shows."""
    result = state.result
    if result is None or "component" not in result.sizes:
        return {name: [] for name in ("number", "color", "name", "size", "share", "sure")}
    names, grey = given_names(result), is_background(result)
    called = [name or f"component {i}" for i, name in enumerate(names)] if any(names) else component_names(result)
    called = [f"{name} (background)" if b else name for name, b in zip(called, grey, strict=True)]
    return {
        "number": list(range(len(called))),
        "color": list(state.colors),
        "name": [printable(name) for name in called],
        "size": [int(n) for n in np.asarray(result["component_size"])],
        "share": [float(share) for share in shares(result)],
        "sure": _sure(state, len(called)),
    }


def _sure(state: State, k: int) -> list[float]:
    """Mean confidence of each component, rectangle by rectangle."""
    result = state.result
    if result is None or "confidence" not in result:
        return [float("nan")] * k
    n, total = np.zeros(k, np.int64), np.zeros(k)
    for _, _, (labels, sure) in walk(result["labels"], result["confidence"]):
        known = (labels >= 0) & np.isfinite(sure)
        n += np.bincount(labels[known], minlength=k)
        total += np.bincount(labels[known], weights=sure[known], minlength=k)
    return [float(t / c) if c else float("nan") for t, c in zip(total, n, strict=True)]


def kept_fresh(state: State, table: Any) -> None:
    """Draw a table anew when its data change, and when a tab comes to the front: by itself it shows old rows in both cases."""
    from bokeh.models import CustomJS

    script = CustomJS(args={"table": table}, code="setTimeout(() => Bokeh.index.find_one(table)?.updateGrid?.(), 0)")
    table.source.js_on_change("data", script)
    if state.document is None:
        return

    def listen() -> None:
        tabs = state.document.get_model_by_name("panes")
        if tabs is not None:
            tabs.js_on_change("active", script)

    state.document.add_next_tick_callback(listen)
