"""What speaks for the number of components: a curve for each check, the number that it names marked."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr
from bokeh.models import PlainText, Range1d, SingleIntervalTicker
from bokeh.plotting import figure

from spaxel.figures.maps import INK, plain_axes


def votes(result: xr.Dataset) -> dict[str, int]:
    """The level that each check names; empty where the result does not say."""
    found = result["evidence"].attrs.get("votes", {}) if "evidence" in result else {}
    found = json.loads(found) if isinstance(found, str) else found  # runs of before hold the mapping itself
    return {str(name): int(level) for name, level in dict(found).items() if level is not None}


def evidence_figures(result: xr.Dataset, *, width: int = 234, height: int = 190) -> list[figure]:
    """One small figure for each check that has a value: value against number of components, the one that it names as a dot.

    Before them the probability of each number, where the result holds it. The dashed line is the number that was taken. The
    result must hold `evidence` (criterion, level).
    """
    evidence = result["evidence"]
    levels = np.asarray(evidence["level"] if "level" in evidence.coords else np.arange(evidence.sizes["level"]), float)
    names = evidence["criterion"].values if "criterion" in evidence.coords else range(evidence.sizes["criterion"])
    probability = np.asarray(evidence.attrs.get("probability", []), float)
    x_range = Range1d(levels.min() - (1.5 if len(probability) else 0.5), levels.max() + 0.5)
    drawn = []
    if len(probability):
        likely = int(probability.argmax()) + 1
        drawn.append(
            _curve("probability", np.arange(1.0, len(probability) + 1), probability, likely, x_range, (width, height))
        )
    for name, values in zip(names, np.asarray(evidence, float), strict=True):
        if np.isfinite(values).any():
            vote = votes(result).get(str(name))
            drawn.append(_curve(str(name), levels, values, vote, x_range, (width, height)))
    taken = result.attrs.get("n_components", result.sizes.get("component"))
    for plot in drawn:
        if taken is not None:
            plot.vspan(x=[int(taken)], line_color=INK, line_dash="dashed", line_alpha=0.5)
    return drawn


def level_figure(name: str, curve: dict[int, float], taken: int, *, width: int = 384, height: int = 240) -> figure:
    """One curve over numbers of components: the highest as a dot, the number that was taken as a dashed line."""
    levels, values = np.array(list(curve), float), np.array(list(curve.values()), float)
    x_range = Range1d(levels.min() - 0.5, levels.max() + 0.5)
    plot = _curve(name, levels, values, int(levels[values.argmax()]), x_range, (width, height))
    plot.yaxis.axis_label = PlainText(text=name)
    plot.vspan(x=[taken], line_color=INK, line_dash="dashed", line_alpha=0.5)
    return plot


def _curve(name: str, levels, values, vote, x_range, size: tuple[int, int]) -> figure:
    plot = figure(width=size[0], height=size[1], x_range=x_range, tools=[], toolbar_location=None)
    good = np.isfinite(values)
    plot.line(levels[good], values[good], color="#666666", line_width=1.5)
    plot.scatter(levels[good], values[good], color="#666666", size=4)
    at = (levels == vote) & good
    plot.scatter(levels[at], values[at], color="#D55E00", size=11)
    plot.xaxis.axis_label = "number of components"
    plot.yaxis.axis_label = PlainText(text=name if vote is None else f"{name}: {vote}")
    plain_axes(plot)
    plot.xaxis.ticker = SingleIntervalTicker(interval=max(1, int(np.ptp(levels) // 5)))
    return plot
