"""Which axis of a cube is spectral, by a look at its numbers, where neither names nor lengths say it.

A few blocks of the array are read. Three questions are asked of each axis k:

    F_k = var(mean over the two other axes) / var(all)       all pixels share one spectral shape, no rows of an image do
    U_k = 1 - s1^2 / sum s^2   of the matrix (k x the rest), each column less its mean: a spectrum is nearly one shape times a
          brightness, and a row of an image is not
    D_k = mean squared step to the neighbour / var(all)      the two sides of an image are alike, the channels are not

The axis that is best by F and by U is spectral, if it is clear: F is 8 times that of the next axis, or U 2.5 times less, and D
of the two others differs by 3 times at most; or D of the two others is within a tenth, and that of the axis differs by 3 times.
Else the answer is "unsure". How often that is right, and what else was tried: docs/notes/channel_axis.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

RUN, RUNS = 16, 3  # neighbours in a row, and how many such rows, that are read along each axis
MOST = 2**28  # bytes that a look may have to read; files in large chunks are looked at in one place, or not at all
BY_SHAPE, BY_RANK, ODD, SIDES, ALIKE = 8.0, 2.5, 3.0, 3.0, 1.1  # see above
LEAST = 4  # channels or pixels along a side, below which nothing is said
LONGEST = 8  # a side of an image over the other, above which habit is kept


def look_for_channels(array: Any, habit: int, chunks: Sequence[int] | None = None) -> tuple[int, str]:
    """(the axis of a 3-D array-like that is spectral, how sure that is in words).

    array  : anything with `shape`, `dtype` and slicing       chunks : of the storage, if it has any
    habit  : the axis that is taken where the numbers leave it open
    """
    spots = _spots(array, chunks) if array.dtype.kind in "biuf" else None
    sample = None if spots is None else _cleaned(_read(array, spots))
    found = None if sample is None else channels_by_numbers(sample)
    if found == habit:
        return habit, "and its numbers look so too"
    sides = [array.shape[axis] for axis in _others(found)] if found is not None else [1, 1]
    if found is None or max(sides) > LONGEST * min(sides):
        return habit, "by habit: its numbers leave it open"
    return found, f"by its numbers: along it all pixels share one shape; by habit it would be axis {habit}"


def channels_by_numbers(sample: np.ndarray) -> int | None:
    """The spectral axis of a block of finite numbers, None if it is not clear. See the module for the rule.

    >>> shape = np.sin(np.arange(40) / 5) + 2
    >>> channels_by_numbers(shape * np.random.default_rng(0).uniform(1, 2, (20, 30, 1)))
    2
    """
    total = float(sample.var())
    if min(sample.shape) < LEAST or not total > 0:
        return None
    shared = [float(sample.mean(_others(axis)).var()) / total for axis in range(3)]
    shape = [1 / max(_unexplained(sample, axis), 1e-6) for axis in range(3)]
    steps = [max(float((np.diff(sample, axis=axis) ** 2).mean()) / total, 1e-12) for axis in range(3)]
    best = int(np.argmax(shared))
    if best != int(np.argmax(shape)):
        return None
    one, other = (steps[axis] for axis in _others(best))
    apart, middle = max(one, other) / min(one, other), (one * other) ** 0.5
    clear = _lead(shared, best) >= BY_SHAPE or _lead(shape, best) >= BY_RANK
    odd = max(steps[best], middle) / min(steps[best], middle) >= ODD
    return best if (clear and apart <= SIDES) or (odd and apart <= ALIKE) else None


def _lead(values: Sequence[float], best: int) -> float:
    """How many times the value of an axis is that of the next."""
    return values[best] / max(*(values[axis] for axis in _others(best)), 1e-9)


def _unexplained(sample: np.ndarray, axis: int) -> float:
    """Share of the squares that one shape along an axis leaves over."""
    lines = np.moveaxis(sample, axis, 0).reshape(sample.shape[axis], -1)
    lines = lines - lines.mean(0)
    squares = np.linalg.eigvalsh(lines @ lines.T)
    return 1 - float(squares[-1] / squares.sum()) if squares.sum() > 0 else 1.0


def _others(axis: int) -> tuple[int, int]:
    left = [other for other in range(3) if other != axis]
    return left[0], left[1]


def _spots(array: Any, chunks: Sequence[int] | None) -> list[list[slice]] | None:
    """What is read along each axis: three runs, or one in the middle, or None where even that would read too much."""
    for runs in (RUNS, 1):
        spots = [_runs(n, runs) for n in array.shape]
        item = array.dtype.itemsize
        if chunks is None or prod(chunks) * item * _chunks_touched(spots, chunks) <= MOST:
            return spots
    return None


def _chunks_touched(spots: list[list[slice]], chunks: Sequence[int]) -> int:
    return prod(
        sum(ceil(run.stop / chunk) - run.start // chunk for run in runs)
        for runs, chunk in zip(spots, chunks, strict=True)
    )


def _runs(n: int, runs: int) -> list[slice]:
    """So many runs of RUN neighbours over a side, at even distances; all of it, if it is short."""
    if n <= RUN * runs:
        return [slice(0, n)]
    if runs == 1:
        return [slice((n - RUN) // 2, (n - RUN) // 2 + RUN)]
    starts = [round(i * (n - RUN) / (runs - 1)) for i in range(runs)]
    return [slice(start, start + RUN) for start in starts]


def _read(array: Any, spots: list[list[slice]]) -> np.ndarray:
    """The runs of all axes put together: at most 48 numbers along each."""
    sides = [np.cumsum([0, *(run.stop - run.start for run in runs)]) for runs in spots]
    found = np.empty([side[-1] for side in sides], float)
    for at in product(*(range(len(runs)) for runs in spots)):
        place = tuple(slice(side[i], side[i + 1]) for side, i in zip(sides, at, strict=True))
        found[place] = np.asarray(array[tuple(runs[i] for runs, i in zip(spots, at, strict=True))])
    return found


def _cleaned(sample: np.ndarray) -> np.ndarray | None:
    """The numbers without marks of no data, extreme ones cut; None if hardly any are left."""
    known = np.isfinite(sample)
    for extreme in (np.min, np.max):
        if known.any():
            value = extreme(sample[known])
            others = sample[known & (sample != value)]
            if 0 < others.size < 0.999 * known.sum() and np.abs(others - value).min() > np.ptp(others):
                known &= sample != value
    values = np.abs(sample[known & (sample != 0)])
    if values.size < 20:
        return None
    high = np.percentile(values, 99)
    kept = np.clip(np.where(known, sample, 0), -high, high) / high
    return np.where(known, kept, _expected(kept, known))


def _expected(kept: np.ndarray, known: np.ndarray) -> np.ndarray:
    """For each number the sum of what its place on each axis adds to the mean: it speaks for no axis. kept : 0 if not known"""
    mean = kept.sum() / known.sum()
    found = np.full(kept.shape, mean)
    for axis in range(3):
        count = known.sum(_others(axis), keepdims=True)
        found += np.where(count, kept.sum(_others(axis), keepdims=True) / np.maximum(count, 1) - mean, 0)
    return found
