"""Rows that are gathered one by one in a single array: a sample may be half of the memory, and is never there twice."""

from __future__ import annotations

import numpy as np

TOGETHER = 512  # rows that are moved at once
SPARE = 16  # an array that grows gets one in so many more rows than it needs now


class Growing:
    """Rows (n, ...) of one shape and type. Where an array grows, the system moves its pages (Linux), or it is copied."""

    def __init__(self) -> None:
        self._held: np.ndarray | None = None
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, rows: np.ndarray) -> None:
        """More rows, behind the others."""
        if self._held is None:
            self._held = np.empty((len(rows), *rows.shape[1:]), rows.dtype)
        if (need := self._n + len(rows)) > len(self._held):
            self._held.resize((need + need // SPARE, *self._held.shape[1:]), refcheck=False)
        self._held[self._n : need] = rows
        self._n = need

    def keep(self, chosen: np.ndarray) -> None:
        """Only these rows, in their order. chosen : increasing positions, so that each moves to the front, if at all"""
        for start in range(0, len(chosen), TOGETHER):
            part = chosen[start : start + TOGETHER]
            if self._held is not None and (part[0] > start or part[-1] >= start + len(part)):
                self._held[start : start + len(part)] = self._held[part]
        self._n = len(chosen)

    def taken(self) -> np.ndarray:
        """All rows, which are not held any more. At least once some were added, be it none."""
        if self._held is None:
            raise ValueError("no rows were added")
        found, self._held = self._held, None
        if len(found) != self._n:
            found.resize((self._n, *found.shape[1:]), refcheck=False)
        self._n = 0
        return found
