"""Maps while they are made: in memory, or where they are large and have a place, on the disk, so that nobody holds them whole.

Large maps come back as Dask arrays in blocks of CHUNK x CHUNK pixels, whatever the tiles were, and are worked on block by
block.
"""

from __future__ import annotations

import os
import secrets
import shutil
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
TOKEN = "here"  # a file by which a process knows that it sees the folder of maps
LARGE = 2**26  # bytes of all maps, above which they lie on the disk where there is a place for them

Arrays = dict[str, np.ndarray]


class Maps:
    """Maps (height, width, ...) that are filled tile by tile.

    fill   : {name: value of pixels without data, a NumPy scalar or an array of them}
    tiles  : of one size, but those at the lower and right edge
    folder : on the disk, for large maps, and for small ones whose tiles are to be kept; None: all stay in memory
    shift  : by which borders between tiles lie before whole sides (spaxel.cube.tiles.shifted)

    Each tile is a chunk of its own there, so that tiles are written by whoever computes them.
    """

    def __init__(
        self, fill: dict[str, Any], size: tuple[int, int], sides: tuple[int, int], folder: Path | None, shift: int = 0
    ) -> None:
        self.fill = {name: np.asarray(value) for name, value in fill.items()}
        total = size[0] * size[1] * sum(value.nbytes for value in self.fill.values())
        self.on_disk = folder is not None and total > LARGE
        rows, columns = (n + shift if side >= n else side for side, n in zip(sides, size, strict=True))
        self._sides = rows, columns
        self.regions = None if folder is None else Regions(folder, self.fill, size, self._sides, shift)
        self._held: Arrays = {}
        if not self.on_disk:
            self._held = {name: np.full((*size, *value.shape), value) for name, value in self.fill.items()}

    def write(self, tile: Tile, good: np.ndarray, pixels: Arrays) -> None:
        """The values of one tile. good : (rows, columns) bool      pixels : {name: (number of good ones, ...)}"""
        if self.on_disk and self.regions:
            self.regions.write(tile, good, pixels)
            return
        for name in set(pixels) & set(self.fill):
            self._held[name][tile.y0 : tile.y1, tile.x0 : tile.x1][good] = pixels[name]

    def copy_out(self, tile: Tile) -> None:
        """Have a tile that is in memory on the disk, too."""
        if self.regions and not self.on_disk:
            self.regions.put(
                tile, {name: held[tile.y0 : tile.y1, tile.x0 : tile.x1] for name, held in self._held.items()}
            )

    def take_in(self, tile: Tile) -> None:
        """Take a tile that is on the disk into memory, if the maps are there."""
        if self.regions and not self.on_disk:
            for name, held in self._held.items():
                held[tile.y0 : tile.y1, tile.x0 : tile.x1] = self.regions.part(name, tile)

    def arrays(self) -> Arrays:
        """The maps by name: NumPy arrays, or Dask arrays of what lies on the disk."""
        if not (self.on_disk and self.regions):
            return self._held
        arrays = {name: self.regions.image(name) for name in self.fill}
        return {
            name: da.from_array(held, chunks=(CHUNK, CHUNK, *held.shape[2:]), name=False)
            for name, held in arrays.items()
        }


class Regions:
    """Maps in a folder, a Zarr array each, one chunk for a tile. It may travel to another process, which opens them there.

    Nothing is written where the folder is not the one that `make` made: on another machine that has another disk, or after the
    folder was removed.
    """

    def __init__(
        self, folder: Path, fill: Arrays, size: tuple[int, int], sides: tuple[int, int], shift: int = 0
    ) -> None:
        self.folder, self._fill, self.sides, self._shift = folder, fill, sides, shift
        self._size = (size[0] + shift, size[1] + shift)  # with rows and columns before the image, which nobody reads
        self._token = ""
        self._open: dict[str, zarr.Array] = {}

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_open": {}}

    def make(self) -> None:
        """Empty arrays, in place of what lies there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, value in self._fill.items():
            zarr.create_array(
                str(self.folder / name),
                shape=(*self._size, *value.shape),
                chunks=(*self.sides, *value.shape),
                dtype=value.dtype,
                compressors=None,
                config={"write_empty_chunks": True},
            )
        self._token = secrets.token_hex(16)
        (self.folder / TOKEN).write_text(self._token)

    def made(self) -> bool:
        """Whether such arrays are there; they are then used."""
        try:
            token = (self.folder / TOKEN).read_text()
            held = {name: self.array(name) for name in self._fill}
        except (OSError, ValueError, KeyError):
            return False
        self._token = token
        return all(
            (held[name].shape, held[name].chunks, held[name].dtype)
            == ((*self._size, *value.shape), (*self.sides, *value.shape), value.dtype)
            for name, value in self._fill.items()
        )

    def here(self) -> bool:
        """Whether this process sees the folder."""
        try:
            return bool(self._token) and (self.folder / TOKEN).read_text() == self._token
        except OSError:
            return False

    def array(self, name: str) -> zarr.Array:
        """The array of a map."""
        if name not in self._open:
            held = zarr.open_array(str(self.folder / name), mode="r+")
            self._open[name] = held.with_config({"write_empty_chunks": True})
        return self._open[name]

    def part(self, name: str, tile: Tile) -> np.ndarray:
        """What a map holds at a tile."""
        return np.asarray(self.array(name)[_place(tile, self._shift)])

    def image(self, name: str) -> Any:
        """A map as an array of the size of the image."""
        return _Image(self.array(name), self._shift) if self._shift else self.array(name)

    def write(self, tile: Tile, good: np.ndarray, pixels: Arrays) -> None:
        """The values of one tile, as `Maps.write`; it is on the disk afterwards."""
        blocks = {name: np.full((*good.shape, *value.shape), value) for name, value in self._fill.items()}
        for name in set(pixels) & set(blocks):
            blocks[name][good] = pixels[name]
        self.put(tile, blocks)

    def put(self, tile: Tile, blocks: Arrays) -> None:
        """Whole blocks (rows, columns, ...) of one tile."""
        before = [(0 if start else self._shift, 0) for start in (tile.y0, tile.x0)]  # so that whole chunks are written
        rows, columns = _place(tile, self._shift)
        place = slice(rows.start - before[0][0], rows.stop), slice(columns.start - before[1][0], columns.stop)
        for name, block in blocks.items():
            self.array(name)[place] = np.pad(block, [*before, *[(0, 0)] * (block.ndim - 2)])
            with self._chunk(name, tile).open("r+b") as file:  # Windows settles no file that is open to be read
                os.fsync(file.fileno())

    def whole(self, tile: Tile) -> bool:
        """Whether the chunks of a tile are there with all their bytes."""
        try:
            return all(
                self._chunk(name, tile).stat().st_size == self.sides[0] * self.sides[1] * value.nbytes
                for name, value in self._fill.items()
            )
        except OSError:
            return False

    def _chunk(self, name: str, tile: Tile) -> Path:
        y, x = ((n + self._shift) // side for n, side in zip((tile.y1 - 1, tile.x1 - 1), self.sides, strict=True))
        place = (y, x, *(0,) * self._fill[name].ndim)
        return self.folder / name / self.array(name).metadata.encode_chunk_key(place)


class _Image:
    """An array without its first rows and columns, to be sliced by Dask."""

    def __init__(self, held: zarr.Array, shift: int) -> None:
        self._held, self._shift = held, shift
        self.shape, self.dtype, self.ndim = (
            (*(n - shift for n in held.shape[:2]), *held.shape[2:]),
            held.dtype,
            held.ndim,
        )

    def __getitem__(self, key: tuple[Any, ...]) -> np.ndarray:
        moved = (self._moved(part, n) for part, n in zip(key[:2], self.shape, strict=False))
        return np.asarray(self._held[(*moved, *key[2:])])

    def _moved(self, part: Any, n: int) -> Any:
        if not isinstance(part, slice):
            return part + self._shift
        start, stop, step = part.indices(n)
        return slice(start + self._shift, stop + self._shift, step)


def _place(tile: Tile, shift: int) -> tuple[slice, slice]:
    return slice(tile.y0 + shift, tile.y1 + shift), slice(tile.x0 + shift, tile.x1 + shift)


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
