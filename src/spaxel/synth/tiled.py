"""Worlds made tile by tile: a Dask array whose native tiles are a function of their rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np

from spaxel.cube.tiles import CELL


def tiled(
    function: Callable[..., np.ndarray], world: Any, shape: tuple[int, ...], dtype: type[np.generic] | np.dtype
) -> da.Array:
    """A Dask array of shape (y, x, …), made by function(world, rows, columns) per native tile of 64 x 64 pixels.

    world : what a pixel is made from, small and picklable. The same tile is always made from the same rows and columns,
    so that a function may draw its chance from them, and the cube has the same bits however it is read.
    """
    chunks = tuple(tuple(min(CELL, n - i) for i in range(0, n, CELL)) for n in shape[:2]) + tuple(shape[2:])
    meta = np.empty((0,) * len(shape), dtype)
    return da.map_blocks(_block, function, world, dtype, chunks=chunks, dtype=dtype, meta=meta)


def _block(function: Callable[..., np.ndarray], world: Any, dtype: Any, block_info: dict[Any, Any]) -> np.ndarray:
    (y0, y1), (x0, x1) = block_info[None]["array-location"][:2]
    return function(world, np.arange(y0, y1), np.arange(x0, x1)).astype(dtype)
