"""A function of spectra, tile by tile over a cube: the bridge from a fitted model to maps.

The answer depends neither on the tiles, the memory, the scheduler nor the number of workers, bit by bit: every call of
the function sees the same number of rows (so that the same kernels run), and sums are added exactly (spaxel.cube.exact).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import dask
import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from spaxel.cube.computing import named
from spaxel.cube.gaps import KINDS, MARKED, Gaps
from spaxel.cube.kept import Answer, Kept
from spaxel.cube.sampling import judged_tile
from spaxel.cube.stored import Maps
from spaxel.cube.tiles import CELL, Tile, grid, sides, with_halo
from spaxel.errors import MemoryBudgetError, missing_extra
from spaxel.pace import tell

BLOCK = 512  # rows of every call
MOST_PIXELS = 8 * CELL * CELL  # of a tile, so that progress is seen
DEFAULT_MEMORY = 2**30

Arrays = dict[str, np.ndarray]
Function = Callable[[np.ndarray, int], tuple[Arrays, Arrays]]


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
    workers: int | None = None,
    scheduler: str = "threads",
    gaps: Gaps = "complete",
    context: int = 0,
    look: Look | None = None,
) -> tuple[Arrays, Arrays]:
    """Maps and sums of a function over all usable pixels of a cube.

    function  : (spectra (512, channel), n) -> (pixels, sums); only the first n rows are data, the rest is padding.
                pixels: {name: (512, ...)}; sums: {name: array} over the first n rows, exact in float64
    fill      : {name: value of pixels without data, as a NumPy scalar that also gives the dtype, or an array of them}
    memory    : bytes for what is read; the tile is as large as it allows (default 1 GiB)
    scheduler : a Dask scheduler (threads, processes, synchronous) or the address of a cluster (tcp://…)
    gaps      : what becomes of missing values, see cube.gaps
    context   : 0, or the odd side of a window: spectra are then (512, 2 channel), see spaxel.cube.sampling.read_tile
    look      : features of the surroundings; spectra are then (512, channel + n_features)
    returns   : ({name: (y, x, ...)}, {name: sum}), large maps inside spaxel.cube.kept.keeping as Dask arrays of what lies on
                the disk, see spaxel.cube.stored; among the sums `why`: pixels by what spaxel.cube.gaps.judge says of them
    Raises MemoryBudgetError if not even one row of 64 pixels fits, with what lies around it; MissingExtra for a cluster
    without the package distributed.
    """
    height, width, _ = cube["spectra"].shape
    workers = workers or cores()
    tile_sides = _tile_sides(cube, memory or DEFAULT_MEMORY, workers, context, look)
    tiles = grid(height, width, *tile_sides)
    sums: Arrays = {}
    done = 0
    kept = Kept(fill, f"{gaps} {context} {cube['spectra'].shape}")
    maps = Maps(fill, (height, width), tile_sides, kept.arrays)
    tell("pixels", 0, height * width)
    with threadpool_limits(1):
        for batch, answers in _answered(function, _Held(cube, gaps, context, look), tiles, kept, workers, scheduler):
            for tile, (good, pixels, parts) in zip(batch, answers, strict=True):
                maps.write(tile, good, pixels)
                for name, values in parts.items():
                    sums[name] = sums[name] + values if name in sums else values
                done += tile.n_pixels
            tell("pixels", done, height * width)
    return maps.arrays(), sums


def cores() -> int:
    """Processors that this process may use; where the system does not say that (macOS, Windows), all it has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _answered(
    function: Function, held: _Held, tiles: list[Tile], kept: Kept, workers: int, scheduler: str
) -> Iterator[tuple[list[Tile], Sequence[Answer]]]:
    """Some tiles and what the function says of them: first those that were kept, then the others, which are kept now."""
    left = []
    for tile in tiles:
        if (answer := kept.answer(tile)) is None:
            left.append(tile)
        else:
            yield [tile], [answer]
    for batch, answers in _in_batches(function, held, left, workers, scheduler):
        for tile, answer in zip(batch, answers, strict=True):
            kept.keep(tile, answer)
        yield batch, answers


def _in_batches(
    function: Function, held: _Held, tiles: list[Tile], workers: int, scheduler: str
) -> Iterator[tuple[list[Tile], list]]:
    task = dask.delayed(_one_tile, pure=False)
    cube = dask.delayed(held, pure=False)
    if "://" in scheduler:
        try:
            from distributed import Client
        except ImportError as error:
            raise missing_extra("A cluster", "distributed", "cluster") from error
        with Client(scheduler) as client:
            for start in range(0, len(tiles), 4 * workers):
                batch = tiles[start : start + 4 * workers]
                yield batch, client.gather(client.compute([task(function, cube, tile) for tile in batch]))
        return
    for start in range(0, len(tiles), 2 * workers):
        batch = tiles[start : start + 2 * workers]
        yield (
            batch,
            dask.compute(*[task(function, cube, t) for t in batch], scheduler=named(scheduler), num_workers=workers),
        )


class _Held:
    """A cube in a box, so that Dask passes it on as it is instead of computing it."""

    def __init__(self, cube: xr.Dataset, gaps: Gaps, context: int, look: Look | None) -> None:
        self.cube = cube[[name for name in ("spectra", "valid", "completion") if name in cube]]
        self.gaps, self.context, self.look = gaps, context, look


def _one_tile(function: Function, held: _Held, tile: Tile) -> tuple[np.ndarray, Arrays, Arrays]:
    parts, why = _seen(held, tile)
    good = why < MARKED
    y, x = np.nonzero(good)
    sums: Arrays = {}
    pixels = []
    for start in range(0, len(y), BLOCK):
        n = min(BLOCK, len(y) - start)
        chosen = np.append(np.arange(start, start + n), np.repeat(start, BLOCK - n))
        rows = [part[y[chosen], x[chosen]] for part in parts]
        answer, added = function(np.concatenate(rows, axis=1) if len(rows) > 1 else rows[0], n)
        pixels.append({name: values[:n] for name, values in answer.items()})
        sums = {name: sums[name] + values if sums else values for name, values in added.items()}
    sums["why"] = np.bincount(why.ravel(), minlength=KINDS).astype(np.float64)
    return good, {name: np.concatenate([p[name] for p in pixels]) for name in (pixels[0] if pixels else {})}, sums


def _seen(held: _Held, tile: Tile) -> tuple[list[np.ndarray], np.ndarray]:
    """Spectra of a tile and features of what lies around, (rows, columns, …) each, and which pixels are usable or why not."""
    if not held.look:
        spectra, why = judged_tile(held.cube, tile, held.gaps, held.context)
        return [spectra], why
    height, width = held.cube["spectra"].shape[:2]
    around, inside = with_halo(tile, (height, width), held.look.halo)
    spectra, why = judged_tile(held.cube, around, held.gaps)
    place = (around, (height, width)) if held.look.placed else ()
    return [spectra[inside], held.look.function(spectra, why < MARKED, *place)[inside]], why[inside]


def _tile_sides(
    cube: xr.Dataset, memory: int, workers: int, context: int = 0, look: Look | None = None
) -> tuple[int, int]:
    """Sides of the largest tile that fits into the memory together with what lies around it."""
    height, width, channels = cube["spectra"].shape
    per_pixel, halo = channels * (2 * cube["spectra"].dtype.itemsize + 3), 0  # the tile, a copy, masks
    if "variance" in cube:  # says which values were not measured
        per_pixel += channels * cube["variance"].dtype.itemsize
    if context:  # sums over the window
        wide = np.result_type(cube["spectra"].dtype, np.float32).itemsize
        per_pixel, halo = per_pixel + channels * 6 * wide, context // 2
    if look:  # the features and what they are made of
        per_pixel, halo = per_pixel + 16 * look.n_features, look.halo

    def read(rows: int, columns: int) -> int:
        return min(rows + 2 * halo, height) * min(columns + 2 * halo, width)

    fit = memory // (per_pixel * workers)
    pixels = min(fit, MOST_PIXELS)
    while pixels >= min(width, CELL):
        if read(*(found := sides(height, width, pixels))) <= fit:
            return found
        pixels = pixels * 7 // 8
    need = read(1, min(width, CELL)) * per_pixel * workers
    raise MemoryBudgetError(
        f"{memory / 2**20:.2f} MiB do not hold a row of {min(width, CELL)} pixels for {workers} workers; "
        f"at least {need / 2**20:.2f} MiB are needed. Try a larger memory, fewer workers, crop or rebin."
    )
