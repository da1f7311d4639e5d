"""What a network that sees surroundings is trained on: tiles of several cubes, each read once and looked at often.

Which tile is read when, and which windows are drawn in it, follows from (seed, epoch, rank, world) and from the sizes of the
images alone. One tile is held at a time, so the memory depends on the side of a tile and not on the cubes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.sampling import read_tile, saturated
from spaxel.cube.tiles import CELL, Tile
from spaxel.cube.windows import View, draw_views, shared, turned
from spaxel.errors import CubeError, MemoryBudgetError

SIDE = 2 * CELL  # of a tile that is read


class Patch(NamedTuple):
    """A tile and the windows to look at in it.

    spectra : (h, w, channel) float32      good : (h, w) bool, spectra elsewhere are 0      cube : its number
    views   : pairs of windows, in pixels of the tile
    """

    spectra: np.ndarray
    good: np.ndarray
    cube: int
    views: list[tuple[View, View]]


def covering(height: int, width: int, side: int = SIDE) -> list[Tile]:
    """Tiles of one shape that cover an image; the last of a row or column is moved inwards and overlaps the one before."""
    rows, columns = min(side, height), min(side, width)
    return [Tile(y, y + rows, x, x + columns) for y in _starts(height, rows) for x in _starts(width, columns)]


def _starts(length: int, side: int) -> list[int]:
    return [*range(0, length - side, side), length - side]


def tiles_for(
    shapes: Sequence[tuple[int, int]], seed: int, epoch: int, rank: int = 0, world: int = 1, side: int = SIDE
) -> Iterator[tuple[int, Tile]]:
    """Without end: (number of the cube, tile), in the order in which this process reads them.

    shapes : (height, width) of each cube. They take turns: each gives one tile per round, in an order drawn anew. A cube
             whose tiles are all read begins again in a new order, so small cubes count as much as large ones.
    rank   : reads every `world`-th of the sequence, which does not depend on either.
    """
    return islice(_all_tiles(shapes, seed, epoch, side), rank, None, world)


def _all_tiles(shapes: Sequence[tuple[int, int]], seed: int, epoch: int, side: int) -> Iterator[tuple[int, Tile]]:
    rng = np.random.default_rng([seed, 41, epoch])
    tiles = [covering(height, width, side) for height, width in shapes]
    left: list[list[int]] = [[] for _ in shapes]
    while True:
        for cube in rng.permutation(len(shapes)).tolist():
            left[cube] = left[cube] or rng.permutation(len(tiles[cube])).tolist()
            yield cube, tiles[cube][left[cube].pop()]


def read_patch(cube: xr.Dataset, tile: Tile) -> tuple[np.ndarray, np.ndarray]:
    """The spectra of a tile to train on, (h, w, channel) float32 of its own with 0 where no data are, and where they are.

    Pixels at which a detector was full count as no data here; they get labels all the same.
    """
    spectra, good = read_tile(cube, tile)
    good = good & ~saturated(cube, tile)
    own = np.zeros(spectra.shape, np.float32)
    np.copyto(own, spectra, where=good[..., None], casting="same_kind")
    return own, good


def draws(
    cubes: Sequence[xr.Dataset],
    seed: int,
    epoch: int,
    n_tiles: int,
    reuse: int = 5,
    side: int = CELL,
    memory: int | None = None,
    rank: int = 0,
    world: int = 1,
    skip: frozenset[tuple[int, Tile]] = frozenset(),
    read: Callable[[int, Tile], tuple[np.ndarray, np.ndarray]] | None = None,
) -> Iterator[Patch]:
    """n_tiles tiles of cubes, each with `reuse` pairs of overlapping windows of this side.

    memory : bytes. What is read must fit into it together with the tile read before; it never changes what is drawn.
    skip   : tiles that are passed over, as (number of the cube, tile); not all of them
    read   : (number of the cube, tile) -> what stands for the spectra of a patch, and `good`; default `read_patch`
    A tile without any usable spectrum is passed over and the next one is read in its place.
    Raises MemoryBudgetError if a tile is too large, CubeError if no tile of this process holds data.
    """
    reading = max(SIDE, side)
    shapes = [(cube.sizes["y"], cube.sizes["x"]) for cube in cubes]
    for cube in cubes:
        _check_memory(cube, reading, memory)
    patience = len(cubes) * max(len(covering(*shape, reading)) for shape in shapes)
    given, empty = 0, 0
    for i, (number, tile) in enumerate(tiles_for(shapes, seed, epoch, rank, world, reading)):
        if given == n_tiles:
            return
        if (number, tile) in skip:
            continue
        spectra, good = read(number, tile) if read else read_patch(cubes[number], tile)
        if not good.any():
            empty += 1
            if empty > patience:
                raise CubeError(
                    "No pixel holds data: all are zero, not finite, or marked as invalid. Try spaxel info on the files."
                )
            continue
        rng = np.random.default_rng([seed, 42, epoch, i * world + rank])
        given, empty = given + 1, 0
        yield Patch(spectra, good, number, [draw_views(good.shape[0], good.shape[1], side, rng) for _ in range(reuse)])


def held_out(
    shapes: Sequence[tuple[int, int]], seed: int, most: int = 4, side: int = SIDE
) -> frozenset[tuple[int, Tile]]:
    """Tiles to judge by, as (number of the cube, tile): an eighth of all, at most `most`; none of fewer than four."""
    every = [(i, tile) for i, (height, width) in enumerate(shapes) for tile in covering(height, width, side)]
    if len(every) < 4:
        return frozenset()
    chosen = np.random.default_rng([seed, 43]).permutation(len(every))[: min(most, max(1, len(every) // 8))]
    return frozenset(every[i] for i in chosen.tolist())


def _check_memory(cube: xr.Dataset, side: int, memory: int | None) -> None:
    """A tile as read (twice, while its chunks are put together), its own copy, a mask, and the tile before."""
    height, width, channels = cube["spectra"].shape
    rows, columns, size = min(side, height), min(side, width), cube["spectra"].dtype.itemsize
    need = rows * columns * channels * (4 + max(2 * size, size + 4 + 2))
    if memory is not None and need > memory:
        raise MemoryBudgetError(
            f"A tile of {rows} x {columns} pixels and {channels} channels needs {need / 2**20:.1f} MiB while it is read, "
            f"and the memory is {memory / 2**20:.1f} MiB. Try a larger memory, crop or rebin."
        )


def batched(pairs: Sequence[tuple[Patch, tuple[View, View]]]) -> tuple[np.ndarray, ...]:
    """What pairs of views of patches show, as arrays for a network; all windows must have one shape.

    returns : first, second (n, channel, h, w) float32, turned; i, j (n, m) int64, flat indices of the same pixels in both,
              those with data, filled up with -1; good_first, good_second (n, h, w) bool
    """
    maps = []
    for patch, (first, second) in pairs:
        i, j = shared(first, second)
        good = _window(patch.good, first).ravel()[i]
        maps.append((i[good], j[good]))
    most = max((len(i) for i, _ in maps), default=0)
    i, j = (
        np.stack([np.pad(pair[side], (0, most - len(pair[side])), constant_values=-1) for pair in maps])
        for side in (0, 1)
    )
    spectra = [np.moveaxis(np.stack([_window(p.spectra, v[s]) for p, v in pairs]), 3, 1) for s in (0, 1)]
    good = [np.stack([_window(p.good, v[s]) for p, v in pairs]) for s in (0, 1)]
    return *map(np.ascontiguousarray, spectra), i, j, *good


def _window(array: np.ndarray, view: View) -> np.ndarray:
    tile = view.tile
    return turned(array[tile.y0 : tile.y1, tile.x0 : tile.x1], view.turn)
