"""Spectra of components ready to be drawn: reduced so that peaks survive, with gaps where nothing was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from spaxel.errors import printable
from spaxel.figures.reduce import component_sizes, reduce_spectra

FEASIBLE = "range of feasible solutions"
FAINT = 0.004  # of its largest value: where no component has more, there is nothing to be seen
GAP = 6.0  # times the usual step of the axis, from which a step is a gap
LEAST = 5  # channels of an axis that may have gaps


@dataclass
class Bands:
    """Spectra ready to be drawn, reduced to a number of points so that peaks survive.

    A gap of the axis (channels that were left out) is one point of nan, so that no line is drawn across it.
    """

    axis: np.ndarray  # (m,)
    mean: np.ndarray  # (component, m)
    low: np.ndarray | None  # (component, m): lower edge of the band
    high: np.ndarray | None
    width: str  # what half the width of the band is, or FEASIBLE


def is_faint(result: xr.Dataset) -> bool:
    """Whether single spectra scatter so much that bands of their standard deviation would hide the means."""
    if "component_spread" not in result or "component_low" in result:
        return False
    mean, spread = (np.asarray(result[f"component_{name}"], np.float64) for name in ("spectra", "spread"))
    return _largest(mean + spread) > 2.5 * _largest(mean)


def bands(result: xr.Dataset, limit: int = 2000, *, faint: bool | None = None) -> Bands:
    """Mean spectra and their bands at up to `limit` channels. The result must hold `component_spectra`.

    The band is mean ± standard deviation; where single spectra scatter so much (a few counts in a pixel) that such bands
    would hide the means, it is ± standard error. Where no mean is negative, the band ends at zero. For a result of unmixing
    with bands of feasible solutions it is these. faint : so or so, whatever `is_faint` says of this result
    """
    axis = np.asarray(result["channel"], float)
    mean = np.asarray(result["component_spectra"], np.float64)
    if "component_low" in result:
        low, high = (np.asarray(result[f"component_{side}"], np.float64) for side in ("low", "high"))
        return _reduced(axis, mean, (low, high), limit, FEASIBLE)
    if "component_spread" not in result:
        return _reduced(axis, mean, None, limit, "")
    spread, width = np.asarray(result["component_spread"], np.float64), "standard deviation"
    if is_faint(result) if faint is None else faint:
        spread, width = spread / np.sqrt(np.maximum(component_sizes(result), 1))[:, None], "standard error of the mean"
    lowest = 0.0 if (mean[np.isfinite(mean)] >= 0).all() else -np.inf
    return _reduced(axis, mean, (np.maximum(mean - spread, lowest), mean + spread), limit, width)


def _reduced(
    axis: np.ndarray, mean: np.ndarray, edges: tuple[np.ndarray, np.ndarray] | None, limit: int, width: str
) -> Bands:
    fewer, line, _ = reduce_spectra(axis, mean, mean, limit)
    low = high = None
    if edges is not None:
        _, low, high = reduce_spectra(axis, *edges, limit)
        if len(axis) > limit:  # a pair is the smallest and the largest: the band is their hull
            low, high = (np.repeat(f(v.reshape(len(v), -1, 2), -1), 2, -1) for f, v in ((_least, low), (_most, high)))
    gaps = np.flatnonzero(np.diff(fewer) > _usual(axis, fewer)) if len(fewer) >= LEAST else np.zeros(0, int)
    if not gaps.size:
        return Bands(fewer, line, low, high, width)
    holed = [None if v is None else np.insert(v, gaps + 1, np.nan, axis=-1) for v in (line, low, high)]
    where = np.insert(fewer, gaps + 1, (fewer[gaps] + fewer[gaps + 1]) / 2)
    return Bands(where, np.asarray(holed[0]), holed[1], holed[2], width)


def _usual(axis: np.ndarray, fewer: np.ndarray) -> float:
    """The longest step that is no gap, on an axis reduced to fewer points."""
    return float(max(GAP * np.median(np.diff(axis)), 3 * np.median(np.diff(fewer))))


def signal_range(shown: Bands, places: Sequence[float] = ()) -> tuple[float, float]:
    """Where something is: from the first to the last place at which a component has 0.4 % of its largest value.

    places : of lines on the axis, which are something too
    The whole axis where less than a tenth of it would be left out, or nothing stands out.
    """
    axis, size = shown.axis, np.abs(np.nan_to_num(shown.mean))
    whole = (float(axis[0]), float(axis[-1]))
    if len(axis) < 20 or not size.any():
        return whole
    smooth = np.apply_along_axis(lambda row: np.convolve(row, np.ones(5) / 5, "same"), 1, size)
    tall = np.flatnonzero((smooth > FAINT * np.maximum(size.max(1, keepdims=True), 1e-300)).any(0))
    span = whole[1] - whole[0]
    held = [axis[tall[0]], axis[tall[-1]], *(place for place in places if whole[0] <= place <= whole[1])]
    low, high = max(whole[0], min(held) - 0.03 * span), min(whole[1], max(held) + 0.03 * span)
    return (float(low), float(high)) if high - low < 0.9 * span else whole


def _largest(values: np.ndarray) -> float:
    return float(values[np.isfinite(values)].max(initial=0))


def _least(v: np.ndarray, axis: int) -> np.ndarray:
    return np.fmin.reduce(v, axis)


def _most(v: np.ndarray, axis: int) -> np.ndarray:
    return np.fmax.reduce(v, axis)


def value_label(result: xr.Dataset, shown: Bands) -> str:
    """Name and unit of what is drawn: 'mean ± standard deviation (counts)'; the unit only where the result knows it."""
    name = f"mean ± {shown.width}" if shown.width else "mean"
    name = f"component and {FEASIBLE}" if shown.width == FEASIBLE else name
    units = printable(str(result["component_spectra"].attrs.get("units", "")))
    return f"{name} ({units})" if units else name


def descending(result: xr.Dataset) -> bool:
    """Whether the axis is drawn from large to small: wavenumbers, as spectroscopists draw them."""
    return result["channel"].attrs.get("units") == "1/cm"


def short(text: str, limit: int = 40) -> str:
    """Text of at most `limit` characters, the end replaced by …"""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def polygon(axis: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outline of a band, (n,), (n,): there along the lower edge and back along the upper, a polygon for each stretch
    between gaps, with nan between them.
    """
    known = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    x, y = [np.zeros(0)], [np.zeros(0)]
    for start, end in edges.reshape(-1, 2):
        x += [axis[start:end], axis[start:end][::-1], np.array([np.nan])]
        y += [low[start:end], high[start:end][::-1], np.array([np.nan])]
    return np.concatenate(x), np.concatenate(y)
