"""Maps that are stored as single X-ray counts (JEOL pts, Velox emd): sparse in memory, and given out tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np


@dataclass(frozen=True)
class Events:
    """Counts (y, x, channel) that are nearly all zero: an array-like whose slices are plain arrays.

    shape, dtype : of the whole      starts : (pixel + 1,) where the counts of each pixel begin, pixels row by row
    channels, counts : of all pixels, one after the other, channels increasing within a pixel
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    starts: np.ndarray
    channels: np.ndarray
    counts: np.ndarray
    ndim: int = 3

    def __getitem__(self, key: tuple[slice, slice, slice]) -> np.ndarray:
        (y0, y1, _), (x0, x1, _), (c0, c1, _) = (k.indices(n) for k, n in zip(key, self.shape, strict=True))
        found = np.zeros((y1 - y0, x1 - x0, self.shape[2]), self.dtype)
        for row in range(y0, y1):
            starts = self.starts[row * self.shape[1] + x0 : row * self.shape[1] + x1 + 1]
            held = slice(starts[0], starts[-1])
            pixels = np.repeat(np.arange(x1 - x0), np.diff(starts))
            found[row - y0, pixels, self.channels[held]] = self.counts[held]
        return found[:, :, c0:c1]


def events_in(data: Any) -> Events | None:
    """The counts of a lazy array of RosettaSciIO over a sparse one, taken out of it whole; None for any other array."""
    held = next(_sparse(data), None) if isinstance(data, da.Array) and data.ndim == 3 else None
    if held is None or tuple(held.shape) != tuple(data.shape):
        return None
    height, width, n_channels = (int(n) for n in data.shape)
    pixels = held.coords[0].astype(np.int64) * width + held.coords[1]
    order = np.lexsort((held.coords[2], pixels))
    starts = np.concatenate([[0], np.cumsum(np.bincount(pixels, minlength=height * width))])
    kind = np.min_scalar_type(max(n_channels - 1, 0))
    channels = held.coords[2][order].astype(kind)
    return Events((height, width, n_channels), np.dtype(data.dtype), starts, channels, held.data[order])


def _sparse(data: da.Array) -> Iterator[Any]:
    """Sparse arrays in the graph of a lazy one: known by their coordinates, so that `sparse` need not be imported."""
    for task in dict(data.__dask_graph__()).values():
        for held in (task, getattr(task, "value", None), *getattr(task, "args", ())):
            if hasattr(held, "coords") and hasattr(held, "fill_value") and hasattr(held, "data"):
                yield held
