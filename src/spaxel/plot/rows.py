"""A large map that is read some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

BYTES = 64 * 2**20  # that are held at once, if the chunks on the disk are not larger


class Rows:
    """An array (y, x, …) of which only one block of rows is held: what was asked for last, and its neighbours."""

    def __init__(self, array: xr.DataArray):
        self.array, self.shape = array, array.shape
        row = max(1, int(np.prod(array.shape[1:])) * array.dtype.itemsize)
        chunk = array.chunks[0][0] if array.chunks else 1
        self.step = max(chunk, BYTES // row // chunk * chunk, 1)
        self._first, self._block = 0, np.empty((0, *array.shape[1:]), array.dtype)

    def __getitem__(self, rows: slice) -> np.ndarray:
        first, last, _ = rows.indices(self.shape[0])
        if first < self._first or last > self._first + len(self._block):
            self._first = first
            self._block = np.asarray(self.array[first : max(last, first + self.step)])
        return self._block[first - self._first : last - self._first]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.array, dtype)

    def __iter__(self) -> Iterator[np.ndarray]:
        """All rows, a block at a time."""
        for first in range(0, self.shape[0], self.step):
            yield self[first : first + self.step]
