"""Another run of the same image beside the map: linked zoom, matched colours, where they differ, a cross table."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from spaxel.errors import CubeError, printable
from spaxel.figures.compared import AGREE
from spaxel.figures.palette import matched_colors
from spaxel.metrics.agreement import Agreement, agreement, agreement_sentence, differs
from spaxel.results.convention import component_names
from spaxel.viewer.component_table import TABLE, kept_fresh
from spaxel.viewer.look import WIDGET, Looks, styled, words
from spaxel.viewer.scene import Scene, series_home, titles_of
from spaxel.viewer.state import State

MOST = 2_000_000  # pixels that are compared; of a larger image every n-th row and column


def compare_pane(state: State, looks: Looks) -> Any:
    """The pane, or None where no two of the opened results are as large as each other."""
    found = [scene for scene in state.scenes if scene.result is not None]
    pairs = [(a, b) for i, a in enumerate(found) for b in found[:i] if comparable(a, b)]
    return ComparePane(state, looks).layout if pairs else None


def comparable(a: Scene, b: Scene) -> bool:
    """Whether two scenes may be of one image: as large as each other, and not two cubes of one run."""
    return a.shape == b.shape and (series_home(a) is None or series_home(a) != series_home(b))


class ComparePane:
    """The choice of the other run, its map, and what both have in common. `found` holds the numbers."""

    def __init__(self, state: State, looks: Looks):
        from bokeh.models import CDSView, Column, ColumnDataSource, DataTable, LinearColorMapper, Row, Select, Toggle

        self.state, self.looks = state, looks
        self.view: Any = None
        self.found: Agreement | None = None
        self.other = styled(Select(title="beside the map", width=220, name="other run"))
        self.other.on_change("value", lambda _a, _o, _n: self.renew())
        self.only = styled(Toggle(label="where they differ", width=130, align="end", name="where they differ"))
        self.only.on_change("active", lambda _a, _o, _n: self._veil())
        self.sentence = words(" ", sizing_mode="stretch_width", name="agreement")
        self.cross = ColumnDataSource({}, name="cross table")
        look = {"height": 200, "row_height": 24, "stylesheets": [WIDGET, TABLE], "selectable": False, "sortable": False}
        look |= {"index_position": None, "sizing_mode": "stretch_width"}
        self.table = DataTable(source=self.cross, columns=[], view=CDSView(), **look)
        self.same = ColumnDataSource(
            {"image": [np.zeros((1, 1), np.uint8)], "x": [0], "y": [0], "dw": [1], "dh": [1]}, name="same"
        )
        self.grey = LinearColorMapper(palette=["rgba(0, 0, 0, 0)", AGREE], low=-0.5, high=1.5)
        self.maps = Column(words(" "), sizing_mode="stretch_both", min_height=300)
        top = Row(self.other, self.only, spacing=6)
        self.layout = Column(top, self.sentence, self.maps, self.table, sizing_mode="stretch_both", spacing=4)
        for event in ("scene", "result"):
            state.on(event, self.fill)
        self.fill()
        kept_fresh(state, self.table)
        if state.document is not None:
            state.document.add_next_tick_callback(self.renew)

    def choices(self) -> list[int]:
        """The other scenes that can be compared with the one that is shown."""
        shown = self.state.scene
        if self.state.result is None:
            return []
        return [
            i for i, scene in enumerate(self.state.scenes)
            if i != self.state.at and comparable(scene, shown) and self.state.result_of(i) is not None
        ]  # fmt: skip

    def fill(self) -> None:
        """The choices for what is shown now."""
        called = titles_of(self.state.scenes)
        options = [(str(i), printable(called[i])) for i in self.choices()]
        self.other.options = options
        if self.other.value in [value for value, _ in options]:
            self.renew()
        else:
            self.other.value = options[0][0] if options else ""

    def renew(self) -> None:
        """Map, sentence and table for the two runs."""
        at = int(self.other.value) if self.other.value else None
        one, other = self.state.result, None if at is None else self.state.result_of(at)
        self.found = None
        if one is None or other is None or at is None:
            self.sentence.text, self.cross.data, self.maps.children = (
                "There is no other run of this image.",
                {},
                [words(" ")],
            )
            return
        step = max(1, int(np.ceil(np.sqrt(one["labels"].size / MOST))))
        a, b = (np.asarray(result["labels"][::step, ::step]) for result in (one, other))
        names = component_names(one), component_names(other)
        try:
            self.found = agreement(a, b, (len(names[0]), len(names[1])))
        except CubeError as error:
            self.sentence.text = printable(str(error))
            return
        called = titles_of(self.state.scenes)
        titles = called[self.state.at], called[at]
        self.sentence.text = printable(agreement_sentence(self.found, names, titles))
        self._cross(names, titles)
        same = np.where((a >= 0) & (b >= 0) & ~differs(a, b, self.found), 1, 0).astype(np.uint8)
        rows, columns = same.shape
        self.same.data = {"image": [same], "x": [0], "y": [0], "dw": [columns * step], "dh": [rows * step]}
        self._map(at)

    def _map(self, at: int) -> None:
        if self.state.document is None or self.found is None:
            return
        main = self.state.document.get_model_by_name("map")
        if main is None:
            return
        from bokeh.models import CustomJS

        from spaxel.viewer.map_view import MapView

        if self.view is None or self.view.scene is not self.state.scenes[at]:
            self.view = MapView(self.state, self.looks, self.state.document, at=at)
            self.view.plot.name, self.view.opacity = "other map", 1.0
            self.veil = self.view.plot.image(
                image="image", x="x", y="y", dw="dw", dh="dh", source=self.same, color_mapper=self.grey
            )
            _add_tools(self.view.plot)
            script = files("spaxel.viewer").joinpath("link.js").read_text("utf-8")
            pairs = ((main, self.view.plot), (self.view.plot, main))
            for leads, follows in pairs:
                link = CustomJS(args={"leads": leads, "follows": follows}, code=script)
                for axis in (leads.x_range, leads.y_range):
                    axis.js_on_change("start", link)
                    axis.js_on_change("end", link)
            first = CustomJS(args={"leads": main, "follows": self.view.plot}, code=script)
            for name in ("inner_width", "inner_height"):
                self.view.plot.js_on_change(name, first)
            self.maps.children = [self.view.plot]
        k = len(self.found.table[0])
        self.view.given = matched_colors(self.state.colors, self.found.matching, k)
        self._veil()
        self.view.refresh()

    def _veil(self) -> None:
        if self.view is not None:
            self.veil.visible = bool(self.only.active)

    def _cross(self, names: tuple[list[str], list[str]], titles: tuple[str, str]) -> None:
        """Per cent of the pixels with each pair of labels; the columns stand in the order of their partners."""
        from bokeh.models import NumberFormatter, StringFormatter, TableColumn

        if self.found is None:
            return
        part = self.found.table / self.found.n_pixels
        order = [j for _, j in sorted(self.found.matching)]
        order += [j for j in range(part.shape[1]) if j not in order]
        columns = {"name": [printable(name) for name in names[0]]}
        columns |= {f"c{j}": part[:, j].tolist() for j in order}
        shown = [
            TableColumn(
                field="name", title=_title(f"{titles[0]} ↓ {titles[1]} →"), width=170, formatter=StringFormatter()
            )
        ]
        shown += [
            TableColumn(field=f"c{j}", title=_title(names[1][j]), width=86, formatter=NumberFormatter(format="0.0 %"))
            for j in order
        ]
        self.cross.data = columns
        self.table.columns = shown


def _title(text: str) -> str:
    """The title of a column, which the table obeys as markup: escaped, so that it is shown."""
    return escape(printable(text))


def _add_tools(plot: Any) -> None:
    from bokeh.models import BoxZoomTool, PanTool, ResetTool, SaveTool, WheelZoomTool

    wheel, pan = WheelZoomTool(), PanTool()
    plot.add_tools(pan, wheel, BoxZoomTool(match_aspect=True), ResetTool(), SaveTool(filename="other run"))
    plot.toolbar.update(active_scroll=wheel, active_drag=pan)
