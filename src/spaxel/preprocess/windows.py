"""A few windows of a cube, spread over it: what is looked at to see whether a correction is needed at all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.sampling import read_tile
from spaxel.cube.tiles import CELL, grid, with_halo

LOOKED, WINDOW = 4_000_000, 500_000  # values in all, and in a window


class Window(NamedTuple):
    """block : (rows, columns, channel), 0 where there are no data      inside : without the margin of one pixel
    good : (rows, columns) bool, where there are data
    """

    block: np.ndarray
    good: np.ndarray
    inside: tuple[slice, slice]


def read_windows(cube: xr.Dataset) -> list[Window]:
    """About 4 million values, in windows of at most half a million; which ones depends on the size of the image alone."""
    height, width, channels = cube["spectra"].shape
    side = int(np.clip(np.sqrt(WINDOW / channels), 3, CELL))
    tiles = grid(height, width, side)
    order = np.random.default_rng(0).permutation(len(tiles))[: max(1, LOOKED // (side * side * channels))]
    found = []
    for i in np.sort(order):
        tile = tiles[i]
        around, inside = with_halo(tile, (height, width), 1)
        block, good = read_tile(cube, around, gaps="any")
        found.append(Window(np.where(good[..., None], block, 0), good, inside))
    return found
