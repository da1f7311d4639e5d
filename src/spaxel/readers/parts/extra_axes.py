"""Arrays of any number of axes as one image: singleton axes dropped, one position picked, or all maps stacked along y."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np

from spaxel.cube.coerce import X_NAMES, Y_NAMES
from spaxel.errors import AxisError, ParameterError

Index = str | Mapping[str, int] | None


@dataclass(frozen=True)
class Layout:
    """What each axis of an array is.

    shape, names : of all axes            channel : number of the spectral one
    y, x         : numbers of the sides of the image, None if the array lacks one (a line of pixels, a single spectrum)
    picked       : axis -> the position that is taken        stacked : axes whose positions become maps, one below the other
    """

    shape: tuple[int, ...]
    names: tuple[str, ...]
    channel: int
    y: int | None
    x: int | None
    picked: Mapping[int, int]
    stacked: tuple[int, ...]

    @property
    def positions(self) -> list[tuple[int, ...]]:
        """The positions along the stacked axes, map by map; one empty position if there are none."""
        return list(product(*(range(self.shape[axis]) for axis in self.stacked)))

    @property
    def rows(self) -> int:
        """Rows of one map."""
        return 1 if self.y is None else self.shape[self.y]

    @property
    def image(self) -> tuple[int, int, int]:
        """Shape (y, x, channel) of all maps together."""
        columns = 1 if self.x is None else self.shape[self.x]
        return self.rows * prod(self.shape[a] for a in self.stacked), columns, self.shape[self.channel]

    def key(self, position: Sequence[int], y: slice, x: slice, channel: slice) -> tuple[Any, ...]:
        """What to index the array with for a part of one map."""
        at = dict(self.picked) | dict(zip(self.stacked, position, strict=True))
        ranges = {self.y: y, self.x: x, self.channel: channel}
        return tuple(ranges[axis] if axis in ranges else at[axis] for axis in range(len(self.shape)))

    def turn(self, block: Any) -> Any:
        """A part of one map, as it comes out of the array, as (y, x, channel)."""
        kept = sorted(axis for axis in (self.y, self.x, self.channel) if axis is not None)
        block = block.transpose([kept.index(axis) for axis in (self.y, self.x, self.channel) if axis is not None])
        columns = 1 if self.x is None else block.shape[-2]
        return block.reshape((1 if self.y is None else block.shape[0], columns, block.shape[-1]))

    def sentence(self, path: Path) -> str:
        """What was stacked, for the user; '' if nothing."""
        if len(self.positions) < 2:
            return ""
        sizes = ", ".join(f"{name} {n}" for name, n in zip(self.names, self.shape, strict=True))
        first = ",".join(f"{self.names[axis]}=0" for axis in self.stacked)
        return (
            f"{path.name} has {len(self.shape)} axes ({sizes}); its {len(self.positions)} maps are stacked along y, "
            f"{self.rows} rows each. Option index decides: index={first} takes one of them."
        )

    def attrs(self) -> dict[str, Any]:
        """For the attrs of a cube: `maps`, where each stacked map begins (y, rows) and its position on each axis."""
        if len(self.positions) < 2:
            return {}
        names = [self.names[axis] for axis in self.stacked]
        return {
            "maps": [
                {**dict(zip(names, position, strict=True)), "y": number * self.rows, "rows": self.rows}
                for number, position in enumerate(self.positions)
            ]
        }


def plan_axes(path: Path, shape: Sequence[int], names: Sequence[str], channel: int, index: Index = None) -> Layout:
    """What becomes of each axis of an array.

    names : of the axes; those called y and x are the sides of the image, else the last two that are left
    channel : number of the spectral axis      index : "t=0", "t=0,z=2" or {"t": 0}, by name or number of the axis
    Raises ParameterError for an axis that is not there, AxisError for a position outside of it.
    """
    shape, labels = tuple(map(int, shape)), _distinct(names, len(shape))
    picked = _picked(path, shape, labels, channel, index)
    left = [axis for axis in range(len(shape)) if axis != channel and axis not in picked]
    mixed = labels[channel].lower() in (*Y_NAMES, *X_NAMES)  # names that cannot be right: their order counts
    y, x = (None if mixed else _named(left, labels, known) for known in (Y_NAMES, X_NAMES))
    for axis in [axis for axis in left if shape[axis] == 1 and axis not in (y, x)]:
        if len(left) > 2:
            left.remove(axis)
            picked[axis] = 0
    if len(left) == 1:  # a line of pixels is a cube of width 1
        y, x = left[0], None
    elif y is None or x is None:
        others = [axis for axis in left if axis not in (y, x)]
        missing = [side for side, known in (("y", y), ("x", x)) if known is None]
        taken = others[-len(missing) :]
        sides = dict(zip(missing[: len(taken)], taken, strict=True))
        y, x = sides.get("y", y), sides.get("x", x)
    stacked = tuple(axis for axis in left if axis not in (y, x))
    return Layout(shape, labels, channel, y, x, picked, stacked)


def as_image(data: Any, layout: Layout) -> Any:
    """A NumPy or Dask array as (y, x, channel), its maps one below the other."""
    whole = slice(None)
    maps = [layout.turn(data[layout.key(position, whole, whole, whole)]) for position in layout.positions]
    if len(maps) == 1:
        return maps[0]
    return da.concatenate(maps) if isinstance(data, da.Array) else np.concatenate(maps)


class Maps:
    """An array-like of any number of axes as one of three (y, x, channel): slices are read from the maps that they cross.

    source : anything with `shape`, `dtype` and slicing      layout : of its axes
    """

    ndim = 3

    def __init__(self, source: Any, layout: Layout) -> None:
        self.source, self.layout = source, layout
        self.shape, self.dtype = layout.image, source.dtype

    def __getitem__(self, key: tuple[slice, slice, slice]) -> np.ndarray:
        (y0, y1, _), (x0, x1, _), (c0, c1, _) = (k.indices(n) for k, n in zip(key, self.shape, strict=True))
        rows, positions, blocks = self.layout.rows, self.layout.positions, []
        for number in range(y0 // rows, -(-y1 // rows)):
            first, last = max(y0 - number * rows, 0), min(y1 - number * rows, rows)
            part = self.layout.key(positions[number], slice(first, last), slice(x0, x1), slice(c0, c1))
            blocks.append(self.layout.turn(np.asarray(self.source[part])))
        if len(blocks) == 1:
            return blocks[0]
        return np.concatenate(blocks) if blocks else np.empty((0, x1 - x0, c1 - c0), self.dtype)

    def chunks(self, stored: Sequence[int] | None) -> tuple[int, int, int] | None:
        """Chunks of the source, as they lie in the image."""
        if stored is None:
            return None
        sides = (self.layout.y, self.layout.x, self.layout.channel)
        y, x, channel = (1 if axis is None else stored[axis] for axis in sides)
        return y, x, channel


def _distinct(names: Sequence[str], count: int) -> tuple[str, ...]:
    """A name for each axis that no other one has: its own, else its number."""
    given = [str(name or "").strip() for name in names] + [""] * (count - len(names))
    return tuple(
        name if name and given.count(name) == 1 and name != "undefined" else str(axis)
        for axis, name in enumerate(given[:count])
    )


def _named(axes: Sequence[int], names: Sequence[str], known: Sequence[str]) -> int | None:
    found = [axis for axis in axes if names[axis].lower() in known]
    return found[0] if len(found) == 1 else None


def _picked(path: Path, shape: tuple[int, ...], names: tuple[str, ...], channel: int, index: Index) -> dict[int, int]:
    found = {}
    for name, position in _pairs(index).items():
        axes = [a for a in range(len(shape)) if name.lower() in (names[a].lower(), str(a)) and a != channel]
        if not axes:
            known = ", ".join(
                f"{n} ({size})" for a, (n, size) in enumerate(zip(names, shape, strict=True)) if a != channel
            )
            raise ParameterError(f"index={index!r}: {path.name} has no such axis. It has: {known}.")
        if not -shape[axes[0]] <= position < shape[axes[0]]:
            raise AxisError(
                f"index={index!r}: the axis {name} of {path.name} has {shape[axes[0]]} positions. "
                f"Try one of 0 to {shape[axes[0]] - 1}."
            )
        found[axes[0]] = position % shape[axes[0]]
    return found


def _pairs(index: Index) -> dict[str, int]:
    """'t=0,z=2' as {"t": 0, "z": 2}."""
    if index is None:
        return {}
    pairs = index.items() if isinstance(index, Mapping) else (p.partition("=")[::2] for p in str(index).split(","))
    try:
        return {str(name).strip(): int(position) for name, position in pairs}
    except ValueError as error:
        raise ParameterError(f"index={index!r} is not an axis and a position. Try index='t=0'.") from error
