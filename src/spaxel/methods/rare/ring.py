"""What lies around pixels: means over a square window without the guard in its middle, added in one order everywhere."""

from __future__ import annotations

import functools

import numpy as np

REACH = 7  # pixels from the middle to the edge of the window
GUARD = 2  # the same of what is left out, where a target itself may lie
FEWEST = 20  # pixels around, below which nothing is said


def around(z: np.ndarray, usual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean around each pixel (rows, columns, d), and whether enough lies there (rows, columns) bool.

    z : (rows, columns, d)      usual : (rows, columns) bool, the pixels that the mean is taken over
    """
    held = np.where(usual[..., None], z, 0.0)
    both = np.concatenate([held, usual[..., None].astype(np.float64)], axis=2)
    total = _box(both, REACH) - _box(both, GUARD)
    number = np.rint(total[..., -1])
    return total[..., :-1] / np.maximum(number, 1)[..., None], number >= FEWEST


def _box(values: np.ndarray, reach: int) -> np.ndarray:
    """Sums over a square window; what lies outside of the array counts as 0."""
    total = np.pad(values, ((reach, reach), (reach, reach), (0, 0)))
    for axis in (0, 1):
        length = values.shape[axis]
        parts = (np.take(total, range(i, i + length), axis) for i in range(2 * reach + 1))
        total = functools.reduce(np.add, parts)
    return total
