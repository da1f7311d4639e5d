"""What an autoencoder makes of a cube: pixels in its latent space, spectra before and after it, how it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import combinations

import numpy as np
import xarray as xr
from bokeh.models import (
    ColumnDataSource,
    Legend,
    LegendItem,
    Line,
    PlainText,
    Range1d,
    Scatter,
    SingleIntervalTicker,
    Text,
)
from bokeh.plotting import figure

from spaxel.cube.smaller import is_large
from spaxel.figures.maps import INK, component_rgb, plain_axes
from spaxel.figures.reduce import reduce_spectra
from spaxel.results.walk import walk

SHOWN = 4  # latents whose pairs are drawn
POINTS = 1500  # pixels that are drawn
PARTS = {
    "reconstruction": "training",
    "held_out": "held out",
    "clustering": "clustering",
    "prior": "prior",
    "criterion": "criterion",
    "denoising": "training",
    "swapped": "training",
    "agreement": "agreement",
}
PANELS = {  # title -> values of each epoch that are drawn
    "reconstruction loss": ("reconstruction", "held_out"),
    "other losses": ("clustering", "prior"),
    "criterion, higher is better": ("criterion",),
}
PHASES = (  # the same for each of two phases
    {"distance to other noise": ("denoising", "held_out")},
    {"share with one label": ("agreement",), "cross-entropy of views": ("swapped",)},
)
COLORS = ("#0072B2", "#D55E00")


def component_centers(result: xr.Dataset) -> np.ndarray:
    """Where components lie in the latent space, (component, latent): the mean of their parts by size; nan without pixels."""
    component, size = result["micro_component"].values, result["micro_size"].values.astype(float)
    member = (component == np.arange(result.sizes["component"])[:, None]) * size
    total = member.sum(1, keepdims=True)
    return np.where(total > 0, member @ result["latent_centers"].values / np.maximum(total, 1), np.nan)


def component_decoded(result: xr.Dataset) -> np.ndarray:
    """Decoded mean of each component, (component, channel), from those of its parts; nan without pixels."""
    component, size = result["micro_component"].values, result["micro_size"].values.astype(float)
    member = (component == np.arange(result.sizes["component"])[:, None]) * size
    total = member.sum(1, keepdims=True)
    return np.where(total > 0, member @ np.nan_to_num(result["micro_decoded"].values) / np.maximum(total, 1), np.nan)


def latent_figures(result: xr.Dataset, colors: Sequence[str], *, width: int = 384, height: int = 340) -> list[figure]:
    """Pairs of the first latents: up to 1,500 pixels in the colours of their components, centres as numbered circles.

    The result must hold `latents` and `latent_centers`.
    """
    flat, labels = (_drawn if is_large(result["labels"].shape) else _drawn_of_few)(result)
    shown = component_rgb(result, colors)
    columns = {f"z{i}": flat[:, i] for i in range(min(SHOWN, flat.shape[1]))}
    points = ColumnDataSource(columns | {"color": [shown[k] for k in labels]})
    middle = component_centers(result)
    good = np.flatnonzero(np.isfinite(middle).all(1))
    place = {f"z{i}": middle[good, i] for i in range(len(columns))}
    centers = ColumnDataSource(place | {"color": [shown[k] for k in good], "name": [str(k) for k in good]})
    found = []
    for i, j in combinations(range(len(columns)), 2):
        plot = figure(width=width, height=height, tools="pan,box_zoom,wheel_zoom,reset", toolbar_location=None)
        at = {"x": f"z{i}", "y": f"z{j}"}  # bare glyphs: fewer models
        dot = Scatter(**at, fill_color="color", line_color="color", size=3, fill_alpha=0.6, line_alpha=0.6)
        plot.add_glyph(points, dot)
        plot.add_glyph(centers, Scatter(**at, fill_color="color", line_color="white", size=17, line_width=2))
        plot.add_glyph(centers, Scatter(**at, fill_color=None, line_color=INK, size=19))
        text = Text(
            **at, text="name", text_align="center", text_baseline="middle",
            text_font_size="10px", text_font={"value": "sans-serif"}, text_color="black",
        )  # fmt: skip
        plot.add_glyph(centers, text)
        plot.xaxis.axis_label, plot.yaxis.axis_label = f"latent {i + 1}", f"latent {j + 1}"
        plain_axes(plot)
        found.append(plot)
    return found


def _drawn_of_few(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Latents and labels of up to POINTS pixels with data, (n, latent) and (n,), of an image that is held whole."""
    flat, labels = result["latents"].values.reshape(-1, result.sizes["latent"]), result["labels"].values.ravel()
    known = np.flatnonzero(labels >= 0)
    drawn = np.sort(np.random.default_rng(0).permutation(known)[:POINTS])
    return flat[drawn], labels[drawn]


def _drawn(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The same of a large image: each pixel has a number drawn for its place, and those with the lowest are taken."""
    columns = result.sizes["x"]
    values, of, lots = np.zeros((0, result.sizes["latent"])), np.zeros(0, np.int64), np.zeros(0, np.uint64)
    for piece in walk(result["labels"], result["latents"], scratch=24):
        labels, latents = piece.values
        y, x = np.nonzero(labels >= 0)
        lot = _lots((piece.tile.y0 + y) * columns + piece.tile.x0 + x)
        here = np.argsort(lot)[:POINTS]
        lots = np.concatenate([lots, lot[here]])
        values = np.concatenate([values, latents[y[here], x[here]]])
        of = np.concatenate([of, labels[y[here], x[here]]])
        first = np.argsort(lots)[:POINTS]
        values, of, lots = values[first], of[first], lots[first]
    return values, of


def _lots(places: np.ndarray) -> np.ndarray:
    """A number for each place, that looks drawn by chance, (n,) uint64 (splitmix64)."""
    z = places.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return z ^ (z >> np.uint64(31))


def history_figures(
    lines: Sequence[Mapping[str, float]], kept: int | None, panels: Mapping[str, Sequence[str]] = PANELS, *,
    width: int = 384, height: int = 240,
) -> list[figure]:  # fmt: skip
    """Losses and criterion by epoch; the dashed line is the epoch that was kept. lines : a dict per epoch."""
    epochs = [line["epoch"] for line in lines]
    x_range = Range1d(min(epochs) - 0.5, max(epochs) + 0.5)
    found = []
    for title, names in panels.items():
        drawn = [name for name in names if any(name in line for line in lines)]
        if not drawn:
            continue
        plot = figure(width=width, height=height, x_range=x_range, tools=[], toolbar_location=None)
        items = []
        for name, color in zip(drawn, COLORS, strict=False):
            x, y = zip(*[(line["epoch"], line[name]) for line in lines if name in line], strict=True)
            source = ColumnDataSource({"x": x, "y": y})
            looks = Line(line_color=color, line_width=1.8), Scatter(line_color=color, fill_color=color, size=5)
            glyphs = [plot.add_glyph(source, look) for look in looks]
            items.append(LegendItem(label={"value": PARTS[name]}, renderers=glyphs))
        if kept is not None:
            plot.vspan(x=[kept], line_color=INK, line_dash="dashed", line_alpha=0.6)
        if len(items) > 1:
            legend = Legend(items=items, border_line_color=None, label_text_font="sans-serif", padding=2, margin=2)
            plot.add_layout(legend)
        title = f"{PARTS[drawn[0]]} loss" if drawn == ["clustering"] or drawn == ["prior"] else title
        plot.xaxis.axis_label, plot.yaxis.axis_label = "epoch", PlainText(text=title)
        plain_axes(plot)
        plot.xaxis.ticker = SingleIntervalTicker(interval=max(1, -(-len(epochs) // 10)))
        found.append(plot)
    return found


def pair_svg(
    axis: np.ndarray, before: np.ndarray, after: np.ndarray, color: str, *, unit: str = "", flip: bool = False
) -> str:
    """The spectrum before (its colour) and after (dark dashes) an autoencoder, as SVG for a table cell; with ends of its axes.

    axis, before, after : (channel,)      unit : of the axis      flip : the axis runs to the left
    """
    width, height, left, foot = 620, 112, 54, 16
    where, lines, _ = reduce_spectra(axis, np.stack([before, after]), np.stack([before, after]), 600)
    top, bottom = float(np.nanmax(np.append(lines, 1e-30))), min(0.0, float(np.nanmin(np.append(lines, 0))))
    x = (where - where[0]) / (np.ptp(where) or 1.0)
    x = left + (1 - x if flip else x) * (width - left - 2)

    def points(y: np.ndarray) -> str:
        fall = 8 + (1 - (np.nan_to_num(y) - bottom) / (top - bottom)) * (height - foot - 9)
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, fall, strict=True))

    ends = [escape(f"{where[i]:.4g} {unit}".strip()) for i in ((-1, 0) if flip else (0, -1))]
    text = 'font-size="11" fill="#666"'
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="input and decoded mean spectrum">'
        f'<path d="M{left} 8V{height - foot}H{width - 2}" fill="none" stroke="#999"/>'
        f'<text x="{left - 5}" y="15" text-anchor="end" {text}>{top:.3g}</text>'
        f'<text x="{left - 5}" y="{height - foot}" text-anchor="end" {text}>{bottom:.3g}</text>'
        f'<text x="{left}" y="{height - 3}" {text}>{ends[0]}</text>'
        f'<text x="{width - 2}" y="{height - 3}" text-anchor="end" {text}>{ends[1]}</text>'
        f'<polyline points="{points(lines[0])}" fill="none" stroke="{color}" stroke-width="2.2"/>'
        f'<polyline points="{points(lines[1])}" fill="none" stroke="#222" stroke-width="1" stroke-dasharray="4 3"/></svg>'
    )
