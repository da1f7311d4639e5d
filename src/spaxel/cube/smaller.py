"""Maps made smaller by whole steps: the most frequent label of a block, the mean of what is finite in it.

A block of step x step pixels becomes one. Large maps are made smaller by powers of two up to CHUNK, so that a block of a map
on the disk (see spaxel.cube.stored) holds whole ones: what is made block by block is what is made of the whole map, bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LARGE = 2**20  # pixels, above which a map is looked at by its overviews and block by block


def is_large(shape: Sequence[int]) -> bool:
    """Whether an image of (y, x, …) is too large to be looked at whole. A list of spectra never is."""
    return min(shape[:2]) > 1 and shape[0] * shape[1] > LARGE


def whole_step(shape: Sequence[int], side: int, most: int) -> int:
    """The smallest power of two, up to `most`, by which no side of a map exceeds `side`."""
    step = 1
    while step < most and max(shape[:2]) > side * step:
        step *= 2
    return step


def majority(labels: np.ndarray, step: int) -> np.ndarray:
    """The most frequent label of each block, the smaller one of a tie; -1 counts too. (y, x) int -> smaller (y, x).

    >>> majority(np.array([[0, 1, 2], [1, 1, -1], [3, 3, 5]]), 2).tolist()
    [[1, -1], [3, 5]]
    """
    return _most_frequent(labels, step, none=True)


def nested_majority(labels: np.ndarray, parts: np.ndarray, step: int) -> np.ndarray:
    """Of the most frequent label of each block its most frequent part, -1 where the label is; (y, x) int both.

    So a map of parts is the majority at the level of the labels, and nested at all others.
    """
    small = majority(labels, step)
    wide = np.repeat(np.repeat(small, step, 0)[: labels.shape[0]], step, 1)[:, : labels.shape[1]]
    found = _most_frequent(np.where(labels == wide, parts, -1), step, none=False)
    return np.where(small < 0, -1, found).astype(parts.dtype)


def _most_frequent(labels: np.ndarray, step: int, *, none: bool) -> np.ndarray:
    """The most frequent label of each block. none : whether -1 counts as one"""
    if step == 2 and not (labels.shape[0] % 2 or labels.shape[1] % 2):
        return _of_four(labels, none=none)
    height, width = (-(-n // step) for n in labels.shape)
    n, first = int(labels.max(initial=-1)) + 2, 0 if none else 1
    small = np.empty((height, width), labels.dtype)
    column = np.arange(labels.shape[1]) // step * n
    for row in range(height):
        block = labels[row * step : (row + 1) * step].astype(np.int64)
        counts = np.bincount((block + 1 + column).ravel(), minlength=width * n).reshape(width, n)
        small[row] = counts[:, first:].argmax(1) - 1 + first if n > first else -1
    return small


def _of_four(labels: np.ndarray, *, none: bool) -> np.ndarray:
    """The same for blocks of 2 x 2: of four sorted labels the first that is there twice, else the first."""
    four = [labels[y::2, x::2].astype(np.int32) for y in (0, 1) for x in (0, 1)]
    beyond = int(labels.max(initial=-1)) + 1
    if not none:  # what does not count is four labels of their own, behind all others
        four = [np.where(one < 0, beyond + i, one) for i, one in enumerate(four)]
    for i, j in ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2)):  # a sorting network
        four[i], four[j] = np.minimum(four[i], four[j]), np.maximum(four[i], four[j])
    a, b, c, d = four
    found = np.where(a == b, a, np.where(b == c, b, np.where(c == d, c, a)))
    return np.where(found >= beyond, -1, found).astype(labels.dtype)


def halved(values: np.ndarray, good: np.ndarray, steps: Sequence[int]) -> dict[int, np.ndarray]:
    """Means of blocks at several steps, powers of two: {step: smaller (y, x, …) float32}, NaN where nothing is good.

    values : (y, x, …)      good : (y, x, …) bool, what counts

    >>> halved(np.array([[1.0, 2.0, 3.0]]), np.array([[True, True, True]]), [2])[2].tolist()
    [[1.5, 3.0]]
    """
    total = np.where(good, values, 0).astype(np.float64)
    count = None if good.all() else np.asarray(good, np.float64)
    found = {}
    for step in (2**k for k in range(1, max(steps).bit_length())):
        total = _pooled(total)
        count = None if count is None else _pooled(count)
        if step in steps:
            with np.errstate(invalid="ignore"):
                found[step] = (total / (_sizes(values.shape, step) if count is None else count)).astype(np.float32)
    return found


def _sizes(shape: tuple[int, ...], step: int) -> np.ndarray:
    """Pixels of each block of an image of this shape, smaller at the edges: (y, x, 1 …)."""
    rows, columns = (np.minimum(step, n - np.arange(0, n, step)).astype(np.float64) for n in shape[:2])
    return (rows[:, None] * columns).reshape(len(rows), len(columns), *[1] * (len(shape) - 2))


def _pooled(values: np.ndarray) -> np.ndarray:
    """Sums of 2 x 2 pixels; what lies beyond the edge is zero."""
    rows, columns = values.shape[:2]
    if rows % 2 or columns % 2:
        values = np.pad(values, [(0, rows % 2), (0, columns % 2), *[(0, 0)] * (values.ndim - 2)])
    upper, lower = (values[i::2, ::2] + values[i::2, 1::2] for i in (0, 1))
    return upper + lower
