"""A look at a few pieces of a cube, for what its file does not say: numbers that mean no data, a detector that is full.

Both are sought in the stored numbers, before a scale is applied. The pieces are fixed (corners, middle, edges), so the answer
depends on the data alone. It is wrong where such values lie in none of the pieces: then the option has to say it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import dask
import numpy as np
import xarray as xr

from spaxel.cube.computing import alone
from spaxel.cube.tiles import CELL

BYTES = 2**26  # that are looked at, about
LARGE = (
    2**29
)  # bytes from which five pieces, a quarter as high, are enough: where bands follow each other, whole rows are read
FEW = 5  # values from which a constant is more than chance
GAP = 0.25  # of the range of all other values: as far as this from them lies a value that means no data
HUGE = 1e20
MARKS = (-9999, -99999, -999, -9990, -32768, -32767, -2147483648, 2147483647, 4294967295, 65535, 32767)


class Found(NamedTuple):
    """no_data : values that mean no data      ceiling : value of a full detector, None if there is none
    share : of the pixels that were looked at that reach it"""

    no_data: tuple[float, ...]
    ceiling: float | None = None
    share: float = 0.0


def look(cube: xr.Dataset, *, no_data: bool = True, ceiling: bool = True) -> Found:
    """What a few pieces of a cube say. no_data, ceiling : whether each is sought

    A value means no data if it is -9999, -32768, 65535, the end of its type … or beyond 1e20, occurs five times, and lies
    further from all other values than a quarter of their range; or if it is negative, the lowest, that far away, and whole
    pixels consist of it. A value is a ceiling if it is the largest of numbers of more than 8 bits, no round number, at
    least 1000, and at least as many values lie on it as in the twentieth below. 8-bit pictures have neither.
    """
    spectra = cube["spectra"]
    if spectra.dtype.kind not in "iuf" or spectra.dtype.itemsize == 1 or not (no_data or ceiling):
        return Found(())
    rows = _pieces(spectra)
    marks = _marks(rows) if no_data else ()
    return Found(marks, *(_ceiling(rows, marks) if ceiling else ()))


def _pieces(spectra: xr.DataArray) -> np.ndarray:
    """(n, channel): the pixels of corners, middle and edges; of the whole image if it is small."""
    height, width, channels = spectra.shape
    rows, limit = (CELL // 4, 5) if spectra.nbytes > LARGE else (CELL, 9)
    most = int(np.clip(BYTES // (CELL * CELL * channels * spectra.dtype.itemsize), 3, limit))
    ys, xs = _starts(height), _starts(width)
    places = [(ys[i], xs[j]) for i, j in ((0, 0), (-1, -1), (len(ys) // 2, len(xs) // 2), (0, -1), (-1, 0))]
    places += [(y, x) for y in ys for x in xs]
    read: Any = [spectra.data[y : y + rows, x : x + CELL] for y, x in list(dict.fromkeys(places))[:most]]
    every = -(
        -most * CELL * CELL * channels * spectra.dtype.itemsize // (2 * BYTES)
    )  # of very deep cubes, fewer pixels
    return np.concatenate(
        [np.asarray(dask.compute(piece, scheduler=alone)[0]).reshape(-1, channels)[::every].copy() for piece in read]
    )


def _starts(length: int) -> list[int]:
    last = max(0, (length - 1) // CELL * CELL)
    return sorted({0, last // 2 // CELL * CELL, last})


def _marks(rows: np.ndarray) -> tuple[float, ...]:
    """Values that mean no data, sought from both ends of the values inwards."""
    found: list[float] = []
    values = _finite(rows)
    for _ in range(4):
        if not len(values):
            return ()  # nothing else is there: these may be the data
        ends = [end for end in (values.min(), values.max()) if _is_mark(rows, values, end)]
        if not ends:
            return tuple(found)
        found += [end.item() for end in ends]
        values = values[~np.isin(values, ends)]
    return tuple(found) if len(values) else ()


def _finite(rows: np.ndarray) -> np.ndarray:
    """All finite values in one row."""
    if rows.dtype.kind != "f":
        return rows.ravel()
    finite = np.isfinite(rows)
    return rows.ravel() if finite.all() else rows[finite]


def _is_mark(rows: np.ndarray, values: np.ndarray, end: Any) -> bool:
    known = abs(float(end)) >= HUGE or any(_fits(rows.dtype, mark) and end == rows.dtype.type(mark) for mark in MARKS)
    if not known and (end >= 0 or end != values.min()):
        return False
    others = values[values != end]
    if len(values) - len(others) < FEW or not len(others):
        return False
    low, high = float(others.min()), float(others.max())
    distance = max(low - float(end), float(end) - high)
    if distance <= GAP * (high - low) or distance <= 0:
        return False
    return known or bool(rows.shape[1] > 2 and (rows == end).all(1).sum() >= 4 * FEW)


def _fits(dtype: np.dtype, mark: float) -> bool:
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return bool(float(limits.min) <= mark <= float(limits.max))


def _ceiling(rows: np.ndarray, marks: tuple[float, ...]) -> tuple[float | None, float]:
    """(the value at which a detector is full, share of the pixels that reach it), (None, 0) if there is none."""
    values = _finite(rows)
    values = values[~np.isin(values, marks)] if marks else values
    top = float(values.max()) if len(values) else 0.0
    if top < 1000 or top != int(top) or top >= HUGE or _is_round(top) or (rows.dtype.kind == "f" and not _is_full(top)):
        return None, 0.0
    at, below = int((values == top).sum()), int(((values >= 0.95 * top) & (values < top)).sum())
    pixels = (rows == top).any(1)
    share = float(pixels.mean())
    many = at >= 4 * FEW and pixels.sum() >= 2 * FEW and at >= below
    return (top, share) if many and share < 0.5 else (None, 0.0)


def _is_round(top: float) -> bool:
    """Whether people chose the number (10000, 15000): then values are cut, and no detector is full."""
    return top % 500 == 0


def _is_full(top: float) -> bool:
    """Whether a counter of 10 to 32 bits, or one shifted to the left, is full at this value: 4095, 65535, 65520."""
    return any(top == 2**bits - 2**shift for bits in range(10, 33) for shift in range(5))
