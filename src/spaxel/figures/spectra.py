"""Mean spectra of components with their spread: one figure for all, one small drawing for each."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import xarray as xr
from bokeh.models import (
    BasicTicker,
    Column,
    ColumnDataSource,
    CustomJS,
    CustomJSHover,
    CustomJSTickFormatter,
    DataRange1d,
    FixedTicker,
    HoverTool,
    Legend,
    LegendItem,
    Line,
    Patch,
    PlainText,
    RadioButtonGroup,
    Range1d,
    Row,
    Scatter,
)
from bokeh.plotting import figure

from spaxel.cube import axis_label
from spaxel.errors import printable
from spaxel.figures.bands import FEASIBLE, Bands, bands, descending, polygon, short, signal_range, value_label
from spaxel.figures.levels import State
from spaxel.figures.maps import component_names, component_rgb, plain_axes
from spaxel.figures.marks import mark, plain
from spaxel.figures.small_spectrum import light_colors, spectrum_svg
from spaxel.lines.continuum import continuum
from spaxel.lines.gas import ANGSTROM

__all__ = ["FEASIBLE", "MOST", "Bands", "bands", "descending", "spectra_figure", "spectrum_svg", "value_label"]

MOST = 40  # components in one figure; the table has them all
POINTS = 32_000  # in one figure
_TICK = """
const value = [tick, tick * tick, Math.pow(10, tick)][mode];
return String(Number(value.toPrecision(mode == 0 ? 6 : 3)));
"""
_SAID = """
const item = legend.items[Number(special_vars.name)], j = special_vars.index;
const data = item.renderers.at(-1).data_source.data, mean = (data.raw_mean ?? data.mean)[j];
if (part == 'name') return item.label.value;
if (part == 'x') return String(Number(data.x[j].toPrecision(6))) + unit;
const said = v => String(Number(v.toPrecision(4)));
if (data.low == null) return said(mean);
const low = (data.raw_low ?? data.low)[j], high = (data.raw_high ?? data.high)[j];
return feasible ? said(mean) + ' (' + said(low) + ' to ' + said(high) + ')' : said(mean) + ' ± ' + said(high - mean);
"""


def spectra_figure(
    result: xr.Dataset,
    colors: Sequence[str],
    *,
    marks: Sequence[tuple[float, str]] = (),
    height: int = 400,
    faint: bool | None = None,
    first: State | None = None,
) -> Column:
    """Mean spectra in the colours of the map, with bands of mean ± spread; a click on a name shows it alone.

    marks : places on the axis and what stands above them, the most important first      faint : see `bands`
    first : where the components are the nodes of all levels (`levels.node_result`), those that are drawn. The others lie in
            the figure as plain numbers: "nodes.js", the callback "show nodes", draws any of them in the same places
    Above the figure switches: linear, square root or logarithm; the part of the axis where something is, or all of it; along
    wavelength, where lines are marked, with the continuum or without. A band that reaches zero has no logarithm and is left
    out there. The pointer reads values. children: switches, figure.
    """
    rgb = component_rgb(result, colors)[: MOST if first is None else None]
    shown = bands(result, int(np.clip(POINTS // max(len(rgb), 1), 600, 2000)), faint=faint)
    plot = _empty(result, shown, height, [place for place, _ in marks])
    numbers = _numbers(shown, len(rgb), _continuum(result, shown, [place for place, _ in marks], len(rgb)))
    nodes, names = (range(len(rgb)), component_names(result)) if first is None else (first.nodes, first.names)
    items = [_slot(plot, shown, numbers, node, rgb, (i, names[i])) for i, node in enumerate(nodes)]
    legend = _add_legend(plot, items)
    hover = _add_hover(plot, result, shown, legend)
    mark(plot, marks)
    switches, draw = _switches(plot, result, shown, legend, emission="base" in numbers)
    if first is not None:
        args = {"plot": plot, "legend": legend, "hover": hover, "draw": draw, "scale": switches[0]}
        args |= {"numbers": ColumnDataSource(numbers), "cased": light_colors(rgb).tolist()}
        legend.tags = [CustomJS(args=args, code=script("nodes.js"), name="show nodes")]
    return Column(Row(*switches, styles={"flex-wrap": "wrap"}), plot, sizing_mode="stretch_width")


def _empty(result: xr.Dataset, shown: Bands, height: int, places: list[float]) -> figure:
    """Axes, ranges and tools. places : that must be seen."""
    low, high = signal_range(shown, places) if len(shown.axis) > 1 else (shown.axis[0] - 1, shown.axis[0] + 1)
    flip = descending(result)
    whole = (shown.axis[0], shown.axis[-1]) if len(shown.axis) > 1 else (low, high)
    plot = figure(
        x_range=Range1d(*((high, low) if flip else (low, high)), bounds=None), y_range=DataRange1d(only_visible=True),
        height=height, tools="pan,box_zoom,reset,save", toolbar_location="above", active_drag="box_zoom",
        sizing_mode="stretch_width", name="spectra", title=None, tags=[float(v) for v in (whole[::-1] if flip else whole)],
    )  # fmt: skip
    plot.toolbar.logo = None
    plot.xaxis.axis_label = PlainText(text=plain(axis_label(result)))
    plot.yaxis.axis_label = PlainText(text=plain(value_label(result, shown)))
    plain_axes(plot)
    return plot


def _continuum(result: xr.Dataset, shown: Bands, places: list[float], n: int) -> np.ndarray | None:
    """What lies below the lines of light at these places, (n, points that are drawn); None for other spectra."""
    axis = np.asarray(result["channel"], float)
    if not places or str(result["channel"].attrs.get("units", "")) not in ANGSTROM:
        return None
    below = continuum(axis, result["component_spectra"].values[:n], places)
    return np.stack([np.interp(shown.axis, axis, row) for row in below]).astype(np.float32)


def _numbers(shown: Bands, n: int, base: np.ndarray | None) -> dict[str, np.ndarray]:
    """What is drawn of each component, {name: (n, points that are drawn) float32}."""
    numbers = {"mean": shown.mean, "base": base, "low": shown.low, "high": shown.high}
    return {name: values[:n].astype(np.float32) for name, values in numbers.items() if values is not None}


def _slot(
    plot: figure, shown: Bands, numbers: dict[str, np.ndarray], node: int, rgb: list[str], named: tuple[int, str]
) -> LegendItem:
    """The band and the line of one component; its entry of the legend. named : its place in the legend, its name."""
    (i, name), color, found = named, rgb[node], []  # bare glyphs: fewer models, so that a page opens fast
    source = ColumnDataSource(
        {"x": shown.axis} | {key: values[node] for key, values in numbers.items()}, name=f"spectrum {i}"
    )
    if shown.low is not None and shown.high is not None:
        x, y = polygon(shown.axis, shown.low[node], shown.high[node])
        area = ColumnDataSource({"x": x.astype(np.float32), "y": y.astype(np.float32)})
        filled = Patch(x="x", y="y", fill_color=color, fill_alpha=0.18 if len(rgb) <= 8 else 0.06, line_color=None)
        found.append(plot.add_glyph(area, filled, name="band"))
    if light_colors([color])[0]:  # a casing, so that yellow is seen on white
        casing = Line(x="x", y="mean", line_color="#777777", line_width=3)
        found.append(plot.add_glyph(source, casing, name="casing"))
    curve = Line(x="x", y="mean", line_color=color, line_width=1.8)
    if len(shown.axis) == 1:
        curve = Scatter(x="x", y="mean", line_color=color, fill_color=color)
    found.append(plot.add_glyph(source, curve, name=str(i)))
    return LegendItem(label={"value": plain(short(name, 28))}, renderers=found)


def _add_legend(plot: figure, items: list[LegendItem]) -> Legend:
    """Names at the right, where the figure is wide enough for them; a click on one shows it alone."""
    legend = Legend(items=items, ncols=1 + (len(items) - 1) // 20, border_line_color=None)
    legend.update(label_text_font="sans-serif", label_text_font_size="12px", spacing=-1, padding=0, margin=8)
    legend.label_width = 8 * max((len(item.label.value) for item in items), default=0) if len(items) > 20 else 20
    legend.js_on_click(CustomJS(args={"legend": legend}, code=script("isolate.js")))
    plot.add_layout(legend, "right")
    narrow = CustomJS(args={"legend": legend}, code="legend.visible = cb_obj.outer_width > 560")
    plot.js_on_change("outer_width", narrow)
    return legend


def _add_hover(plot: figure, result: xr.Dataset, shown: Bands, legend: Legend) -> HoverTool:
    """Values under the pointer, always those of the result, whatever the scale."""
    unit = str(result["channel"].attrs.get("units", ""))
    args = {"legend": legend, "unit": "" if unit in ("", "index") else f" {plain(printable(unit))}"}
    args |= {"feasible": shown.width == FEASIBLE}
    said = {part: CustomJSHover(args=args | {"part": part}, code=_SAID) for part in ("name", "x", "mean")}
    words = plain(printable(str(result["channel"].attrs.get("long_name", "") or "channel")))
    tips = [("", "$index{custom}"), (words, "@x{custom}"), ("value", "@mean{custom}")]
    formatters = {"$index": said["name"], "@x": said["x"], "@mean": said["mean"]}
    lines = [item.renderers[-1] for item in legend.items]
    hover = HoverTool(renderers=lines, tooltips=tips, formatters=formatters, line_policy="nearest", visible=False)
    plot.add_tools(hover)
    return hover


def _switches(
    plot: figure, result: xr.Dataset, shown: Bands, legend: Legend, *, emission: bool
) -> tuple[list[RadioButtonGroup], CustomJS]:
    """The switches above the figure: scale, whether the continuum is taken away, how much of the axis is shown; what draws."""
    floor, tickers = _ticks(shown)
    formatter = CustomJSTickFormatter(args={"mode": 0}, code=_TICK)
    plot.yaxis.formatter = formatter
    scale = RadioButtonGroup(labels=["linear", "square root", "log"], active=0)
    base = RadioButtonGroup(labels=["as measured", "without continuum"], active=0) if emission else None
    titles = None
    if emission:
        words = value_label(result, shown)
        titles = [PlainText(text=plain(text)) for text in (words, words.replace("mean", "mean less continuum", 1))]
    args = {"scale": scale, "base_switch": base, "legend": legend, "floor": floor}
    args |= {"formatter": formatter, "tickers": tickers, "axis": plot.yaxis[0], "titles": titles}
    draw = CustomJS(args=args, code=script("spectra.js"))
    found = [one for one in (scale, base) if one is not None]
    for switch in found:
        switch.js_on_change("active", draw)
    cut, whole = [plot.x_range.start, plot.x_range.end], plot.tags
    if sorted(cut) != sorted(whole):
        extent = RadioButtonGroup(labels=["where something is", "whole axis"], active=0)
        move = "const [start, end] = [cut, whole][cb_obj.active]; range.start = start; range.end = end"
        extent.js_on_change("active", CustomJS(args={"range": plot.x_range, "cut": cut, "whole": whole}, code=move))
        found.append(extent)
    return found, draw


def _ticks(shown: Bands) -> tuple[float, list]:
    """The smallest value of a logarithmic scale, and the ticks of the three scales."""
    finite = shown.mean[np.isfinite(shown.mean)]
    largest = max(float(finite.max(initial=0)), 1e-30)
    positive = finite[finite > 0]
    floor = max(float(positive.min(initial=largest)), largest * 1e-5)
    roots, logs = _nice(largest * 1e-3, 2 * largest, (1, 3)), _nice(floor / 2, 2 * largest, (1, 2, 5))
    places = [float(v) for v in np.sqrt(np.append(0, roots))], [float(v) for v in np.log10(logs)]
    return floor, [BasicTicker(), *(FixedTicker(ticks=place) for place in places)]


def _nice(low: float, high: float, steps: tuple[int, ...]) -> np.ndarray:
    """The numbers step x 10^n between low and high."""
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    values = (10.0 ** powers[:, None] * np.array(steps)[None]).ravel()
    return values[(values >= low) & (values <= high)]


def script(name: str) -> str:
    """JavaScript of this room, for a callback."""
    return files("spaxel.figures").joinpath(name).read_text("utf-8")
