"""Means and spreads that do not depend on the order of addition.

Values are rounded to a grid of powers of two, so that sums are whole numbers of steps and exact in float64 (below 2^53).
The grid is 2^-24 of each channel's range, far below what a spread shows; whole-number counts below 2^24 are kept exactly.
`Totals` needs no grid: it adds every bit, for numbers of which there are few columns.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

BITS = 24
FEW_GROUPS = 64  # up to which one group after the other is faster than a sparse product; both are exact
COLUMNS = 128  # that are summed together: 512 rows of them stay in the cache of a core


Add = Callable[[np.ndarray], np.ndarray]  # rows (n, channel) -> sums (g, channel)


class Grid(NamedTuple):
    """center : (channel,)   step, step2 : (channel,) powers of two, for deviations from the centre and their squares."""

    center: np.ndarray
    step: np.ndarray
    step2: np.ndarray


def fit_grid(spectra: np.ndarray) -> Grid:
    """The grid for spectra like these. spectra : (n, channel). A channel that is constant in them gets that of the largest."""
    center = np.round(spectra.mean(0, dtype=np.float64), 6)
    reach = np.maximum(spectra.max(0) - center, center - spectra.min(0)).astype(np.float64)
    largest = max(reach.max(), np.abs(center).max())
    reach = np.where(reach > 1e-12 * largest, reach, largest)
    center = np.round(center) if spectra.dtype.kind in "biu" else center
    whole = spectra.dtype.kind in "biu"
    step = np.exp2(np.ceil(np.log2(np.maximum(reach, 1e-300))) - BITS)
    step2 = np.exp2(np.ceil(np.log2(np.maximum(reach**2, 1e-300))) - BITS)
    return Grid(center, np.ones_like(step) if whole else step, np.maximum(step2, 1.0) if whole else step2)


def group_sums(
    spectra: np.ndarray, groups: np.ndarray, n_groups: int, grid: Grid, *, whole: bool = False
) -> dict[str, np.ndarray]:
    """Sums by group, to be added over tiles in any order: {size (g,), sum (g, channel), square (g, channel)}.

    spectra : (n, channel)      groups : (n,) int in 0..n_groups-1
    whole : the spectra are whole numbers whose squares sum to less than 2^53: where the grid is that of whole numbers, they are
            summed as they are, and the centre is taken off the sums, which gives the same numbers
    """
    size = np.bincount(groups, minlength=n_groups)
    add = _one_by_one(groups, size) if n_groups <= FEW_GROUPS else _member(groups, n_groups).__matmul__
    if whole and (grid.step == 1).all() and (grid.step2 == 1).all():
        return {"size": size.astype(np.float64)} | _whole_sums(spectra, size, add, grid.center)
    total, square = np.empty((n_groups, len(grid.center))), np.empty((n_groups, len(grid.center)))
    for start in range(0, len(grid.center), COLUMNS):
        part = slice(start, start + COLUMNS)
        deviation = spectra[:, part] - grid.center[part]
        total[:, part] = add(_in_steps(deviation, grid.step[part]))
        square[:, part] = add(_in_steps(np.multiply(deviation, deviation, out=deviation), grid.step2[part]))
    return {"size": size.astype(np.float64), "sum": total, "square": square}


def _one_by_one(groups: np.ndarray, size: np.ndarray) -> Add:
    """Sums of the rows of each group, taken in the order of groups: each row is touched once."""
    order, ends = np.argsort(groups, kind="stable"), np.cumsum(size).tolist()

    def add(values: np.ndarray) -> np.ndarray:
        found, sorted_, start = np.zeros((len(size), values.shape[1])), values[order], 0
        for row, end in zip(found, ends, strict=True):
            if end > start:
                np.add.reduce(sorted_[start:end], axis=0, out=row)
            start = end
        return found

    return add


def _whole_sums(spectra: np.ndarray, size: np.ndarray, add: Add, center: np.ndarray) -> dict[str, np.ndarray]:
    total, square = np.empty((len(size), len(center))), np.empty((len(size), len(center)))
    for start in range(0, len(center), COLUMNS):
        part = slice(start, start + COLUMNS)
        values, middle = np.asarray(spectra[:, part], np.float64), center[part]
        total[:, part], square[:, part] = add(values), add(values * values)
        square[:, part] += middle * (size[:, None] * middle - 2 * total[:, part])
        total[:, part] -= size[:, None] * middle
    return {"sum": total, "square": square}


def _in_steps(values: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Values as whole numbers of steps."""
    if (step == 1).all():
        return np.rint(values)
    steps = values * (1 / step)
    return np.rint(steps, out=steps)


def totals(values: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Sums of the rows (n, channel) of each group, (g, channel), 0 for an empty one. groups : (n,) int in 0..n_groups-1"""
    return np.asarray(_member(groups, n_groups) @ values)


def _member(groups: np.ndarray, n_groups: int) -> csr_array:
    """(g, n), 1 where a row is of a group: times a table it adds row after row, nine times as fast as np.add.reduceat."""
    order, size = np.argsort(groups, kind="stable"), np.bincount(groups, minlength=n_groups)
    return csr_array((np.ones(len(order)), order, np.append(0, np.cumsum(size))), shape=(n_groups, len(order)))


def group_moments(sums: dict[str, np.ndarray], grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each group: (g, channel) each, nan for an empty group."""
    size = np.where(sums["size"] > 0, sums["size"], np.nan)[:, None]
    shift = sums["sum"] / size * grid.step
    variance = sums["square"] / size * grid.step2 - shift**2
    return grid.center + shift, np.sqrt(np.maximum(variance, 0))


class Totals:
    """Sums of columns without any rounding until they are asked for, so that the order of addition does not matter.

    Numbers are taken apart into pieces of few bits, whose sums are exact in float64 (Rump, Ogita and Oishi 2008,
    doi:10.1137/050645671), and the pieces are added as fractions. For numbers below 1e290 in size.

    >>> found = Totals(1)
    >>> for value in (1e20, 1.0, -1e20):
    ...     found.add(np.array([[value]]))
    >>> found.sums
    array([1.])
    """

    def __init__(self, columns: int) -> None:
        self._sums = [Fraction(0)] * columns

    def add(self, values: np.ndarray) -> None:
        """More rows. values : (n, column), finite"""
        rest = np.array(values, np.float64)
        n = max(len(rest), 1)
        while (top := np.abs(rest).max(initial=0.0)) > 0:
            large = 2.0 ** (np.ceil(np.log2(top)) + np.ceil(np.log2(n)) + 1)
            piece = rest + large
            piece -= large
            rest -= piece
            self._sums = [a + Fraction(float(b)) for a, b in zip(self._sums, piece.sum(0), strict=True)]

    @property
    def sums(self) -> np.ndarray:
        """The sums, (column,) float64, each rounded once."""
        return np.array([float(total) for total in self._sums])
