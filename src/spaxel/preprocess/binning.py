"""Neighbouring pixels put together until all have the same signal-to-noise; each keeps its place on the map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.cube.exact import totals
from spaxel.cube.sampling import read_tile
from spaxel.cube.tiles import Tile, grid, with_halo
from spaxel.errors import AxisError, CubeError, MemoryBudgetError, ParameterError
from spaxel.preprocess.tessellation import tessellate

MOST_VALUES = 2**28  # of mean spectra that are held, 2 GiB


class Bins(NamedTuple):
    """labels : (y, x) int32, the bin of each pixel, -1 for one that is alone in its bin or holds no data
    number : of all bins      snr : the median signal-to-noise of a bin      source : of the noise, in words
    """

    labels: np.ndarray
    number: int
    snr: float
    source: str


def voronoi(cube: xr.Dataset, target: float = 20.0, low: float | None = None, high: float | None = None) -> xr.Dataset:
    """Bins of about the same signal-to-noise: every pixel gets the mean spectrum of its bin, so that maps stay maps.

    target    : signal-to-noise per channel that a bin should have; pixels that have it alone stay as they are
    low, high : the part of the axis in which it is measured, in its units; None: all of it
    Signal: the mean over the channels; noise: the root of the mean variance where the cube has one, else what a pixel and those
    beside it do not share. Bins: accretion and a centroidal Voronoi tessellation, Cappellari & Copin 2003,
    doi:10.1046/j.1365-8711.2003.06541.x
    returns : float64, lazy. The variance becomes that of the mean, Σ variance / n². A missing value is that of the bin's mean;
              missing in all of a bin, it stays missing. Bins belong to one image: `predict` makes those of its own.
    Raises ParameterError for a target that is not above zero and for a table, which has no neighbours; AxisError if no
    channel lies there; CubeError if no pixel has any signal.
    Fails where noise is shared by neighbours (resampled cubes): the true signal-to-noise is then lower than wanted.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.random.default_rng(0).normal(10, 5, (12, 12, 30)))
    >>> binned = spaxel.voronoi(cube, target=8)
    >>> bool(binned["spectra"].std("channel").mean() < 0.4 * cube["spectra"].std("channel").mean())
    True
    """
    check_cube(cube)
    if not (target > 0 and np.isfinite(target)):
        raise ParameterError(f"target is {target}, expected a signal-to-noise above zero.")
    if 1 in (cube.sizes["y"], cube.sizes["x"]):
        raise ParameterError("In a table no spectrum has neighbours to be put together with. Try without this step.")
    bins = _bins(cube, float(target), low, high)
    new = {"spectra": _binned(cube["spectra"], bins.labels, _means(cube, "spectra", bins.labels))}
    if "variance" in cube:
        new["variance"] = _binned(cube["variance"], bins.labels, _means(cube, "variance", bins.labels))
    given = {name: float(value) for name, value in (("low", low), ("high", high)) if value is not None}
    text = (
        f"voronoi: {int((bins.labels >= 0).sum()):,} of {bins.labels.size:,} pixels in bins, {bins.number:,} spectra in all; "
        f"signal-to-noise {bins.snr:.3g} in the median, {target:g} wanted, the noise from {bins.source}"
    )
    return note(cube.assign(new), text, "voronoi", target=float(target), **given)


def _bins(cube: xr.Dataset, target: float, low: float | None, high: float | None) -> Bins:
    """Which pixels belong together. Raises AxisError, CubeError."""
    axis = cube["channel"].values
    inside = (axis >= (-np.inf if low is None else low)) & (axis <= (np.inf if high is None else high))
    if not inside.any():
        raise AxisError(f"No channel lies in {low}..{high}; the axis covers {axis[0]:g}..{axis[-1]:g}.")
    signal, noise = _signal_and_noise(cube.isel(channel=inside))
    if not (np.isfinite(signal) & (noise > 0) & (signal > 0)).any():
        raise CubeError("No pixel has any signal to make bins by. Try another part of the axis, or without this step.")
    labels = tessellate(signal, noise, target)
    there = labels >= 0
    groups = labels[there]
    snr = np.bincount(groups, signal[there]) / np.sqrt(np.bincount(groups, noise[there] ** 2))
    size = np.bincount(groups)
    together = np.cumsum(size > 1) - 1  # numbered anew: pixels alone in their bin are left as they are
    labels[there] = np.where(size[groups] > 1, together[groups], -1)
    source = "the variance" if "variance" in cube else "neighbouring pixels"
    return Bins(labels.astype(np.int32), len(size), float(np.median(snr)), source)


def _signal_and_noise(cube: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """(y, x) each, nan where there are no data."""
    height, width = cube.sizes["y"], cube.sizes["x"]
    signal, noise = np.full((height, width), np.nan), np.full((height, width), np.nan)
    for tile in grid(height, width):
        around, inside = with_halo(tile, (height, width), 1)
        spectra, good = read_tile(cube, around, gaps="any")
        x = _in_order(np.where(good[..., None] & np.isfinite(spectra), spectra, np.nan))
        place = np.s_[tile.y0 : tile.y1, tile.x0 : tile.x1]
        signal[place] = _mean(x)[inside]
        noise[place] = np.sqrt(_noise2(x) if "variance" not in cube else _mean(_variance(cube, around)))[inside]
    return signal, noise


def _variance(cube: xr.Dataset, tile: Tile) -> np.ndarray:
    part = cube["variance"].isel(y=slice(tile.y0, tile.y1), x=slice(tile.x0, tile.x1)).values.astype(np.float64)
    return _in_order(np.where(np.isfinite(part) & (part >= 0), part, np.nan))


def _in_order(values: np.ndarray) -> np.ndarray:
    """float64 in the order of its axes in memory, so that sums over channels add in one order."""
    return np.ascontiguousarray(values, dtype=np.float64)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the channels of what is there: (y, x)."""
    there = np.isfinite(values)
    number = there.sum(-1)
    return np.where(number > 0, np.where(there, values, 0).sum(-1) / np.maximum(number, 1), np.nan)


def _noise2(x: np.ndarray) -> np.ndarray:
    """(y, x): noise variance of each pixel x, the median over those beside it, z, of (x - a z)² / (1 + a²), a = x·z / z·z."""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)), constant_values=np.nan)
    found = []
    for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        z = padded[1 + i : padded.shape[0] - 1 + i, 1 + j : padded.shape[1] - 1 + j]
        both = np.isfinite(x) & np.isfinite(z)
        z, own = np.where(both, z, 0), np.where(both, x, 0)
        bright = (z * z).sum(-1)
        ratio = np.where(bright > 0, (own * z).sum(-1) / np.maximum(bright, 1e-300), 0)
        rest = ((own - ratio[..., None] * z) ** 2).sum(-1) / (1 + ratio**2)
        found.append(np.where(bright > 0, rest / np.maximum(both.sum(-1), 1), np.nan))
    ordered = np.sort(np.stack(found), axis=0)  # nan last
    number = np.isfinite(ordered).sum(0)
    middle = np.take_along_axis(ordered, np.maximum((number - 1) // 2, 0)[None], 0)[0]
    return np.where(number > 0, middle, np.nan)


def _tiles(cube: xr.Dataset, labels: np.ndarray) -> Iterator[tuple[Tile, np.ndarray]]:
    """Tiles that hold pixels of bins, with the bins of these pixels."""
    for tile in grid(*labels.shape):
        part = labels[tile.y0 : tile.y1, tile.x0 : tile.x1]
        if (part >= 0).any():
            yield tile, part


def _means(cube: xr.Dataset, name: str, labels: np.ndarray) -> np.ndarray:
    """Mean spectra of the bins, (bin, channel), or the variance of these means; nan where nothing was measured."""
    number, channels = int(labels.max()) + 1, cube.sizes["channel"]
    if number * channels > MOST_VALUES:
        raise MemoryBudgetError(
            f"{number:,} mean spectra of {channels} channels do not fit into 2 GiB. Try a larger target, crop or rebin."
        )
    total, seen = np.zeros((number, channels)), np.zeros((number, channels))
    for tile, part in _tiles(cube, labels):
        block = (
            cube[name].isel(y=slice(tile.y0, tile.y1), x=slice(tile.x0, tile.x1)).values[part >= 0].astype(np.float64)
        )
        measured = np.isfinite(block)
        total += totals(np.where(measured, block, 0.0), part[part >= 0], number)
        seen += totals(measured.astype(np.float64), part[part >= 0], number)
    share = seen**2 if name == "variance" else seen
    return np.where(seen > 0, total / np.maximum(share, 1), np.nan)


def _binned(array: xr.DataArray, labels: np.ndarray, means: np.ndarray) -> xr.DataArray:
    """Each pixel with the values of its bin, where it has one."""
    place = xr.DataArray(labels, dims=("y", "x"))
    if array.chunks:
        place = place.chunk(y=array.chunks[0], x=array.chunks[1])

    def put(values: np.ndarray, bins: np.ndarray) -> np.ndarray:
        new = values.astype(np.float64)
        new[bins >= 0] = means[bins[bins >= 0]]
        return new

    whole = array.chunk(channel=-1) if array.chunks else array
    return xr.apply_ufunc(
        put, whole, place, input_core_dims=[["channel"], []], output_core_dims=[["channel"]], dask="parallelized",
        output_dtypes=[np.float64], keep_attrs=True,
    )  # fmt: skip
