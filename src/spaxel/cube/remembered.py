"""Cells that were read are held in memory while an image is sampled twice: for its channels, and for the fit.

Inside `remembering`, until `forget`. What does not fit is read again; nothing is thrown out for what comes later, since all is
asked for in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from spaxel.cube.tiles import CELL, Tile

Read = Callable[[Tile], np.ndarray]


class Cells:
    """Cells of sources, at most `room` bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._held: dict[tuple[object, Tile], np.ndarray] = {}

    def read(self, source: object, tile: Tile, read: Read) -> np.ndarray:
        """A tile (rows, columns, ...) of a source, of which only the cells that are not held are read.

        read : what reads a tile of the source
        """
        if (self.room <= 0 and not self._held) or tile.y0 % CELL or tile.x0 % CELL or tile.y1 - tile.y0 > CELL:
            return read(tile)
        cells = [tile._replace(x0=x, x1=min(x + CELL, tile.x1)) for x in range(tile.x0, tile.x1, CELL)]
        missing = [cell for cell in cells if (source, cell) not in self._held]
        if not missing:
            return self._joined(source, cells)
        span = tile._replace(x0=missing[0].x0, x1=missing[-1].x1)
        found = read(span)
        for cell in missing:
            self._hold(source, cell, found[:, cell.x0 - span.x0 : cell.x1 - span.x0])
        before, behind = ([c for c in cells if c.x1 <= span.x0], [c for c in cells if c.x0 >= span.x1])
        parts = [*(self._held[source, c] for c in before), found, *(self._held[source, c] for c in behind)]
        return found if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _hold(self, source: object, cell: Tile, values: np.ndarray) -> None:
        if values.nbytes <= self.room:
            held = values.copy()
            held.flags.writeable = False
            self._held[source, cell] = held
            self.room -= values.nbytes

    def _joined(self, source: object, cells: list[Tile]) -> np.ndarray:
        parts = [self._held[source, cell] for cell in cells]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def forget(self) -> None:
        """Hold nothing, now and later."""
        self._held.clear()
        self.room = 0


_cells: ContextVar[Cells | None] = ContextVar("spaxel_remembered_cells", default=None)


@contextmanager
def remembering(room: int) -> Iterator[None]:
    """Inside, cells that are read are held, at most `room` bytes, until `forget` is called."""
    token = _cells.set(Cells(room))
    try:
        yield
    finally:
        _cells.reset(token)


def forget() -> None:
    """Hold no cells any more: the sample of the fit is drawn."""
    if (cells := _cells.get()) is not None:
        cells.forget()


def through_memory(source: object, tile: Tile, read: Read) -> np.ndarray:
    """A tile of a source, from memory where it is held."""
    cells = _cells.get()
    return read(tile) if cells is None else cells.read(source, tile, read)
