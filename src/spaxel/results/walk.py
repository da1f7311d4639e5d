"""A walk over the maps of a result: rectangle by rectangle, so that nobody holds a map, whatever its size.

Maps in memory come as one rectangle, as they are. Of maps that lie on the disk as many whole chunks are held at once as the
memory allows, full rows of the image where they fit, so that each chunk is read once. What is counted over a walk is the same
whatever the rectangles; what is added is the same bit by bit where it is added as whole numbers (spaxel.cube.exact.Totals).

>>> import numpy as np
>>> labels = np.array([[0, 1], [1, -1]])
>>> [int((values >= 0).sum()) for _, _, (values,) in walk(labels)]
[3]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import dask
import numpy as np
import xarray as xr

from spaxel.cube.computing import alone
from spaxel.cube.stored import is_lazy
from spaxel.cube.tiles import Tile, grid, with_halo
from spaxel.errors import MemoryBudgetError

USUAL = 2**26  # bytes that a rectangle takes; more is no quicker
PART = 4  # of the memory that is given, one part is what a rectangle takes at most

_memory: ContextVar[int | None] = ContextVar("spaxel_memory_of_walks", default=None)


class Piece(NamedTuple):
    """A rectangle of a walk.

    tile   : where it is      inside : where its pixels are in the values, which may have more around them
    values : of each map, (rows, columns, ...)
    """

    tile: Tile
    inside: tuple[slice, slice]
    values: list[np.ndarray]


@contextmanager
def bounded(memory: int | None) -> Iterator[None]:
    """Walks inside the block hold no more than so many bytes at once, or one chunk of each map; None changes nothing.

    Raises MemoryBudgetError where a walk finds that one chunk of each map takes more.
    """
    token = _memory.set(_memory.get() if memory is None else memory)
    try:
        yield
    finally:
        _memory.reset(token)


def walk(*maps: Any, halo: int = 0, scratch: int = 0) -> Iterator[Piece]:
    """The rectangles of maps of one size, row by row.

    maps    : (y, x, ...) arrays, or DataArrays with these dimensions in any order
    halo    : so many pixels around each rectangle come with it, as far as the image goes
    scratch : bytes for each pixel that the caller needs beside the values
    Raises MemoryBudgetError where the memory of `bounded` does not hold one chunk of each map.
    """
    held = [_plain(one) for one in maps]
    height, width = size = held[0].shape[:2]
    if not any(is_lazy(one) for one in held):
        yield Piece(Tile(0, height, 0, width), (slice(0, height), slice(0, width)), held)
        return
    for tile in grid(height, width, *sides(held, scratch)):
        around, inside = with_halo(tile, size, halo)
        yield Piece(tile, inside, read(held, around))


def strips(*maps: Any, step: int, scratch: int = 0) -> Iterator[list[np.ndarray]]:
    """The values of maps of one size in whole rows of the image, a multiple of `step` of them: blocks of pixels stay together.

    maps, scratch : as for `walk`. At least `step` rows are held, whatever the memory.
    """
    held = [_plain(one) for one in maps]
    height, width = held[0].shape[:2]
    rows = sides(held, scratch)[0] if any(is_lazy(one) for one in held) else height
    for tile in grid(height, width, max(step, rows // step * step), width):
        yield read(held, tile)


def read(maps: list[Any], tile: Tile) -> list[np.ndarray]:
    """The values of each map in a rectangle."""
    place = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
    return list(dask.compute(*(one[place] for one in maps), scheduler=alone))


def sides(maps: list[Any], scratch: int = 0) -> tuple[int, int]:
    """Rows and columns of a rectangle of maps of which some are lazy: whole chunks, whole rows of the image if they fit."""
    height, width = maps[0].shape[:2]
    lazy = [one for one in maps if is_lazy(one)]
    rows, columns = (max(max(one.chunks[axis], default=1) for one in lazy) for axis in (0, 1))
    rows, columns = max(1, rows), max(1, columns)
    own = sum(_pixel_bytes(one) for one in lazy)
    memory = _memory.get()
    if memory is not None and (need := rows * columns * own) > memory:
        raise MemoryBudgetError(
            f"{memory / 2**20:.2f} MiB do not hold {rows} x {columns} pixels of the maps, which lie on the disk in such "
            f"pieces; {need / 2**20:.2f} MiB are needed. Try a larger --memory."
        )
    room = USUAL if memory is None else min(USUAL, memory // PART)
    n = room // max(2 * own + scratch, 1)  # twice: as they are read, and as they are put together
    if n >= rows * width:
        return min(height, n // (rows * width) * rows), width
    return rows, min(width, max(1, n // (rows * columns)) * columns)


def _pixel_bytes(one: Any) -> int:
    return int(one.dtype.itemsize * np.prod(one.shape[2:], dtype=np.int64))


def _plain(one: Any) -> Any:
    if isinstance(one, xr.DataArray):
        return one.transpose("y", "x", ...).data
    return one if is_lazy(one) else np.asarray(one)
