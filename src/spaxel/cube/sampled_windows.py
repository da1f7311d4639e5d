"""Small windows drawn from cubes, read whole: what a sample of single spectra cannot show, how pixels lie beside each other.

Which windows are drawn depends on the seed, the size of the image and which pixels hold data, never on memory or tiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.sampling import read_tile
from spaxel.cube.tiles import Tile, grid
from spaxel.pace import paced

SIDE = 16  # of a window, pixels
MOST = 48  # windows in all
MOST_CELLS = 48  # cells that are read for them
LEAST = 2  # windows, however many channels they have
MOST_VALUES = 16_000_000  # of all windows together
FEWEST = 32  # usable pixels of a window


class Windows(NamedTuple):
    """spectra : (w, 16, 16, channel), or 2 channel with a context, 0 where not good      good : (w, 16, 16) bool, usable."""

    spectra: np.ndarray
    good: np.ndarray


def sample_windows(cubes: list[xr.Dataset], seed: int = 0, context: int = 0) -> Windows:
    """At most 48 windows of 16 x 16 pixels, spread over cubes like their pixels; none of a table, which has no neighbours.

    context : as in spaxel.cube.sampling.read_tile; spectra are then followed by the mean of their neighbours
    Windows may overlap; those larger than the image are filled up with pixels that are not good.
    """
    images = [cube for cube in cubes if cube.sizes["x"] > 1]
    channels = cubes[0].sizes["channel"] * (2 if context else 1)
    most = max(LEAST, min(MOST, MOST_VALUES // (SIDE * SIDE * channels)))
    pixels = np.array([cube.sizes["y"] * cube.sizes["x"] for cube in images], float)
    spectra, good = [], []
    for i, cube in enumerate(images):
        share = pixels[i] / pixels.sum()
        numbers = int(np.ceil(most * share)), int(np.ceil(MOST_CELLS * share))
        for block, usable in _of_cube(cube, numbers, seed + i, context):
            spectra.append(block)
            good.append(usable)
    if not spectra:
        dtype = cubes[0]["spectra"].dtype
        return Windows(np.zeros((0, SIDE, SIDE, channels), dtype), np.zeros((0, SIDE, SIDE), bool))
    return Windows(np.stack(spectra), np.stack(good))


def _of_cube(
    cube: xr.Dataset, numbers: tuple[int, int], seed: int, context: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Windows of one cube. numbers : of windows, and of cells that are read for them"""
    cells, rng = grid(cube.sizes["y"], cube.sizes["x"]), np.random.default_rng([seed, 21])
    chosen = np.sort(rng.permutation(len(cells))[: numbers[1]])
    share = np.array([cells[i].n_pixels for i in chosen], float)
    wanted = _shared_out(numbers[0], share / share.sum(), rng)
    found = []
    for i, n in paced(list(zip(chosen[wanted > 0], wanted[wanted > 0], strict=True)), "surroundings"):
        block, good = read_tile(cube, cells[i], context=context)
        for place in _places(cells[i], int(n), rng):
            window, usable = _padded(block[place]), _padded(good[place])
            if usable.sum() >= min(FEWEST, good.size):
                found.append((np.where(usable[..., None], window, 0).astype(block.dtype), usable))
    return found


def _shared_out(n: int, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """n windows by shares that sum to 1: each gets the whole part of what is its own, and chance those that are left."""
    own = n * shares
    wanted = np.floor(own).astype(int)
    left = own - wanted
    return wanted + (rng.multinomial(n - wanted.sum(), left / left.sum()) if n > wanted.sum() else 0)


def _places(cell: Tile, n: int, rng: np.random.Generator) -> list[tuple[slice, slice]]:
    """n windows of a cell: one somewhere in each part of a lattice over it, so that they cover it evenly, whatever the seed.

    They may overlap, so that no straight border runs along the edges of all of them.
    """
    last = np.maximum([cell.y1 - cell.y0 - SIDE, cell.x1 - cell.x0 - SIDE], 0)  # where a window may begin at most
    rows = int(np.clip(round(np.sqrt(n * (last[0] + 1) / (last[1] + 1))), 1, n))
    columns = -(-n // rows)
    parts = np.stack(np.divmod(rng.permutation(rows * columns)[:n], columns), axis=1)
    wide = last + SIDE // 2  # beyond the edges, too, and then moved back to them: else these would be seen seldom
    starts = (parts + rng.random((n, 2))) * wide / (rows, columns) - SIDE // 4
    starts = np.clip(starts.astype(int), 0, last).tolist()
    return [(slice(y, y + SIDE), slice(x, x + SIDE)) for y, x in starts]


def _padded(part: np.ndarray) -> np.ndarray:
    rows, columns = part.shape[:2]
    return np.pad(part, [(0, SIDE - rows), (0, SIDE - columns), *[(0, 0)] * (part.ndim - 2)])
