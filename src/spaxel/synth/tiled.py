"""A world that is made tile by tile: lazy arrays whose bits do not depend on how they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np

from spaxel.tiles import CELL


def tiled(function: Callable[..., np.ndarray], world: Any, shape: tuple[int, ...], dtype: type[np.generic]) -> da.Array:
    """A Dask array of shape (y, x, …), made by function(world, y, x) per native tile; y (h,), x (w,) are its pixels."""
    chunks = tuple(tuple(min(CELL, n - i) for i in range(0, n, CELL)) for n in shape[:2]) + tuple(shape[2:])
    meta = np.empty((0,) * len(shape), dtype)
    return da.map_blocks(_block, function, world, dtype, chunks=chunks, dtype=dtype, meta=meta)


def _block(
    function: Callable[..., np.ndarray], world: Any, dtype: type[np.generic], block_info: dict[Any, Any]
) -> np.ndarray:
    (y0, y1), (x0, x1) = block_info[None]["array-location"][:2]
    return function(world, np.arange(y0, y1), np.arange(x0, x1)).astype(dtype)
