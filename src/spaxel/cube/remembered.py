"""Cells that were read are held in memory: while an image is sampled twice, for its channels and for the fit, some of them
until it is mapped, and while it is gone through in tiles that overlap.

`Cells`, inside `remembering`: what does not fit is read again; nothing is thrown out for what comes later, since all is asked
for in the same order, until `forget`. `Passing`, inside `holding`: the oldest are thrown out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

import numpy as np

from spaxel.cube.tiles import CELL, Tile

Read = Callable[[Tile], np.ndarray]
Part = tuple[Tile, np.ndarray]  # a rectangle, and its values


class Cells:
    """Cells of sources, at most `room` bytes. keep : so many of them stay when the sample of the fit is drawn"""

    def __init__(self, room: int) -> None:
        self.room, self.keep = room, 0
        self._held: dict[tuple[object, Tile], np.ndarray] = {}
        self._from: dict[tuple[object, int, int], Tile] = {}  # the cell that is held from a corner on

    def read(self, source: object, tile: Tile, read: Read) -> np.ndarray:
        """A tile (rows, columns, ...) of a source, of which only the cells that are not held are read.

        read : what reads a tile of the source
        """
        if self.room <= 0 and not self._held:
            return read(tile)
        if tile.y0 % CELL or tile.x0 % CELL or tile.y1 - tile.y0 > CELL:
            return self._put_together(source, tile, read)
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
            self._from[source, cell.y0, cell.x0] = cell
            self.room -= values.nbytes

    def _joined(self, source: object, cells: list[Tile]) -> np.ndarray:
        parts = [self._held[source, cell] for cell in cells]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _put_together(self, source: object, tile: Tile, read: Read) -> np.ndarray:
        """A tile that lies across cells, of those that are held; read where one is missing."""
        found: list[tuple[Tile, np.ndarray]] = []
        for y, x in corners(tile):
            cell = self._from.get((source, y, x))
            if cell is None or cell.y1 < min(tile.y1, y + CELL) or cell.x1 < min(tile.x1, x + CELL):
                return read(tile)
            found.append((cell, self._held[source, cell]))
        return put_together(tile, found)

    @property
    def nbytes(self) -> int:
        """Held now."""
        return sum(values.nbytes for values in self._held.values())

    def limit(self, most: int) -> None:
        """Hold at most so many bytes from now on: the first cells of those that are held."""
        held = self.nbytes
        if held > most:
            self.forget(most)
        else:
            self.room = min(self.room, most - held)

    def forget(self, keep: int = 0) -> None:
        """Hold the first cells only, so many bytes of them, and no others later."""
        self.room, left = 0, keep
        for place, values in list(self._held.items()):
            left -= values.nbytes
            if left < 0:
                del self._held[place]
        self._from = {(source, cell.y0, cell.x0): cell for source, cell in self._held}


class Passing:
    """Cells of an image that is gone through in tiles that overlap, so that each is read about once. Threads share it.

    room : bytes, beyond which the oldest are let go      size : of the image      kept : of the time before
    edge : of each cell only so many of its last rows and columns are held, for tiles that need no more of it
           (spaxel.cube.tiles.shifted); all of it until the tile was read that needs the rest; None: all of it
    """

    def __init__(self, room: int, size: tuple[int, int], kept: Cells | None = None, edge: int | None = None) -> None:
        self._room, self._size, self._kept, self._lock = room, size, kept, Lock()
        self._edge = edge
        self._held: OrderedDict[tuple[object, Tile], list[Part]] = OrderedDict()

    def read(self, source: object, tile: Tile, read: Read) -> np.ndarray:
        """A tile (rows, columns, ...) of a source; cells that are not held are read whole, neighbours in a row together.

        One thread after the other, so that none reads what another one is reading.
        """
        cells = [Tile(y, min(y + CELL, self._size[0]), x, min(x + CELL, self._size[1])) for y, x in corners(tile)]
        with self._lock:
            found = {cell: part for cell in cells if (part := self._part(source, cell, tile)) is not None}
            for cell, (held, values) in list(found.items()):
                self._held.move_to_end((source, cell))
                if self._edge is not None and held == cell and not self._only_edge(cell, tile):
                    self._hold(source, {cell: values}, tile)
            for span in _spans(cell for cell in cells if cell not in found):
                values = read(span) if self._kept is None else self._kept.read(source, span, read)
                own = [cell for cell in cells if cell.y0 == span.y0 and span.x0 <= cell.x0 < span.x1]
                read_now = {cell: values[:, cell.x0 - span.x0 : cell.x1 - span.x0] for cell in own}
                found |= {cell: (cell, values) for cell, values in read_now.items()}
                self._hold(source, read_now, tile)
        return put_together(tile, found.values())

    @property
    def nbytes(self) -> int:
        """Held now."""
        return sum(map(_bytes, self._held.values()))

    def _part(self, source: object, cell: Tile, tile: Tile) -> Part | None:
        """What is held of a cell, if it is all that a tile needs of it."""
        need = _both(cell, tile)
        held = self._held.get((source, cell), ())
        return next((part for part in held if _inside(need, part[0])), None)

    def _edges(self, cell: Tile) -> tuple[Tile, Tile]:
        """Its last rows, its last columns."""
        n = self._edge or CELL
        return cell._replace(y0=max(cell.y0, cell.y1 - n)), cell._replace(x0=max(cell.x0, cell.x1 - n))

    def _only_edge(self, cell: Tile, tile: Tile) -> bool:
        """Whether a tile needs no more of a cell than one of its edges, so that another one is still to need the rest."""
        return any(_inside(_both(cell, tile), edge) for edge in self._edges(cell))

    def _parts(self, cell: Tile, values: np.ndarray, tile: Tile) -> list[Part]:
        """What is held of a cell that was read for a tile: copies of its last rows and columns, or all."""
        if self._edge is None:
            return [(cell, values)]
        if self._only_edge(cell, tile):  # by a thread that was quicker than the one whose tile this cell is
            return [(cell, values.copy())]
        rows, columns = self._edges(cell)
        return [(rows, values[rows.y0 - cell.y0 :].copy()), (columns, values[:, columns.x0 - cell.x0 :].copy())]

    def _hold(self, source: object, cells: dict[Tile, np.ndarray], tile: Tile) -> None:
        for cell, values in cells.items():
            parts = self._parts(cell, values, tile)
            self._room += _bytes(self._held.get((source, cell), [])) - _bytes(parts)
            self._held[source, cell] = parts
        while self._room < 0 and self._held:
            self._room += _bytes(self._held.popitem(last=False)[1])


def _both(one: Tile, other: Tile) -> Tile:
    """What lies in both."""
    return Tile(max(one.y0, other.y0), min(one.y1, other.y1), max(one.x0, other.x0), min(one.x1, other.x1))


def _inside(one: Tile, other: Tile) -> bool:
    return one.y0 >= other.y0 and one.y1 <= other.y1 and one.x0 >= other.x0 and one.x1 <= other.x1


def _bytes(parts: list[Part]) -> int:
    return sum(values.nbytes for _, values in parts)


def corners(tile: Tile) -> list[tuple[int, int]]:
    """Where the cells that a tile touches begin, row by row."""
    rows, columns = (range(start // CELL * CELL, end, CELL) for start, end in (tile[:2], tile[2:]))
    return [(y, x) for y in rows for x in columns]


def put_together(tile: Tile, cells: Iterable[Part]) -> np.ndarray:
    """The values of a tile from those of the cells that it touches."""
    found: np.ndarray | None = None
    for cell, values in cells:
        y0, y1 = max(tile.y0, cell.y0), min(tile.y1, cell.y1)
        x0, x1 = max(tile.x0, cell.x0), min(tile.x1, cell.x1)
        if found is None:
            found = np.empty((tile.y1 - tile.y0, tile.x1 - tile.x0, *values.shape[2:]), values.dtype)
        part = values[y0 - cell.y0 : y1 - cell.y0, x0 - cell.x0 : x1 - cell.x0]
        found[y0 - tile.y0 : y1 - tile.y0, x0 - tile.x0 : x1 - tile.x0] = part
    assert found is not None
    return found


def _spans(cells: Iterable[Tile]) -> Iterator[Tile]:
    """Cells, row by row, as tiles of neighbours in a row."""
    span: Tile | None = None
    for cell in cells:
        if span is not None and (cell.y0, cell.x0) == (span.y0, span.x1):
            span = span._replace(x1=cell.x1)
            continue
        if span is not None:
            yield span
        span = cell
    if span is not None:
        yield span


_cells: ContextVar[Cells | Passing | None] = ContextVar("spaxel_remembered_cells", default=None)


@contextmanager
def remembering(room: int) -> Iterator[Cells]:
    """Inside, cells that are read are held, at most `room` bytes, until `forget` is called."""
    cells = Cells(room)
    token = _cells.set(cells)
    try:
        yield cells
    finally:
        _cells.reset(token)


def forget() -> None:
    """Hold no cells any more, but those that are to be kept: the sample of the fit is drawn."""
    if (cells := kept_now()) is not None:
        cells.forget(cells.keep)


def kept_now() -> Cells | None:
    """The cells of this thread."""
    return cells if isinstance(cells := _cells.get(), Cells) else None


@contextmanager
def holding(cells: Cells | Passing | None) -> Iterator[None]:
    """Inside, in this thread, tiles are read through these cells; None: through none."""
    token = _cells.set(cells)
    try:
        yield
    finally:
        _cells.reset(token)


def through_memory(source: object, tile: Tile, read: Read) -> np.ndarray:
    """A tile of a source, from memory where it is held."""
    cells = _cells.get()
    return read(tile) if cells is None else cells.read(source, tile, read)
