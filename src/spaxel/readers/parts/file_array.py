"""Plain numbers inside a file, read where they lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.errors import ReadError

PAGES = 2**14  # bytes of a row up to which rows are read whole: the system reads whole pages anyway


@dataclass(frozen=True)
class FileArray:
    """An uncompressed array inside a file, read anew each time: holds no file open, and can be pickled.

    path : of the file     dtype : with byte order     shape : as stored     offset : bytes before the first number
    order : "C" or "F"     Slicing gives a NumPy copy; ReadError if the file has become too short.
    One slab of the slowest axis is read, or mapped, at a time, since mapped pages count as memory of the process.
    """

    path: Path
    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int = 0
    order: str = "C"

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers, exactly."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the array, without the offset; a Python integer, so that it never overflows."""
        return prod(self.shape) * self.dtype.itemsize

    def check_size(self) -> FileArray:
        """Itself, if the file is long enough; else ReadError with both sizes."""
        size = self.path.stat().st_size
        if size < self.offset + self.nbytes:
            raise ReadError(
                f"{self.path} is truncated: it has {size} bytes, and {self.offset + self.nbytes} are needed for "
                f"{' x '.join(map(str, self.shape))} numbers of type {self.dtype} after an offset of {self.offset}. "
                "Try to copy the file again, or correct its header."
            )
        return self

    def __getitem__(self, key: Any) -> np.ndarray:
        self.check_size()
        keys = key if isinstance(key, tuple) else (key,)
        keys = (*keys, *(slice(None),) * (self.ndim - len(keys)))
        if self.order == "F":
            return FileArray(self.path, self.dtype, self.shape[::-1], self.offset)[keys[::-1]].transpose()
        slabs, rest = np.arange(self.shape[0])[keys[0]], keys[1:]
        inner = np.broadcast_to(np.empty((), self.dtype), self.shape[1:])[rest].shape
        found = np.empty((slabs.size, *inner), self.dtype)
        if found.size:
            rows = self._rows(rest, found[0].nbytes)
            with self.path.open("rb", buffering=0) as file:
                _read_nothing_ahead(file, rows, self.shape)
                for j, i in enumerate(slabs.flat):
                    start = self.offset + int(i) * prod(self.shape[1:]) * self.dtype.itemsize
                    found[j] = self._piece(file, start, rest, rows)
        return found.reshape((*slabs.shape, *inner))

    def _rows(self, rest: tuple[Any, ...], wanted: int) -> slice | None:
        """The rows of a slab to read as they lie, where that costs little more than what is wanted; else None: map it."""
        if not rest or not isinstance(rest[0], slice):
            return None
        start, stop, step = rest[0].indices(self.shape[1])
        row = prod(self.shape[2:]) * self.dtype.itemsize
        return slice(start, stop) if step == 1 and (row <= PAGES or (stop - start) * row <= 2 * wanted) else None

    def _piece(self, file: Any, start: int, rest: tuple[Any, ...], rows: slice | None) -> np.ndarray:
        """What is wanted of the slab that starts at a byte of the file."""
        if rows is None:
            return np.memmap(file, self.dtype, "r", start, self.shape[1:])[rest]
        shape = (rows.stop - rows.start, *self.shape[2:])
        held = np.empty(shape, self.dtype)
        file.seek(start + rows.start * prod(self.shape[2:]) * self.dtype.itemsize)
        if file.readinto(held.reshape(-1).view("u1")) < held.nbytes:
            return np.memmap(file, self.dtype, "r", start, self.shape[1:])[rest]
        return held[(slice(None), *rest[1:])]


def _read_nothing_ahead(file: Any, rows: slice | None, shape: tuple[int, ...]) -> None:
    """Tell the system, where it can be told, that a few rows of each slab are wanted, and nothing of what lies behind them."""
    if rows is not None and 2 * (rows.stop - rows.start) < shape[1] and hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
