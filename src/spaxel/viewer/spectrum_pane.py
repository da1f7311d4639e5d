"""The spectrum of what is selected, beside the means of the components; what its peaks may be; region and spectrum as files."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    Button,
    Column,
    ColumnDataSource,
    DataRange1d,
    HoverTool,
    Legend,
    LegendItem,
    PlainText,
    RadioButtonGroup,
    Range1d,
    Row,
)
from bokeh.plotting import figure

from spaxel.cube import axis_label
from spaxel.errors import printable
from spaxel.figures.reduce import reduce_spectra
from spaxel.results.convention import component_names, spectra_names
from spaxel.viewer.candidates import candidate_words
from spaxel.viewer.downloads import Downloads
from spaxel.viewer.look import INK, Looks, styled, words
from spaxel.viewer.regions import Region
from spaxel.viewer.regions import words as region_words
from spaxel.viewer.sampled import sample
from spaxel.viewer.scene import Scene
from spaxel.viewer.spectra import RegionSpectrum, region_labels, region_spectrum
from spaxel.viewer.state import State

POINTS = 2000  # of a spectrum that are drawn
MOST = 40  # components that are drawn
NAMED = 12  # components up to which a legend leaves room for the lines
LEGEND = {
    "border_line_color": None, "label_text_font": "sans-serif", "label_text_font_size": "11px", "spacing": -2, "padding": 2,
    "glyph_height": 14, "margin": 2,
}  # fmt: skip


def spectrum_pane(state: State, looks: Looks) -> Any:
    """Two figures of the same lines, linear and logarithmic, of which one is seen; words; buttons that save."""
    pane = SpectrumPane(state, looks)
    return pane.layout


class SpectrumPane:
    """Keeps the spectrum of the region that is selected (`found`), which the downloads write."""

    def __init__(self, state: State, looks: Looks):
        self._state = state
        self.found: RegionSpectrum | None = None
        self._ours: list[Any] = []
        x = Range1d(0, 1)
        self.selected = ColumnDataSource({"x": [], "mean": [], "low": [], "high": []}, name="selected spectrum")
        self.means = ColumnDataSource(
            {"xs": [], "ys": [], "color": [], "name": [], "alpha": []}, name="component spectra"
        )
        self.plots = [looks.style(self._figure(scale, x)) for scale in ("linear", "log")]
        self.plots[1].visible = False
        self.about = words(sizing_mode="stretch_width", name="spectrum words", styles={"white-space": "pre-line"})
        self.candidates = words(sizing_mode="stretch_width", name="candidates", styles={"white-space": "pre-line"})
        scale = styled(RadioButtonGroup(labels=["linear", "log"], active=0, name="scale"))
        scale.on_change("active", lambda _a, _o, new: self._scale(int(new)))
        downloads = Downloads(state, lambda: self.found)
        self.why = styled(Button(label="what may it be?", width=120, name="why"))
        self.why.on_click(self._explain)
        wrap = {"spacing": 6, "styles": {"flex-wrap": "wrap"}}
        tools, files = Row(scale, self.why, **wrap), Row(*downloads.buttons, **wrap)
        parts = (tools, *self.plots, self.about, self.candidates, files, downloads.sink)
        self.layout = Column(*parts, sizing_mode="stretch_both", spacing=4)
        for event, call in (
            ("scene", self.renew),
            ("result", self.renew),
            ("region", self.select),
            ("component", self.renew),
            ("theme", self.paint),
        ):
            state.on(event, call)
        self.renew()
        self.select()

    def _figure(self, scale: str, x: Range1d) -> Any:
        plot = figure(x_range=x, y_range=DataRange1d(), y_axis_type=scale, height=330, sizing_mode="stretch_width",
                      name=f"spectrum {scale}",
                      tools="pan,box_zoom,wheel_zoom,reset,save", toolbar_location="above", active_drag="box_zoom")  # fmt: skip
        lines = plot.multi_line("xs", "ys", source=self.means, line_color="color", line_alpha="alpha", line_width=1.6)
        legend = Legend(
            items=[LegendItem(label={"field": "name"}, renderers=[lines])], location="top_right", ncols=1, **LEGEND
        )
        plot.add_layout(legend)
        band = plot.varea("x", "low", "high", source=self.selected, fill_alpha=0.25)
        line = plot.line("x", "mean", source=self.selected, line_width=2.4)
        dots = plot.scatter("x", "mean", source=self.selected, size=5, visible=False)
        self._ours += [band, line, dots]
        plot.add_tools(HoverTool(renderers=[line], tooltips=[("x", "$x{0.0000}"), ("value", "@mean")], mode="vline"))
        lines.name = f"means {scale}"
        return plot

    def renew(self) -> None:
        """The means of the components, the axis, and the words where nothing is selected."""
        scene, result = self._state.scene, self._state.result
        axis = np.asarray(scene.data["channel"], float) if "channel" in scene.data.coords else np.zeros(1)
        ends = (float(axis[0]), float(axis[-1])) if len(axis) > 1 else (axis[0] - 1.0, axis[0] + 1.0)
        flip = scene.data["channel"].attrs.get("units") == "1/cm" if "channel" in scene.data.coords else False
        self.plots[0].x_range.update(start=ends[1] if flip else ends[0], end=ends[0] if flip else ends[1])
        units = str(scene.data["spectra"].attrs.get("units", "")) if "spectra" in scene.data else ""
        for plot in self.plots:
            plot.xaxis.axis_label = PlainText(text=printable(axis_label(scene.data)))
            plot.yaxis.axis_label = PlainText(text=printable(f"value ({units})" if units else "value"))
        self.means.data = (
            _means(axis, result, self._state.colors, self._state.component)
            if result is not None
            else _typical(scene, axis)
        )
        for plot in self.plots:
            plot.legend.visible = 0 < len(self.means.data["name"]) <= NAMED
        for dots in self._ours[2::3]:
            dots.visible = len(axis) == 1
        self.paint()

    def paint(self) -> None:
        """The selected spectrum in the ink of the page: black on white, white on black."""
        ink = INK[self._state.dark]
        for band, line, dots in zip(self._ours[::3], self._ours[1::3], self._ours[2::3], strict=True):
            band.glyph.fill_color, line.glyph.line_color = ink, ink
            dots.glyph.update(fill_color=ink, line_color=ink)

    def select(self) -> None:
        """The spectrum of the region."""
        scene, region = self._state.scene, self._state.region
        self.found, self.candidates.text = None, ""
        if region is None or scene.cube is None:
            self.selected.data = {"x": [], "mean": [], "low": [], "high": []}
            self.about.text = (
                printable(scene.missing)
                if scene.cube is None
                else "Click a pixel of the map, or draw a region, to see its spectrum."
            )
            self.why.disabled = True
            if region is not None and self._state.result is not None:
                self.about.text = f"{region_words(region)}\n{_labels_words(self._state)}\n{printable(scene.missing)}"
            return
        self.found = found = region_spectrum(scene.cube, region, scene.room.region)
        axis = np.asarray(scene.cube["channel"], float)
        self.selected.data = _line(axis, found)
        self.why.disabled = not found.n
        spread = "; the band is ± standard deviation" if found.n > 1 else ""
        said = f"{region_words(region)}{_name_of(scene.data, region)}: {found.words}{spread}"
        self.about.text = "\n".join(filter(None, (said, _labels_words(self._state))))

    def _scale(self, active: int) -> None:
        for i, plot in enumerate(self.plots):
            plot.visible = i == active

    def _explain(self) -> None:
        if self.found is not None:
            self.candidates.text = printable(
                candidate_words(self._state.scene, self._state.result, self.found), keep="\n"
            )


def _line(axis: np.ndarray, found: RegionSpectrum) -> dict[str, np.ndarray]:
    mean, low, high = found.mean[None], (found.mean - found.spread)[None], (found.mean + found.spread)[None]
    x, line, _ = reduce_spectra(axis, mean, mean, POINTS)
    _, bottom, top = reduce_spectra(axis, low, high, POINTS)
    return {"x": x, "mean": line[0], "low": bottom[0], "high": top[0]}


def _means(axis: np.ndarray, result: Any, colors: list[str], one: int | None) -> dict[str, list]:
    if result is None or "component_spectra" not in result:
        return {"xs": [], "ys": [], "color": [], "name": [], "alpha": []}
    mean = np.asarray(result["component_spectra"], np.float64)
    x, lines, _ = reduce_spectra(axis, mean, mean, POINTS)
    shown = [i for i in range(min(len(mean), MOST)) if one is None or i == one]
    names = [printable(name) for name in component_names(result)]
    return {
        "xs": [x] * len(shown), "ys": [lines[i] for i in shown], "color": [colors[i] for i in shown],
        "name": [names[i] for i in shown], "alpha": [1.0] * len(shown),
    }  # fmt: skip


def _typical(scene: Scene, axis: np.ndarray) -> dict[str, list]:
    """Without a run: the mean of a sample of the cube, in grey, so that there is something to compare with."""
    spectra = sample(scene)
    if not len(spectra):
        return _means(axis, None, [], None)
    known = np.isfinite(spectra)
    mean = np.where(known, spectra, 0).sum(0, dtype=np.float64) / np.maximum(known.sum(0), 1)
    x, lines, _ = reduce_spectra(axis, mean[None], mean[None], POINTS)
    name = f"mean of {len(spectra):,} pixels, spread evenly"
    return {"xs": [x], "ys": [lines[0]], "color": ["#999999"], "name": [name], "alpha": [1.0]}


def _name_of(data: Any, region: Region) -> str:
    """', called azurite 3' of one spectrum in a list whose spectra have names."""
    names = spectra_names(data).get("sample", ("y", []))[1]
    row = int(region.corners[0][1])
    return f", called {printable(names[row])}" if region.kind == "pixel" and row < len(names) else ""


def _labels_words(state: State) -> str:
    """'component 2 (78.1 %), component 0 (21.9 %)': whose pixels these are, the four largest."""
    if state.result is None or state.region is None:
        return ""
    counts = region_labels(state.result, state.region)
    names = [*(printable(name) for name in component_names(state.result)), "no data"]
    order = [i for i in np.argsort(-counts, kind="stable") if counts[i]][:4]
    if not order:
        return ""
    return "Belongs to: " + ", ".join(
        names[i] if counts.sum() == 1 else f"{names[i]} ({counts[i] / counts.sum():.1%})" for i in order
    )
