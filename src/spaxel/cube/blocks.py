"""Lazy images that are read block by block without a graph: a tile costs one read of its file, and the steps on it.

Beside its Dask graph such an array knows a recipe: where its numbers lie, and which functions of blocks lead to them. The graph
is for everybody; the recipe is for `read_blocks`, which reads each source once, whatever is made of it.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np

from spaxel.cube.computing import alone
from spaxel.cube.remembered import through_memory
from spaxel.cube.tiles import Tile


@dataclass(frozen=True, eq=False)
class Source:
    """An array-like with slicing, read where it lies.

    axes : where y, x and the channels (none for a map) lie in it      lock : held while it is read, None for no lock
    """

    held: Any
    axes: tuple[int, ...]
    lock: Any = None


@dataclass(frozen=True, eq=False)
class Made:
    """A function of blocks (rows, columns, ...) of other recipes; what it says of a pixel depends on that pixel alone."""

    function: Callable[..., np.ndarray]
    parents: tuple[Recipe, ...]


Recipe = Source | Made


def with_recipe(array: da.Array, recipe: Recipe) -> da.Array:
    """The same lazy array, with its recipe; what Dask makes of it has none."""
    found = da.Array(array.dask, array.name, array.chunks, meta=array._meta)
    found.recipe = found.name, recipe  # type: ignore[attr-defined]  # what is written into has another name from then on
    return found


def _reduced(array: da.Array) -> tuple[Any, ...]:
    """How an array is pickled: with its recipe, if it has one."""
    function, arguments = array.__reduce__()[:2]
    recipe = recipe_of(array)
    return (function, arguments) if recipe is None else (_restored, (function, arguments, recipe))


def _restored(function: Callable[..., da.Array], arguments: tuple[Any, ...], recipe: Recipe) -> da.Array:
    return with_recipe(function(*arguments), recipe)


copyreg.pickle(da.Array, _reduced)


def recipe_of(values: Any) -> Recipe | None:
    """How the blocks of an array (y, x, ...) are made; None where only its graph knows."""
    if isinstance(values, da.Array):
        name, recipe = getattr(values, "recipe", ("", None))
        return recipe if name == values.name else None
    return Source(values, tuple(range(values.ndim))) if isinstance(values, np.ndarray) else None


def made(array: Any, function: Callable[..., np.ndarray], *of: Any) -> Any:
    """A lazy array that is `function` of the blocks of others, with a recipe if all of these have one; else as it is.

    array : what Dask says of it      of : arrays (y, x, ...)
    """
    parents = tuple(recipe_of(one) for one in of)
    if not isinstance(array, da.Array) or any(parent is None for parent in parents):
        return array
    return with_recipe(array, Made(function, parents))  # type: ignore[arg-type]


def read_blocks(arrays: Sequence[Any], tile: Tile) -> list[np.ndarray]:
    """One tile of arrays (y, x, ...), lazy or not; each source is read once: by recipes, or by one graph where one has none."""
    recipes = [recipe_of(array) for array in arrays]
    if None in recipes:
        rows, columns = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
        return list(dask.compute(*(array[rows, columns] for array in arrays), scheduler=alone))
    read: dict[int, np.ndarray] = {}
    return [_block(recipe, tile, read) for recipe in recipes if recipe is not None]


def _block(recipe: Recipe, tile: Tile, read: dict[int, np.ndarray]) -> np.ndarray:
    if (found := read.get(id(recipe))) is None:
        if isinstance(recipe, Source):
            lies = isinstance(recipe.held, np.ndarray)
            found = _read(recipe, tile) if lies else through_memory(recipe, tile, partial(_read, recipe))
        else:
            found = recipe.function(*(_block(parent, tile, read) for parent in recipe.parents))
        read[id(recipe)] = found
    return found


def _read(source: Source, tile: Tile) -> np.ndarray:
    """A tile of a source, the channels last, in order in memory."""
    place = [slice(None)] * len(source.held.shape)
    place[source.axes[0]], place[source.axes[1]] = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
    with source.lock or nullcontext():
        found = np.asarray(source.held[tuple(place)])
    return np.ascontiguousarray(found.transpose(source.axes))


@dataclass(frozen=True)
class Picked:
    """Some channels of a block, in runs of neighbours: each run is copied as it lies.

    runs : ((first, behind the last), …)
    """

    runs: tuple[tuple[int, int], ...]

    @property
    def n_channels(self) -> int:
        """How many are picked."""
        return sum(stop - start for start, stop in self.runs)

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """Those channels of (..., channel); of a single run a view."""
        if len(self.runs) == 1:
            return block[..., slice(*self.runs[0])]
        found, at = np.empty((*block.shape[:-1], self.n_channels), block.dtype), 0
        for start, stop in self.runs:
            found[..., at : at + stop - start] = block[..., start:stop]
            at += stop - start
        return found


def pick_channels(spectra: Any, kept: np.ndarray) -> Any:
    """The channels `kept`, increasing positions, of an array (y, x, channel), lazily if it is lazy."""
    breaks = np.flatnonzero(np.diff(kept) > 1) + 1
    runs = tuple((int(run[0]), int(run[-1]) + 1) for run in np.split(kept, breaks))
    picked = Picked(runs)
    if not isinstance(spectra, da.Array):
        return picked(spectra)
    if len(spectra.chunks[2]) > 1:
        return spectra[:, :, kept]
    chunks = (*spectra.chunks[:2], (picked.n_channels,))
    meta = np.empty((0, 0, 0), spectra.dtype)
    return made(da.map_blocks(picked, spectra, dtype=spectra.dtype, chunks=chunks, meta=meta), picked, spectra)


def turned(spectra: Any) -> Any:
    """An array (y, x, channel) with its channels in reversed order, lazily if it is lazy."""
    return made(spectra[:, :, ::-1], _turned, spectra)


def _turned(block: np.ndarray) -> np.ndarray:
    return block[..., ::-1]


def any_value(block: np.ndarray) -> np.ndarray:
    """Which spectra (..., channel) hold a finite value other than zero, (...,) bool."""
    return ((block != 0) & np.isfinite(block) if block.dtype.kind == "f" else block != 0).any(-1)


def by_pixel(function: Callable[[np.ndarray], np.ndarray], spectra: Any) -> Any:
    """A function (..., channel) -> (...,) bool of an array (y, x, channel), lazily if it is lazy."""
    if not isinstance(spectra, da.Array):
        return function(np.asarray(spectra))
    whole = spectra.rechunk({2: -1})
    lazy = da.map_blocks(function, whole, dtype=bool, drop_axis=2, meta=np.empty((0, 0), bool))
    return made(lazy, function, spectra)


def says_the_same(valid: Any, spectra: Any) -> bool:
    """Whether `valid` is `any_value` of what these spectra are picked from: they tell by themselves where it is False."""
    of, own = recipe_of(valid), recipe_of(spectra)
    if not isinstance(of, Made) or of.function is not any_value:
        return False
    if isinstance(own, Made) and isinstance(own.function, Picked):
        return own.parents[0] is of.parents[0]
    return own is of.parents[0]
