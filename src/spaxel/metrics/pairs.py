"""How many pixels have both of two labels, counted piece by piece: the contingency table of two maps of any size."""

from __future__ import annotations

import numpy as np

DENSE = 2**20  # places of a table that is counted whole


class Pairs:
    """counts : {(a, b): pixels} of what was added so far.

    >>> pairs = Pairs()
    >>> pairs.add(np.array([3, 3, 5]), np.array([0, 0, -1]))
    >>> pairs.add(np.array([5]), np.array([0]))
    >>> pairs.table()[2]
    array([[0, 2],
           [1, 1]])
    """

    def __init__(self) -> None:
        self.counts: dict[tuple[int, int], int] = {}

    def add(self, a: np.ndarray, b: np.ndarray) -> None:
        """More pixels. a, b : (n,) int"""
        if not len(a):
            return
        first, second, counts = _dense(a, b)
        for one, other, n in zip(first.tolist(), second.tolist(), counts.tolist(), strict=True):
            self.counts[one, other] = self.counts.get((one, other), 0) + n

    def table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Labels a (n,) and b (m,) that occur, in order, and how many pixels have both, (n, m) int64."""
        rows, columns = (sorted({pair[i] for pair in self.counts}) for i in (0, 1))
        row, column = ({label: i for i, label in enumerate(labels)} for labels in (rows, columns))
        table = np.zeros((len(rows), len(columns)), np.int64)
        for (a, b), n in self.counts.items():
            table[row[a], column[b]] = n
        return np.array(rows, np.int64), np.array(columns, np.int64), table


def _dense(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that occur and how often: (pairs,) each."""
    low_a, low_b = int(a.min()), int(b.min())
    n_a, n_b = int(a.max()) - low_a + 1, int(b.max()) - low_b + 1
    if n_a * n_b <= DENSE:
        counts = np.bincount((a.astype(np.int64) - low_a) * n_b + (b - low_b), minlength=n_a * n_b)
        found = np.flatnonzero(counts)
        return found // n_b + low_a, found % n_b + low_b, counts[found]
    rows, row = np.unique(a, return_inverse=True)
    columns, column = np.unique(b, return_inverse=True)
    found, counts = np.unique(row.astype(np.int64) * len(columns) + column, return_counts=True)
    return rows[found // len(columns)], columns[found % len(columns)], counts
