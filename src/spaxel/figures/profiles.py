"""How much of each component is in each spectrum of a list, and along runs: lines against time, in the colours of the map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, CustomJS, HoverTool, Legend, LegendItem, Line, PlainText, Range1d, Scatter
from bokeh.plotting import figure

from spaxel.errors import printable
from spaxel.figures.bands import short
from spaxel.figures.maps import component_names, component_rgb, plain_axes
from spaxel.figures.marks import plain
from spaxel.figures.runs_in_time import Run, in_order
from spaxel.figures.spectra import script

MOST = 40  # components that are drawn
NAMED = 60  # spectra whose names are written below the profiles
DOTS = 300  # spectra, up to which each is a dot


def profile(
    result: xr.Dataset,
    colors: Sequence[str],
    run: Run,
    *,
    like: figure | None = None,
    values: np.ndarray | None = None,
    height: int = 300,
    legend: bool = True,
) -> figure:
    """Abundances along one run, a line for each component. The result must hold `abundances`.

    like   : another figure whose ranges this one shares, so that runs are compared and move together
    values : (spectra of the image,) one quantity to draw in place of the abundances (the residual, as a share)
    The pointer reads the sample, the component and its abundance; a click on a name of the legend shows it alone.
    """
    ranges = {"x_range": like.x_range, "y_range": like.y_range} if like else {"x_range": _x_range(run)}
    plot = figure(
        **ranges, height=height, tools="pan,box_zoom,reset,save", toolbar_location="above", sizing_mode="stretch_width",
        active_drag="box_zoom", title=None, name=f"{'profile' if values is None else 'left'} {run.name}".strip(),
    )  # fmt: skip
    plot.toolbar.logo = None
    plot.xaxis.axis_label = PlainText(text=plain(run.words))
    plot.yaxis.axis_label = "abundance" if values is None else "left of the norm"
    plain_axes(plot)
    _name_spectra(plot, run)
    names = component_names(result) if values is None else ["residual"]
    rgb = component_rgb(result, colors)[:MOST] if values is None else ["#555555"]
    flat = result["abundances"].values.reshape(-1, len(names)) if values is None else values.reshape(-1, 1)
    items, dots = _draw(plot, run, flat[run.at], names, rgb)
    tips = [("", "@component"), (run.words, "@said"), (str(plot.yaxis[0].axis_label), "@y{0.[000]}")]
    plot.add_tools(HoverTool(renderers=dots, tooltips=tips, mode="mouse", line_policy="nearest", visible=False))
    if legend and len(items) > 1:
        _add_legend(plot, items)
    return plot


def _draw(plot: figure, run: Run, part: np.ndarray, names: list[str], rgb: list[str]) -> tuple[list, list]:
    """Lines and dots; entries for the legend, and what the pointer meets."""
    items, met = [], []
    said = [printable(name) for name in run.names] or [f"{x:.6g}" for x in run.x]
    joined = in_order(run)
    for i, (name, color) in enumerate(zip(names, rgb, strict=False)):
        shown = plain(printable(name))
        columns = {"x": run.x, "y": part[:, i].astype(np.float32), "said": said, "component": [shown] * len(run.x)}
        source = ColumnDataSource(columns, name=f"{plot.name} {i}")
        look = {"line_width": 2, "line_alpha": 1.0} if joined else {"line_width": 1, "line_alpha": 0.35}
        line = plot.add_glyph(source, Line(x="x", y="y", line_color=color, **look))
        renderers = [line]
        if len(run.at) <= DOTS:
            renderers.append(
                plot.add_glyph(source, Scatter(size=4 if joined else 7, line_color=color, fill_color=color))
            )
        met.append(renderers[-1])
        items.append(LegendItem(label={"value": short(shown, 28)}, renderers=renderers))
    return items, met


def _x_range(run: Run) -> Range1d:
    low, high = float(run.x.min()), float(run.x.max())
    pad = 0.5 if run.words != "time" and not run.words.startswith("time") else 0.01 * (high - low)
    return Range1d(low - pad, high + pad)


def _add_legend(plot: figure, items: list[LegendItem]) -> None:
    legend = Legend(items=items, border_line_color=None, ncols=1 + (len(items) - 1) // 16)
    legend.update(label_text_font="sans-serif", label_text_font_size="12px", spacing=-1, padding=0, margin=8)
    legend.js_on_click(CustomJS(args={"legend": legend}, code=script("isolate.js")))
    plot.add_layout(legend, "right")
    plot.js_on_change(
        "outer_width", CustomJS(args={"legend": legend}, code="legend.visible = cb_obj.outer_width > 560")
    )


def _name_spectra(plot: figure, run: Run) -> None:
    """The names of spectra below their profiles, where they are no times and there is room for them."""
    if not 0 < len(run.names) <= NAMED or run.words.startswith("time"):
        return
    plot.xaxis.ticker = list(range(len(run.names)))
    plot.xaxis.major_label_overrides = {
        i: PlainText(text=plain(printable(name)[:24])) for i, name in enumerate(run.names)
    }
    plot.xaxis.major_label_orientation = 1.0
