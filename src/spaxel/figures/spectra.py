"""Mean spectra of components with their spread: one figure for all, one small drawing for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.models import (
    BasicTicker,
    Column,
    ColumnDataSource,
    CustomJS,
    CustomJSTickFormatter,
    FixedTicker,
    Legend,
    LegendItem,
    PlainText,
    RadioButtonGroup,
    Range1d,
)
from bokeh.plotting import figure

from spaxel.cube import axis_label
from spaxel.errors import printable
from spaxel.figures.maps import component_names, component_rgb, plain_axes
from spaxel.figures.marks import mark, plain, thinned
from spaxel.figures.palette import to_lab, to_rgb
from spaxel.figures.reduce import component_sizes, reduce_spectra

MOST = 40  # components in one figure; the table has them all
FEASIBLE = "range of feasible solutions"
_SWITCH = """
const mode = cb_obj.active;
const draw = [v => v, v => Math.sqrt(Math.max(v, 0)), v => Math.log10(Math.max(v, floor))][mode];
for (const source of sources) {
  const data = {...source.data};
  for (const name of ['mean', 'low', 'high']) {
    data['raw_' + name] = data['raw_' + name] ?? data[name];
    data[name] = Float64Array.from(data['raw_' + name], draw);
  }
  source.data = data;
}
formatter.args = {mode};
axis.ticker = tickers[mode];
"""
_TICK = """
const value = [tick, tick * tick, Math.pow(10, tick)][mode];
return String(Number(value.toPrecision(mode == 0 ? 6 : 3)));
"""


@dataclass
class Bands:
    """Spectra ready to be drawn, reduced to a number of points so that peaks survive."""

    axis: np.ndarray  # (m,)
    mean: np.ndarray  # (component, m)
    low: np.ndarray | None  # (component, m): lower edge of the band
    high: np.ndarray | None
    width: str  # what half the width of the band is, or FEASIBLE


def bands(result: xr.Dataset, limit: int = 2000) -> Bands:
    """Mean spectra and their bands at up to `limit` channels. The result must hold `component_spectra`.

    The band is mean ± standard deviation; where single spectra scatter so much (a few counts in a pixel) that such bands
    would hide the means, it is ± standard error. Where no mean is negative, the band ends at zero. For a result of unmixing
    with bands of feasible solutions it is these.
    """
    axis = np.asarray(result["channel"], float)
    mean = np.asarray(result["component_spectra"], np.float64)
    fewer, line, _ = reduce_spectra(axis, mean, mean, limit)
    if "component_low" in result:
        low, high = (np.asarray(result[f"component_{side}"], np.float64) for side in ("low", "high"))
        return _reduced(axis, fewer, line, (low, high), limit, FEASIBLE)
    if "component_spread" not in result:
        return Bands(fewer, line, None, None, "")
    spread, width = np.asarray(result["component_spread"], np.float64), "standard deviation"
    if _largest(mean + spread) > 2.5 * _largest(mean):
        spread, width = spread / np.sqrt(np.maximum(component_sizes(result), 1))[:, None], "standard error of the mean"
    lowest = 0.0 if (mean[np.isfinite(mean)] >= 0).all() else -np.inf
    return _reduced(axis, fewer, line, (np.maximum(mean - spread, lowest), mean + spread), limit, width)


def _reduced(
    axis: np.ndarray, fewer: np.ndarray, line: np.ndarray, edges: tuple[np.ndarray, np.ndarray], limit: int, width: str
) -> Bands:
    _, low, high = reduce_spectra(axis, *edges, limit)
    if len(axis) > limit:  # in each pair the first is the smallest, the second the largest: the band is its hull
        low, high = (np.repeat(f(v.reshape(len(v), -1, 2), -1), 2, -1) for f, v in ((_least, low), (_most, high)))
    return Bands(fewer, line, low, high, width)


def _largest(values: np.ndarray) -> float:
    return float(values[np.isfinite(values)].max(initial=0))


def _least(v: np.ndarray, axis: int) -> np.ndarray:
    return np.fmin.reduce(v, axis)


def _most(v: np.ndarray, axis: int) -> np.ndarray:
    return np.fmax.reduce(v, axis)


def descending(result: xr.Dataset) -> bool:
    """Whether the axis is drawn from large to small: wavenumbers, as spectroscopists draw them."""
    return result["channel"].attrs.get("units") == "1/cm"


def short(text: str, limit: int = 40) -> str:
    """Text of at most `limit` characters, the end replaced by …"""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def spectra_figure(
    result: xr.Dataset,
    colors: Sequence[str],
    *,
    marks: Sequence[tuple[float, str]] = (),
    width: int = 1180,
    height: int = 400,
) -> Column:
    """Mean spectra in the colours of the map, with bands of mean ± spread; a click on a name hides it.

    marks : places on the axis and what stands above them
    Above the figure a switch: linear, square root, logarithm. Shown are the largest 40 components.
    """
    shown = bands(result)
    axis = shown.axis
    edges = (axis[0], axis[-1]) if len(axis) > 1 else (axis[0] - 1, axis[0] + 1)
    x_range = Range1d(*(edges[::-1] if descending(result) else edges))
    plot = figure(
        x_range=x_range, width=width, height=height, tools="pan,box_zoom,reset,save", toolbar_location="above",
        active_drag="box_zoom",
    )  # fmt: skip
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.xaxis.axis_label = PlainText(text=axis_label(result))
    plot.yaxis.axis_label = PlainText(text=value_label(result, shown))
    plain_axes(plot)
    sources, items = _draw_all(plot, shown, component_rgb(result, colors)[:MOST], component_names(result))
    legend = Legend(items=items, click_policy="hide", ncols=1 + (len(items) - 1) // 20, border_line_color=None)
    legend.update(label_text_font="sans-serif", label_text_font_size="12px", spacing=-1, padding=0, margin=8)
    legend.label_width = 8 * max((len(item.label.value) for item in items), default=0) if len(items) > 20 else 20
    plot.add_layout(legend, "right")
    mark(plot, thinned(marks, (edges[1] - edges[0]) / 75))
    return Column(_switch(plot, shown, sources), plot)


def value_label(result: xr.Dataset, shown: Bands) -> str:
    """Name and unit of what is drawn: 'mean ± standard deviation (counts)'; the unit only where the result knows it."""
    name = f"mean ± {shown.width}" if shown.width else "mean"
    name = f"component and {FEASIBLE}" if shown.width == FEASIBLE else name
    units = printable(str(result["component_spectra"].attrs.get("units", "")))
    return f"{name} ({units})" if units else name


def _draw_all(plot: figure, shown: Bands, rgb: list[str], names: list[str]) -> tuple[list, list]:
    sources, items = [], []
    alpha = 0.18 if len(rgb) <= 8 else 0.06
    light = _light(rgb)
    for i, color in enumerate(rgb):
        low, high = (shown.mean, shown.mean) if shown.low is None or shown.high is None else (shown.low, shown.high)
        columns = {"x": shown.axis, "mean": shown.mean[i], "low": low[i], "high": high[i]}
        source = ColumnDataSource({k: np.asarray(v, np.float32 if k != "x" else float) for k, v in columns.items()})
        drawn = []
        if shown.low is not None:
            drawn.append(plot.varea("x", "low", "high", source=source, color=color, alpha=alpha))
        if light[i]:  # a casing, so that yellow is seen on white
            drawn.append(plot.line("x", "mean", source=source, color="#777777", line_width=3))
        marks = plot.line if len(shown.axis) > 1 else plot.scatter
        drawn.append(marks("x", "mean", source=source, color=color, line_width=1.8))
        sources.append(source)
        items.append(LegendItem(label={"value": plain(short(names[i], 28))}, renderers=drawn))
    return sources, items


def _light(colors: list[str]) -> np.ndarray:
    """Which colours are too light for a line on white: these get a grey casing."""
    return to_lab(to_rgb(colors))[:, 0] > 80


def _switch(plot: figure, shown: Bands, sources: list) -> RadioButtonGroup:
    finite = shown.mean[np.isfinite(shown.mean)]
    largest = max(float(finite.max(initial=0)), 1e-30)
    positive = finite[finite > 0]
    floor = max(float(positive.min(initial=largest)), largest * 1e-5)
    tickers = [
        BasicTicker(),
        FixedTicker(ticks=[float(v) for v in np.sqrt(np.append(0, _nice(largest * 1e-3, 2 * largest, (1, 3))))]),
        FixedTicker(ticks=[float(v) for v in np.log10(_nice(floor / 2, 2 * largest, (1, 2, 5)))]),
    ]
    formatter = CustomJSTickFormatter(args={"mode": 0}, code=_TICK)
    plot.yaxis.formatter = formatter
    buttons = RadioButtonGroup(labels=["linear", "square root", "log"], active=0)
    args = {"sources": sources, "floor": floor, "formatter": formatter, "tickers": tickers, "axis": plot.yaxis[0]}
    buttons.js_on_change("active", CustomJS(args=args, code=_SWITCH))
    return buttons


def _nice(low: float, high: float, steps: tuple[int, ...]) -> np.ndarray:
    """The numbers step x 10^n between low and high."""
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    values = (10.0 ** powers[:, None] * np.array(steps)[None]).ravel()
    return values[(values >= low) & (values <= high)]


def spectrum_svg(shown: Bands, i: int, color: str, *, flip: bool = False, width: int = 300, height: int = 36) -> str:
    """A drawing of one spectrum for a table cell, as SVG: its line and, where known, the band of its spread."""
    top = np.nanmax(np.append(shown.mean[i], 1e-30))
    bottom = min(0.0, np.nanmin(np.append(shown.mean[i], 0)))
    span = np.ptp(shown.axis) or 1.0
    x = (shown.axis - shown.axis[0]) / span * width
    x = width - x if flip else x

    def points(y: np.ndarray) -> list[str]:
        fall = height - 1 - (np.nan_to_num(y) - bottom) / (top - bottom) * (height - 3)
        return [f"{a:.1f},{b:.1f}" for a, b in zip(x, np.clip(fall, 0, height), strict=True)]

    band = ""
    if shown.low is not None and shown.high is not None:
        hull = " ".join(points(shown.low[i]) + points(shown.high[i])[::-1])
        band = f'<polygon points="{hull}" fill="{color}" fill-opacity="0.25"/>'
    curve = f'<polyline points="{" ".join(points(shown.mean[i]))}" fill="none" stroke='
    casing = f'{curve}"#777777" stroke-width="2.3"/>' if _light([color])[0] else ""
    line = f'{casing}{curve}"{color}" stroke-width="1.3"/>'
    return f'<svg width="{width}" height="{height}" aria-hidden="true">{band}{line}</svg>'
