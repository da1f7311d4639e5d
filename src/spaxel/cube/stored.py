"""Maps while they are made: in memory where they are small, else on the disk, tile by tile, so that nobody holds them whole.

Large maps come back as Dask arrays in blocks of CHUNK x CHUNK pixels, whatever the tiles were, and are worked on block by
block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import zarr

from spaxel.cube.computing import alone
from spaxel.cube.tiles import Tile, grid

CHUNK = 512  # sides of the blocks of a map
LARGE = 2**26  # bytes of all maps, above which they lie on the disk where there is a place for them

Arrays = dict[str, np.ndarray]


class Maps:
    """Maps (height, width, ...) that are filled tile by tile.

    fill   : {name: value of pixels without data, a NumPy scalar or an array of them}
    sides  : rows and columns of a tile
    folder : of large maps, made here; None: all stay in memory
    """

    def __init__(
        self, fill: dict[str, Any], size: tuple[int, int], sides: tuple[int, int], folder: Path | None
    ) -> None:
        self.fill = {name: np.asarray(value) for name, value in fill.items()}
        total = size[0] * size[1] * sum(value.nbytes for value in self.fill.values())
        self.on_disk = folder is not None and total > LARGE
        self._held: dict[str, Any] = {}
        for name, value in self.fill.items():
            if self.on_disk:
                self._held[name] = zarr.create_array(
                    str(Path(folder or "") / name),
                    shape=(*size, *value.shape),
                    chunks=(*(min(pair) for pair in zip(sides, size, strict=True)), *value.shape),
                    dtype=value.dtype,
                    compressors=None,
                    overwrite=True,
                    config={"write_empty_chunks": True},
                )
            else:
                self._held[name] = np.full((*size, *value.shape), value)

    def write(self, tile: Tile, good: np.ndarray, pixels: Arrays) -> None:
        """The values of one tile. good : (rows, columns) bool      pixels : {name: (number of good ones, ...)}"""
        place = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
        for name, value in self.fill.items():
            if not self.on_disk:
                if name in pixels:
                    self._held[name][place][good] = pixels[name]
                continue
            block = np.full((*good.shape, *value.shape), value)
            if name in pixels:
                block[good] = pixels[name]
            self._held[name][place] = block

    def arrays(self) -> Arrays:
        """The maps by name: NumPy arrays, or Dask arrays of what lies on the disk."""
        if not self.on_disk:
            return self._held
        return {name: da.from_zarr(held, chunks=(CHUNK, CHUNK, *held.shape[2:])) for name, held in self._held.items()}


def is_lazy(values: Any) -> bool:
    """Whether these are values that lie elsewhere, to be worked on block by block."""
    return isinstance(values, da.Array)


def by_block(
    function: Callable[..., np.ndarray], *maps: Any, dtype: Any, shape: tuple[int, ...] = (), halo: int = 0
) -> Any:
    """A function of maps, at once where they are in memory, else lazily, block by block.

    function : ((rows, columns, ...) of each map) -> (rows, columns, *shape) of a dtype; a pixel may depend on those at most
               `halo` away: it is given so many more on each side, as far as the image goes, and their answers are left out
    """
    if not any(is_lazy(one) for one in maps):
        return function(*maps)
    first = next(one for one in maps if is_lazy(one))
    whole = [_blocked(one, first.chunks[:2]) for one in maps]
    rows = [list(np.cumsum([0, *sizes])) for sizes in first.chunks[:2]]
    parts = [
        [_part(function, whole, (slice(*y), slice(*x)), first.shape[:2], halo, dtype, shape) for x in pairwise(rows[1])]
        for y in pairwise(rows[0])
    ]
    return da.concatenate([da.concatenate(row, axis=1) for row in parts], axis=0)


def _blocked(values: Any, chunks: Any) -> Any:
    if is_lazy(values):
        return values
    return da.from_array(values, chunks=(*chunks, *values.shape[2:]))


def _part(
    function: Callable[..., np.ndarray],
    maps: list[Any],
    place: tuple[slice, slice],
    size: tuple[int, ...],
    halo: int,
    dtype: Any,
    shape: tuple[int, ...],
) -> Any:
    """One block of `by_block`."""
    wide = tuple(slice(max(s.start - halo, 0), min(s.stop + halo, n)) for s, n in zip(place, size, strict=True))
    inside = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(place, wide, strict=True))
    answer = dask.delayed(_inner, pure=False)(function, inside, *(one[wide] for one in maps))
    sides = tuple(s.stop - s.start for s in place)
    return da.from_delayed(answer, (*sides, *shape), dtype)


def _inner(function: Callable[..., np.ndarray], inside: tuple[slice, slice], *maps: np.ndarray) -> np.ndarray:
    return function(*maps)[inside]


def blocks(*maps: Any) -> Iterator[tuple[Tile, list[np.ndarray]]]:
    """Blocks of maps of one size, one after the other: where they are, and the values of each map there."""
    height, width = maps[0].shape[:2]
    whole = not any(is_lazy(one) for one in maps)
    for tile in grid(height, width, *((height, width) if whole else (CHUNK, CHUNK))):
        place = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
        yield tile, list(dask.compute(*(one[place] for one in maps), scheduler=alone))
