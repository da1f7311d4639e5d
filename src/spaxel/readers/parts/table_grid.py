"""Positions of spectra as the rows and columns of an image: with gaps, with jitter, in any order."""

from __future__ import annotations

from math import floor, log10
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

JITTER = 0.35  # of a step, that a position may lie beside its place on the grid
FILLED = 0.25  # share of the places that are taken, at least; where only the numbers speak, ALL
ALL = 0.9
LEAST = 12  # values from which a step can be told from their phase alone
SOME, MOST_LEVELS = 2000, 500  # values and levels that are looked at for it
MOST_GAPS = 3  # times as many levels as there are values of a position, at most


class Grid(NamedTuple):
    """Where each spectrum lies in an image.

    row, column : (n,) int      shape : (rows, columns)      step : (y, x) in the units of the positions, the size of a pixel
    start : (y, x) of the first row and column      scanned : share of the spectra that lie beside the one before them
    """

    row: np.ndarray
    column: np.ndarray
    shape: tuple[int, int]
    step: tuple[float, float]
    start: tuple[float, float]
    scanned: float

    @property
    def filled(self) -> float:
        """Share of the places that hold a spectrum."""
        return len(self.row) / (self.shape[0] * self.shape[1])


def find_grid(x: np.ndarray, y: np.ndarray) -> Grid | None:
    """The grid on which positions lie: few distinct values, many repeats, regular steps, one spectrum at each place.

    x, y : (n,) in any one unit      returns : None if there is no such grid (fewer than 2 rows or columns, too)
    A position may lie up to a third of a step beside its place, and up to three quarters of the places may be empty.
    """
    if len(x) < 4 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    across, down = levels(x), levels(y)
    if across is None or down is None:
        return None
    (column, dx, x0), (row, dy, y0) = across, down
    shape = int(row.max()) + 1, int(column.max()) + 1
    if min(shape) < 2 or len(x) < FILLED * shape[0] * shape[1]:
        return None
    if len(np.unique(row * shape[1] + column)) < len(x):
        return None
    moves = np.abs(np.diff(row)) + np.abs(np.diff(column))
    turns = (np.abs(np.diff(row)) == 1) | (np.abs(np.diff(column)) == 1)
    beside = (moves == 1) | (turns & (moves >= min(shape) - 1))  # the next place, or back to the start of the next line
    return Grid(row, column, shape, (dy, dx), (y0, x0), float(beside.mean()))


def levels(values: np.ndarray) -> tuple[np.ndarray, float, float] | None:
    """Numbers as places on a ladder of equal steps: (the place of each, the step, the value of place 0), or None.

    Values that differ by far less than the others are one place; which those are, is tried from the finest cut on. Where
    jitter fills the gaps, the step is the one at which the values are most in phase.
    """
    ordered, back = np.unique(values, return_inverse=True)
    if len(ordered) == 1:
        return None
    gaps = np.diff(ordered)
    for threshold in _thresholds(gaps):
        group = np.concatenate([[0], np.cumsum(gaps > threshold)])
        if 1 < group[-1] + 1 <= len(values) / 2:
            found = _ladder(ordered, group)
            if found is not None:
                places, step, start = found
                return places[group][back.ravel()], step, start
    return _in_phase(values) if len(values) >= LEAST else None


def _thresholds(gaps: np.ndarray) -> list[float]:
    """Gaps up to which values are one place: 0, then at the three largest jumps between gaps in order of size, upwards."""
    ordered = np.sort(gaps)
    low = np.maximum(ordered[:-1], ordered[-1] * 1e-12)
    ratio = ordered[1:] / low
    clearest = [at for at in np.argsort(-ratio, kind="stable")[:3] if ratio[at] > 1.5]
    return [0.0, *sorted(float(np.sqrt(low[at] * ordered[at + 1])) for at in clearest)]


def _ladder(ordered: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, float, float] | None:
    """Groups of values as places of a ladder: (place of each group, step, start), or None if it is not regular."""
    centers = np.bincount(group, ordered - ordered[0]) / np.bincount(group)
    gaps = np.diff(centers)
    step = gaps.sum() / np.round(gaps / gaps.min()).sum()
    places = np.round((centers - centers[0]) / step).astype(np.int64)
    if places[-1] >= MOST_GAPS * len(places) or len(np.unique(places)) < len(places):
        return None
    step, start = np.polyfit(places, centers, 1)
    off = np.abs((ordered - ordered[0]) - (start + step * places[group]))
    if step <= 0 or off.max() > JITTER * step:
        return None
    return places, float(step), float(start + ordered[0])


def _in_phase(values: np.ndarray) -> tuple[np.ndarray, float, float] | None:
    """As `levels`, for places whose jitter leaves no clear gaps. R(s) = |mean exp(2 pi i v / s)| is largest at the step s."""
    low, spread = values.min(), np.ptp(values)
    some = (values - low)[:: max(1, len(values) // SOME)]
    counts = np.arange(1.0, min(len(some) / 2, MOST_LEVELS), 0.1)
    phase = np.array([np.exp(2j * np.pi * k * some / spread).mean() for k in counts])
    step = spread / counts[np.abs(phase).argmax()]
    start = np.angle(phase[np.abs(phase).argmax()]) / (2 * np.pi) * step
    places = np.round((values - low - start) / step).astype(np.int64)
    places -= places.min()
    if places.max() < 1:
        return None
    step, start = np.polyfit(places, values - low, 1)
    places = np.round((values - low - start) / step).astype(np.int64)
    off = np.abs(values - low - start - step * places)
    if places.min() < 0 or len(np.unique(places)) > len(values) / 2 or off.max() > JITTER * step:
        return None
    return places, float(step), float(start + low)


def lay(values: np.ndarray, grid: Grid) -> np.ndarray:
    """Values of spectra (n, …) as an image (y, x, …); places without a spectrum are NaN."""
    places = grid.row * grid.shape[1] + grid.column
    if len(values) == grid.shape[0] * grid.shape[1] and np.array_equal(places, np.arange(len(values))):
        return values.reshape(*grid.shape, *values.shape[1:])
    image = np.full((grid.shape[0] * grid.shape[1], *values.shape[1:]), np.nan)
    image[places] = values
    return image.reshape(*grid.shape, *values.shape[1:])


def grid_attrs(grid: Grid, units: str) -> dict[str, Any]:
    """What a cube says of its pixels: pixel_size [y, x], pixel_units, pixel_origin [y, x]."""
    size = {"pixel_size": [float(f"{step:.7g}") for step in grid.step]}
    start = {"pixel_origin": [round(v, 5 - floor(log10(s))) + 0.0 for v, s in zip(grid.start, grid.step, strict=True)]}
    return size | start | ({"pixel_units": units} if units else {})


def as_image(cube: xr.Dataset, grid: Grid, units: str) -> xr.Dataset:
    """A list of spectra (n, 1, channel) with everything on it as an image; names of spectra have no place in it."""
    n = cube.sizes["y"]
    laid: dict[str, Any] = {}
    for name, values in cube.data_vars.items():
        if values.dims[:2] == ("y", "x"):
            laid[str(name)] = (values.dims, lay(values.values.reshape(n, *values.shape[2:]), grid), values.attrs)
        else:
            laid[str(name)] = values
    kept = {name: coord for name, coord in cube.coords.items() if "y" not in coord.dims}
    return xr.Dataset(laid, coords=kept, attrs=cube.attrs | grid_attrs(grid, units))
