"""Numbers of a scene for the screen: every n-th pixel of a window, block by block, from coarse to fine, and kept.

A window of a large cube takes seconds to read. What is there after a blink is shown at once, with each block that is not read
yet filled from the nearest one that is; the rest is read beside, in a thread, and shown as it comes.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube.computing import alone
from spaxel.store.overviews import overview
from spaxel.viewer.screen import BLOCK_BYTES, Window, blocks, coarser, inside, part

BLINK = 0.12  # seconds that a window may keep the browser waiting
KEPT = 96 * 2**20  # bytes of windows that a scene keeps

Combine = Callable[[np.ndarray], np.ndarray]


class Reading:
    """One window of one array, as far as it has been read.

    array   : (y, x, …), lazy or not      channels : which of the last axis, or None for all or for an array (y, x)
    combine : (n, m, …) numbers -> (n, m, …) what is kept of them      most : bytes that are read at once
    A map of a run that has an overview for the step of the window is read from that: `overview` says so.
    """

    def __init__(
        self,
        array: xr.DataArray,
        window: Window,
        channels: Sequence[int] | None,
        combine: Combine,
        most: int = BLOCK_BYTES,
    ):
        self.window, self._channels, self._combine = window, channels, combine
        small = overview(array, window.step) if window.step > 1 else None
        self.overview = small is not None
        self.array = array if small is None else xr.DataArray(small, dims=array.dims)
        self._seen = window if small is None else coarser(window)
        self._todo = blocks(self._seen, _chunk(self.array), _pixel_bytes(array), most)
        self._done, self._known, self._seeds = 0, np.zeros(window.shape, bool), np.zeros(window.shape, bool)
        self._values: np.ndarray | None = None
        self._lock = threading.Lock()
        self.stopped, self.seconds = False, 0.0

    @property
    def finished(self) -> bool:
        """Whether all of it is there."""
        return self._done == len(self._todo)

    @property
    def share(self) -> float:
        """How much of it is there, 0 to 1."""
        return self._done / len(self._todo)

    def read(self, seconds: float, give_way: Callable[[], None] | None = None) -> None:
        """Go on reading for so long: one block at least, unless it is finished or stopped. give_way : called before each"""
        begin = time.monotonic()
        while not self.finished and not self.stopped:
            if give_way:
                give_way()
            with self._lock:
                if self._done < len(self._todo):
                    self._one(self._todo[self._done])
                    self._done += 1
            if time.monotonic() > begin + seconds:
                break
        self.seconds += time.monotonic() - begin

    def image(self) -> np.ndarray:
        """(rows, columns, …) of the window; what is not read yet is as the middle of the nearest block that is."""
        with self._lock:
            values = np.array(self._values)
            if not self.finished:
                unknown = ~self._known
                values[unknown] = values[_nearest(self._seeds)][unknown]
        return values

    def _one(self, tile: Any) -> None:
        rows, columns = part(self._seen, tile)
        ys, xs = self._seen.rows()[rows], self._seen.columns()[columns]
        found = self._combine(pick(self.array, ys, xs, self._channels))
        if self._values is None:
            self._values = np.zeros((*self.window.shape, *found.shape[2:]), found.dtype)
        self._values[rows, columns] = found
        self._known[rows, columns] = True
        self._seeds[(rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2] = True


def pick(array: xr.DataArray, ys: np.ndarray, xs: np.ndarray, channels: Sequence[int] | None = None) -> np.ndarray:
    """Numbers at these rows and columns, and of these channels of the last axis (None: all)."""
    where: dict[Any, Any] = {array.dims[0]: _steps(ys), array.dims[1]: _steps(xs)}
    if channels is not None:
        where[array.dims[2]] = _steps(np.asarray(channels))
    chosen = array.isel(where).data
    return chosen.compute(scheduler=alone) if hasattr(chosen, "compute") else np.asarray(chosen)


def _steps(places: np.ndarray) -> Any:
    """Even places as a slice, which is quick to read; others as they are."""
    if len(places) == 1:
        return slice(int(places[0]), int(places[0]) + 1)
    gaps = np.diff(places)
    if len(gaps) and gaps[0] > 0 and (gaps == gaps[0]).all():
        return slice(int(places[0]), int(places[-1]) + 1, int(gaps[0]))
    return np.asarray(places)


def _nearest(seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each place the nearest seed."""
    from scipy.ndimage import distance_transform_edt

    places = distance_transform_edt(~seeds, return_distances=False, return_indices=True)
    return places[0], places[1]


def _chunk(array: xr.DataArray) -> tuple[int, int]:
    chunks = array.chunks
    return (array.shape[0], array.shape[1]) if chunks is None else (max(chunks[0]), max(chunks[1]))


def _pixel_bytes(array: xr.DataArray) -> int:
    return array.dtype.itemsize * int(np.prod(array.shape[2:], dtype=np.int64))


class Kept:
    """Windows that have been read, the latest ones first, up to 96 MiB."""

    def __init__(self, limit: int = KEPT):
        self._limit, self._held = limit, OrderedDict[Any, np.ndarray]()
        self._lock = threading.Lock()

    def get(self, key: Any, window: Window) -> np.ndarray | None:
        """The image of a window, if it, or a larger one with the same step, was kept under this key."""
        with self._lock:
            for (held, around), values in reversed(self._held.items()):
                if held == key and (where := inside(window, around)) is not None:
                    self._held.move_to_end((held, around))
                    return values[where]
        return None

    def keep(self, key: Any, window: Window, values: np.ndarray) -> None:
        """Keep it, and forget the oldest if it is too much."""
        with self._lock:
            self._held[key, window] = values
            while len(self._held) > 1 and sum(v.nbytes for v in self._held.values()) > self._limit:
                self._held.popitem(last=False)
