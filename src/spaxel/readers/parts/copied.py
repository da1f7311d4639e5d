"""Arrays whose chunks lie across the tiles: read once in their own order, and from then on from a copy in plain numbers.

A tile of a file in whole image planes has to unpack all of the file. Once as much has been unpacked as the array holds, the
next read copies it, plane after plane, into a file without a name (spaxel.store.temporary), which ends with this process.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from math import ceil, prod
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np

from spaxel.cube.tiles import CELL
from spaxel.errors import LayoutWarning
from spaxel.pace import paced
from spaxel.readers.parts.file_array import FileArray
from spaxel.store.temporary import temporary_folder

BOX = 2**26  # bytes that are copied at a time, or one chunk
SPARE = 2**28  # bytes that are left free on the disk
TIMES = 2  # times the size of a tile that reading it costs, from which a layout is copied

Key = tuple[slice, ...]


def lies_across(storage_chunks: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether tiles of these chunks, both (y, x, channel), cost so much that a copy pays."""
    return times_read(storage_chunks, shape) >= TIMES


def times_read(storage_chunks: Sequence[int], shape: Sequence[int]) -> float:
    """How many times its size a tile unpacks of these chunks. Both (y, x, channel)"""
    sides = [(min(n, chunk), min(n, CELL)) for n, chunk in zip(shape[:2], storage_chunks, strict=False)]
    return prod(ceil(tile / chunk) * chunk / tile for chunk, tile in sides)


class Copied:
    """An array-like with three axes that is read as it lies, and copied once that has cost as much as the whole of it.

    source : with `shape`, `dtype` and slicing      chunks : in which it is stored, in the order of its axes
    channel_axis : which axis holds the channels, the slowest of the copy      name : of the file, for warnings
    Slicing gives the same numbers before and after. The copy is shared with other processes of this machine.
    """

    def __init__(self, source: Any, chunks: Sequence[int], channel_axis: int, name: str) -> None:
        self.source, self.chunks, self.name = source, tuple(chunks), name
        self.shape, self.dtype, self.ndim = tuple(source.shape), source.dtype, len(source.shape)
        self.order = (channel_axis, *(axis for axis in range(3) if axis != channel_axis))
        self.unpacked = 0  # numbers, so far
        self._copy: _Plain | None = None
        self._lock, self._refused = threading.Lock(), False

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.Lock()
        if self._copy is not None and not self._copy.is_there():
            self._copy = None

    def __getitem__(self, key: Any) -> np.ndarray:
        keys = key if isinstance(key, tuple) else (key,)
        keys = (*keys, *(slice(None),) * (3 - len(keys)))
        if not all(isinstance(one, slice) for one in keys):
            return np.asarray(self.source[key])
        with self._lock:
            self.unpacked += self._cost(keys)
            if self._copy is None and not self._refused and self.unpacked > prod(self.shape):
                self._make()
        if self._copy is None:
            return np.asarray(self.source[keys])
        found = self._copy.read(tuple(keys[axis] for axis in self.order))
        return found.transpose(np.argsort(self.order))

    def _cost(self, keys: Key) -> int:
        """Numbers that are unpacked for a read."""
        cost = 1
        for one, n, chunk in zip(keys, self.shape, self.chunks, strict=True):
            start, stop, _ = one.indices(n)
            cost *= min(n, (-(-stop // chunk) - start // chunk) * chunk) if stop > start else 0
        return cost

    def _make(self) -> None:
        """The copy, or a warning that there is no room for it."""
        place, needed = temporary_folder(), prod(self.shape) * self.dtype.itemsize
        free = shutil.disk_usage(place).free
        if free < needed + SPARE:
            self._refuse(place, needed, free)
            return
        copy = _Plain(place, tuple(self.shape[axis] for axis in self.order), self.dtype)
        try:
            for box in paced(list(self._boxes()), "copy"):
                values = np.asarray(self.source[box]).transpose(self.order)
                try:
                    copy.write(tuple(box[axis].start for axis in self.order), values)
                except OSError:  # others have filled the disk
                    copy.close()
                    self._refuse(place, needed, shutil.disk_usage(place).free)
                    return
        except BaseException:
            copy.close()
            raise
        self._copy = copy

    def _refuse(self, place: Path, needed: int, free: int) -> None:
        self._refused = True
        warn(
            f"{self.name} is stored in pieces that every tile has to unpack, and a copy of it needs {needed / 2**30:.2f} GiB; "
            f"{place} has {free / 2**30:.2f}. It is read as it lies, which is slow. Try TMPDIR=… on another disk, or spaxel "
            "convert.",
            LayoutWarning,
            stacklevel=2,
        )

    def _boxes(self) -> Iterator[Key]:
        """Boxes of whole chunks that cover the array, channels outside; as wide as a box may be."""
        box, itemsize = list(self.chunks), self.dtype.itemsize
        for axis in (*self.order[:0:-1], self.order[0]):
            most = max(1, BOX // (prod(box) * itemsize))
            box[axis] = min(self.shape[axis], box[axis] * most)
        starts = [range(0, self.shape[axis], box[axis]) for axis in self.order]
        for start in product(*starts):
            at = dict(zip(self.order, start, strict=True))
            yield tuple(slice(at[axis], min(at[axis] + box[axis], self.shape[axis])) for axis in range(3))


class _Plain:
    """Numbers (channel, y, x) in a file that ends with this process, however it ends.

    Where the system lets a file without a name be opened again (Linux), it has none; else it is removed at the end.
    """

    def __init__(self, place: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.shape, self.dtype = shape, dtype
        self._file, name = tempfile.mkstemp(prefix="spaxel-copy-", dir=place)
        self.path = Path(f"/proc/{os.getpid()}/fd/{self._file}")
        if nameless := self.path.exists():
            os.unlink(name)
        else:
            self.path = Path(name)
        self.close = weakref.finalize(self, _end, self._file, "" if nameless else name)
        self._identity = self._status()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_file", "close")}

    def _status(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def is_there(self) -> bool:
        """Whether this process can read it."""
        try:
            return self._status() == self._identity
        except OSError:
            return False

    def write(self, start: tuple[int, ...], values: np.ndarray) -> None:
        """A box of numbers that begins at `start`. Raises OSError on a full disk."""
        values = np.ascontiguousarray(values, self.dtype)
        wide = values.shape[2] == self.shape[2]
        for c, plane in enumerate(values):
            for y, rows in enumerate([plane] if wide else plane):
                at = ((start[0] + c) * self.shape[1] + start[1] + y) * self.shape[2] + start[2]
                self._put(memoryview(rows.reshape(-1).view("u1")), at * self.dtype.itemsize)

    def _put(self, data: memoryview, at: int) -> None:
        os.lseek(self._file, at, os.SEEK_SET)
        while data:
            data = data[os.write(self._file, data) :]

    def read(self, keys: Key) -> np.ndarray:
        """The numbers of a box, (channel, y, x)."""

        return FileArray(self.path, self.dtype, self.shape)[keys]


def _end(descriptor: int, name: str) -> None:
    os.close(descriptor)
    if name:
        with suppress(OSError):
            os.unlink(name)
