"""The spectrum of a region: mean, spread, number of pixels; of a large one, from a sample, which it says."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.gaps import BY_VALUES, MARKED
from spaxel.cube.sampling import judged_tile
from spaxel.cube.tiles import CELL, Tile, grid
from spaxel.viewer.regions import Region, bounds, inside
from spaxel.viewer.regions import pixels as pixels_of

MOST_BYTES = 64 * 2**20  # of a cube that are read for one region
MOST_CELLS = 16


class RegionSpectrum(NamedTuple):
    """mean, spread : (channel,) float64, NaN without data     n : pixels that were averaged     pixels : of the region

    spread is the standard deviation over the pixels; it is zero for one of them.
    """

    mean: np.ndarray
    spread: np.ndarray
    n: int
    pixels: int

    @property
    def words(self) -> str:
        """'mean of 1,203 pixels', 'mean of 400 of 90,000 pixels, drawn evenly', 'one pixel', 'no data'."""
        if not self.n:
            return "no data here" if self.pixels else "outside the image"
        if self.pixels == 1:
            return "one pixel"
        if self.n < self.pixels:
            return f"mean of {self.n:,} of {self.pixels:,} pixels (those with data, of a sample if the region is large)"
        return f"mean of {self.n:,} pixels"


def region_spectrum(cube: xr.Dataset, region: Region, most_bytes: int | None = None) -> RegionSpectrum:
    """Mean and spread of the spectra of a region, over its pixels with data.

    most_bytes : of a cube that are read; None: 64 MiB
    A region whose cells of 64 x 64 pixels hold more is sampled: from cells spread evenly over it.
    """
    most_bytes = MOST_BYTES if most_bytes is None else most_bytes
    cube, shape = alone(cube), (cube.sizes["y"], cube.sizes["x"])
    cells = [(tile, mask) for tile in _cells(region, shape) if (mask := inside(region, tile)).any()]
    total = int(sum(mask.sum() for _, mask in cells))
    pixel = cube.sizes["channel"] * cube["spectra"].dtype.itemsize
    most = (
        max(1, min(MOST_CELLS, most_bytes // (CELL * CELL * pixel)))
        if _bytes(cells, pixel) > most_bytes
        else len(cells)
    )
    chosen = np.unique(np.linspace(0, max(len(cells) - 1, 0), most).round().astype(int)) if cells else np.zeros(0, int)
    return _moments(cube, [cells[i] for i in chosen], total)


def alone(cube: xr.Dataset) -> xr.Dataset:
    """The spectra with what marks pixels as no data, unless the values say it themselves: to ask costs a tile of the file."""
    if "valid" in cube and cube["valid"].attrs.get(BY_VALUES):
        return cube[["spectra"]]
    return cube[[name for name in ("spectra", "valid") if name in cube]]


def _cells(region: Region, shape: tuple[int, int]) -> list[Tile]:
    """The native tiles that a region touches, cut to its bounds."""
    around = bounds(region, shape)
    y0, x0 = around.y0 // CELL * CELL, around.x0 // CELL * CELL
    tiles = grid(max(around.y1 - y0, 0), max(around.x1 - x0, 0))
    return [
        Tile(max(t.y0 + y0, around.y0), t.y1 + y0, max(t.x0 + x0, around.x0), t.x1 + x0)
        for t in tiles
    ]  # fmt: skip


def _bytes(cells: list[tuple[Tile, np.ndarray]], pixel: int) -> int:
    return sum(tile.n_pixels for tile, _ in cells) * pixel


def _moments(cube: xr.Dataset, cells: list[tuple[Tile, np.ndarray]], total: int) -> RegionSpectrum:
    """Mean and standard deviation, by the parts of Chan, Golub and LeVeque (1979), value by value where some are missing."""
    channels = cube.sizes["channel"]
    n, mean, squares, seen = np.zeros(channels), np.zeros(channels), np.zeros(channels), 0
    for tile, mask in cells:
        spectra, why = judged_tile(cube, tile, "any")
        held = spectra[mask & (why < MARKED)].astype(np.float64)
        seen += len(held)
        good = np.isfinite(held)
        count = good.sum(0)
        part = np.where(good, held, 0).sum(0) / np.maximum(count, 1)
        inner = (np.where(good, held - part, 0) ** 2).sum(0)
        both = np.maximum(n + count, 1)
        squares += inner + (part - mean) ** 2 * n * count / both
        mean += (part - mean) * count / both
        n += count
    known = n > 0
    spread = np.sqrt(squares / np.maximum(n, 1))
    return RegionSpectrum(np.where(known, mean, np.nan), np.where(known, spread, np.nan), seen, total)


def region_labels(result: xr.Dataset, region: Region) -> np.ndarray:
    """How many pixels of a region have each label, (component + 1,); the last are those without data."""
    shape = (result.sizes["y"], result.sizes["x"])
    n = result.sizes.get("component", 0)
    counts = np.zeros(n + 1, int)
    for tile in _cells(region, shape):
        part = result["labels"][tile.y0 : tile.y1, tile.x0 : tile.x1].values
        labels = part[inside(region, tile)]
        counts += np.bincount(np.where(labels < 0, n, np.minimum(labels, n)), minlength=n + 1)[: n + 1]
    return counts


def mask_of(region: Region, shape: tuple[int, int]) -> np.ndarray:
    """(y, x) bool: the pixels of a region."""
    mask = np.zeros(shape, bool)
    found = pixels_of(region, shape)
    mask[found[:, 0], found[:, 1]] = True
    return mask
