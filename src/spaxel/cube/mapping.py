"""A function of spectra, tile by tile over a cube: the bridge from a fitted model to maps.

The answer depends neither on the tiles, the memory, the scheduler nor the number of workers, bit by bit: every call of
the function sees the same number of rows (so that the same kernels run), and sums are added exactly (spaxel.cube.exact).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from spaxel.cube.executing import workers_now
from spaxel.cube.gaps import KINDS, MARKED, Gaps
from spaxel.cube.kept import Kept
from spaxel.cube.remembered import Cells, Passing, holding, kept_now
from spaxel.cube.sampling import STRIP, judged_parts, judged_tile
from spaxel.cube.stored import Maps, Regions
from spaxel.cube.tiles import CELL, Tile, grid, shifted, sides, with_halo
from spaxel.cube.workers import Workers
from spaxel.errors import MemoryBudgetError
from spaxel.pace import tell

BLOCK = 512  # rows of every call
TOGETHER = 32  # blocks whose pixels are looked at together afterwards
MOST_PIXELS = 8 * CELL * CELL  # of a tile, so that progress is seen
DEFAULT_MEMORY = 2**30
PASSING = 4  # this part of the memory, at most, holds cells at which tiles overlap
SUMS = 4  # arrays of a strip with what lies around it, of which the means of neighbours are made
NARROW = CELL // 4  # pixels around a tile, up to which only the edges of these cells are held

Arrays = dict[str, np.ndarray]
Function = Callable[[np.ndarray, int], tuple[Arrays, Arrays]]
After = Callable[[Arrays], Arrays]


class Look(NamedTuple):
    """What pixels see of their surroundings.

    function : (spectra (rows, columns, channel), usable (rows, columns)) -> features (rows, columns, n_features) float32, each
               of pixels at most `halo` away, the same bits whatever lies farther
    placed   : the function is also told where these pixels lie (a Tile) and (height, width) of the image
    """

    function: Callable[..., np.ndarray]
    halo: int
    n_features: int
    placed: bool = False


def map_tiles(
    function: Function,
    cube: xr.Dataset,
    fill: dict[str, Any],
    *,
    memory: int | None = None,
    gaps: Gaps = "complete",
    context: int = 0,
    look: Look | None = None,
    after: After | None = None,
) -> tuple[Arrays, Arrays]:
    """Maps and sums of a function over all usable pixels of a cube, by whoever computes now (spaxel.cube.executing).

    function  : (spectra (512, channel), n) -> (pixels, sums); only the first n rows are data, the rest is padding.
                pixels: {name: (512, ...)}; sums: {name: array} over the first n rows, exact in float64
    fill      : {name: value of pixels without data, as a NumPy scalar that also gives the dtype, or an array of them}
    memory    : bytes for what is read (on a cluster, by each worker); the tile is as large as it allows (default 1 GiB)
    gaps      : what becomes of missing values, see cube.gaps
    context   : 0, or the odd side of a window: spectra are then (512, 2 channel), see spaxel.cube.sampling.read_tile
    look      : features of the surroundings; spectra are then (512, channel + n_features)
    after     : of what the function says of some blocks together, {name: (n, ...)}, the same pixels for the maps
    returns   : ({name: (y, x, ...)}, {name: sum}), large maps inside spaxel.cube.kept.keeping as Dask arrays of what lies on
                the disk, see spaxel.cube.stored; among the sums `why`: pixels by what spaxel.cube.gaps.judge says of them
    Raises MemoryBudgetError if not even one row of 64 pixels fits, with what lies around it; WorkersLost, see spaxel.executing.
    """
    height, width, _ = cube["spectra"].shape
    workers = workers_now()
    kept = Kept(fill, f"{gaps} {context} {cube['spectra'].shape}")
    cells, memory = None if workers.apart else kept_now(), memory or DEFAULT_MEMORY
    memory -= min(cells.nbytes, memory // 2) if cells else 0
    need = Need(cube, context, look)
    tile_sides, spare = _shared_out(need, memory, workers, kept.sides)
    shift = need.shift(tile_sides)
    tiles = shifted(height, width, *tile_sides, shift) if shift else grid(height, width, *tile_sides)
    maps = Maps(fill, (height, width), tile_sides, kept.arrays, shift)
    left = kept.go_on(maps, tiles)
    done = height * width - sum(tiles[i].n_pixels for i in left)
    held = Held(cube, gaps, context, look)
    if not workers.apart:
        room, edge = need.passing(tile_sides), 2 * shift or None
        held.cells = Passing(room, (height, width), cells, edge) if 0 < room <= spare else cells
    work = _Work(function, after, held.sent() if workers.apart else held, maps.regions if maps.on_disk else None)
    pieces = ((i, tiles[i], held.cut(tiles[i]) if workers.apart else None) for i in left)
    tell("pixels", done, height * width)
    try:
        with threadpool_limits(1), closing(workers.each(work, pieces)) as answers:
            for (i, tile, _), answer in answers:
                if not answer.written:
                    maps.write(tile, answer.good, answer.pixels)
                kept.keep(i, answer.sums)
                done += tile.n_pixels
                tell("pixels", done, height * width)
    except BaseException:
        kept.settle()
        raise
    return maps.arrays(), kept.sums


class Answer(NamedTuple):
    """What is said of a tile: which pixels are data, their values and sums by name; written: the first two are in the maps."""

    good: np.ndarray
    pixels: Arrays
    sums: Arrays
    written: bool = False


Part = tuple[xr.Dataset, tuple[int, int]]  # of a cube, and where in the image it begins
Piece = tuple[int, Tile, Part | None]  # the number of a tile, where it lies, and its part of a cube in memory


@dataclass(frozen=True)
class _Work:
    """What is done with each tile, by whoever computes it, who writes it to the maps on the disk if these are in reach."""

    function: Function
    after: After | None
    held: Held
    regions: Regions | None

    def __call__(self, piece: Piece) -> Answer:
        _, tile, part = piece
        answer = _one_tile(self.function, self.after, self.held if part is None else self.held.of(*part), tile)
        if self.regions is None or not self.regions.here():
            return answer
        self.regions.write(tile, answer.good, answer.pixels)
        return Answer(np.zeros(0, bool), {}, answer.sums, written=True)


class Held:
    """A cube and how its tiles are read. One in memory is cut for other processes, each of which gets its tile only.

    size : of the image      origin : of what is here of it
    """

    def __init__(self, cube: xr.Dataset, gaps: Gaps, context: int, look: Look | None) -> None:
        self.cube = cube[[name for name in ("spectra", "valid", "completion") if name in cube]]
        self.gaps, self.context, self.look = gaps, context, look
        self.size = (cube.sizes["y"], cube.sizes["x"])
        self.origin = (0, 0)
        self.cells: Cells | Passing | None = None  # that are held by the process that reads them all

    @property
    def halo(self) -> int:
        """Pixels around a tile that are read with it."""
        return self.look.halo if self.look else self.context // 2

    @property
    def _in_memory(self) -> bool:
        return self.cube["spectra"].chunks is None

    def sent(self) -> Held:
        """What all tiles need of it."""
        return self.of(self.cube.isel(y=slice(0), x=slice(0)), (0, 0)) if self._in_memory else self

    def cut(self, tile: Tile) -> Part | None:
        """What a tile needs besides."""
        if not self._in_memory:
            return None
        around, _ = with_halo(tile, self.size, self.halo)
        part = self.cube.isel(y=slice(around.y0, around.y1), x=slice(around.x0, around.x1))
        return part.copy(deep=True), (around.y0, around.x0)

    def of(self, cube: xr.Dataset, origin: tuple[int, int]) -> Held:
        """The same for a part of the image, which begins at `origin`."""
        found = copy(self)
        found.cube, found.origin = cube, origin
        return found

    def here(self, tile: Tile) -> Tile:
        """A tile of the image, in what is here of it."""
        y, x = self.origin
        return Tile(tile.y0 - y, tile.y1 - y, tile.x0 - x, tile.x1 - x)


def _one_tile(function: Function, after: After | None, held: Held, tile: Tile) -> Answer:
    with holding(held.cells):
        parts, why = _seen(held, tile)
    good = why < MARKED
    at, sums = np.flatnonzero(good), dict[str, np.ndarray]()
    pixels: list[Arrays] = []
    some: list[Arrays] = []
    for start in range(0, len(at), BLOCK):
        n = min(BLOCK, len(at) - start)
        chosen = np.append(at[start : start + n], np.repeat(at[start], BLOCK - n))
        y, x = np.divmod(chosen, good.shape[1])
        rows = [part[y, x] for part in parts]
        answer, added = function(np.concatenate(rows, axis=1) if len(rows) > 1 else rows[0], n)
        some.append({name: values[:n] for name, values in answer.items()})
        if len(some) == TOGETHER or start + BLOCK >= len(at):
            joined = _joined(some)
            pixels.append(after(joined) if after else joined)
            some = []
        sums = {name: sums[name] + values if sums else values for name, values in added.items()}
    sums["why"] = np.bincount(why.ravel(), minlength=KINDS).astype(np.float64)
    return Answer(good, _joined(pixels), sums)


def _joined(parts: list[Arrays]) -> Arrays:
    """Pixels of several blocks as one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else {})}


def _seen(held: Held, tile: Tile) -> tuple[list[np.ndarray], np.ndarray]:
    """Spectra of a tile and features of what lies around, (rows, columns, …) each, and which pixels are usable or why not."""
    if not held.look:
        return judged_parts(held.cube, held.here(tile), held.gaps, held.context)
    around, inside = with_halo(tile, held.size, held.look.halo)
    spectra, why = judged_tile(held.cube, held.here(around), held.gaps)
    place = (around, held.size) if held.look.placed else ()
    return [spectra[inside], held.look.function(spectra, why < MARKED, *place)[inside]], why[inside]


class Need(NamedTuple):
    """What reading a cube in tiles needs of the memory, in bytes."""

    cube: xr.Dataset
    context: int
    look: Look | None

    @property
    def halo(self) -> int:
        """Pixels around a tile that are read with it."""
        return self.look.halo if self.look else self.context // 2

    @property
    def _size(self) -> tuple[int, int]:
        return self.cube.sizes["y"], self.cube.sizes["x"]

    @property
    def per_pixel(self) -> int:
        """A pixel that is read, without the mean of its neighbours: as it is read and a copy, masks, features."""
        found = self.cube.sizes["channel"] * (2 * self.cube["spectra"].dtype.itemsize + 3)
        if "variance" in self.cube:  # says which values were not measured
            found += self.cube.sizes["channel"] * self.cube["variance"].dtype.itemsize
        return found + (16 * self.look.n_features if self.look else 0)  # these, and what they are made of

    def tile(self, rows: int, columns: int) -> int:
        """A tile with what lies around it; means of neighbours, and the sums of one strip of them after the other."""
        height, width = self._size
        wide = columns + 2 * self.halo
        read = min(rows + 2 * self.halo, height) * min(wide, width) * self.per_pixel
        if not self.context:
            return read
        mean = self.cube.sizes["channel"] * np.result_type(self.cube["spectra"].dtype, np.float32).itemsize
        return read + (rows * columns + SUMS * (min(rows, STRIP) + 2 * self.halo) * wide) * mean

    def shift(self, tile_sides: tuple[int, int]) -> int:
        """By how many pixels borders between tiles lie before those of cells, see spaxel.cube.tiles.shifted."""
        whole = all(side % CELL == 0 or side >= n for side, n in zip(tile_sides, self._size, strict=True))
        return self.halo if whole and self.halo <= NARROW else 0

    def passing(self, tile_sides: tuple[int, int]) -> int:
        """What cells at which tiles overlap take: their edges, or three rows of them at least; 0 where none do."""
        (height, width), spectra = self._size, self.cube["spectra"]
        per_pixel = self.cube.sizes["channel"] * spectra.dtype.itemsize
        if not self.halo or (tile_sides[0] >= height and tile_sides[1] >= width):
            return 0
        if shift := self.shift(tile_sides):
            cells = (-(-min(tile_sides[0], height) // CELL) + 1) * (-(-width // CELL) + 2)
            return cells * 2 * (2 * shift) * CELL * per_pixel
        room = min(height, (-(-tile_sides[0] // CELL) + 2) * CELL) * width * per_pixel
        return room + room // 4


def _shared_out(need: Need, memory: int, workers: Workers, kept: tuple[int, int] | None) -> tuple[tuple[int, int], int]:
    """Sides of tiles, and the bytes for cells at which they overlap: a part of the memory, nothing where tiles need it all."""
    most = memory // PASSING if need.halo else 0
    with suppress(MemoryBudgetError):
        found, spare = _tile_sides(need, memory - most, workers, kept), most
        if (less := need.passing(found)) < most:  # the rest is for tiles
            larger = _tile_sides(need, memory - less, workers, kept)
            found, spare = (larger, less) if need.passing(larger) <= less else (found, most)
        return found, spare
    return _tile_sides(need, memory, workers, kept), 0


def _tile_sides(need: Need, memory: int, workers: Workers, kept: tuple[int, int] | None) -> tuple[int, int]:
    """Sides of the largest tile that fits into the memory together with what lies around it, and keeps all workers busy.

    kept : the sides of tiles that are finished already, which are taken if they fit
    """
    height, width, _ = need.cube["spectra"].shape
    fit = memory // workers.sharing
    if kept and need.tile(*kept) <= fit:
        return kept
    pixels = min(fit // need.per_pixel, MOST_PIXELS, max(CELL * CELL, -(-height * width // workers.n)))
    while pixels >= min(width, CELL):
        if need.tile(*(found := sides(height, width, pixels))) <= fit:
            return found
        pixels = pixels * 7 // 8
    least = need.tile(1, min(width, CELL)) * workers.sharing
    raise MemoryBudgetError(
        f"{memory / 2**20:.2f} MiB do not hold a row of {min(width, CELL)} pixels for {workers.sharing} workers; "
        f"at least {least / 2**20:.2f} MiB are needed. Try a larger memory, fewer workers, crop or rebin."
    )
