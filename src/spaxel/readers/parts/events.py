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
    """The counts of a lazy array of RosettaSciIO over sparse ones, taken out of it whole; None for any other array.

    Several sparse arrays are those of several detectors: their counts are summed, if the lazy array is their sum.
    """
    if not isinstance(data, da.Array) or data.ndim != 3:
        return None
    graph = dict(data.__dask_graph__())
    held = list(_sparse(graph))
    if not held or any(tuple(each.shape) != tuple(data.shape) for each in held) or not _is_sum(graph, len(held)):
        return None
    height, width, n_channels = (int(n) for n in data.shape)
    places = np.concatenate([np.ravel_multi_index(each.coords, each.shape) for each in held])
    values = np.concatenate([each.data for each in held])
    places, first = np.unique(places[order := np.argsort(places, kind="stable")], return_index=True)
    counts = np.add.reduceat(values[order], first) if len(places) else values
    pixels, channels = np.divmod(places, n_channels)
    starts = np.concatenate([[0], np.cumsum(np.bincount(pixels, minlength=height * width))])
    kind = np.min_scalar_type(max(n_channels - 1, 0))
    dtype = np.dtype(data.dtype)
    return Events((height, width, n_channels), dtype, starts, channels.astype(kind), counts.astype(dtype))


def _is_sum(graph: dict[Any, Any], n: int) -> bool:
    """Whether a graph does no more than add n arrays and change their type."""
    names = {str(key[0] if isinstance(key, tuple) else key) for key in graph}
    kinds = [name.rpartition("-")[0] for name in names]
    return set(kinds) <= {"original-array", "array", "add", "astype"} and kinds.count("add") == n - 1


def _sparse(graph: dict[Any, Any]) -> Iterator[Any]:
    """Sparse arrays in the graph of a lazy one: known by their coordinates, so that `sparse` need not be imported."""
    seen: list[Any] = []
    for task in graph.values():
        for held in (task, getattr(task, "value", None), *getattr(task, "args", ())):
            inside = getattr(held, "value", held)
            if hasattr(inside, "coords") and hasattr(inside, "fill_value") and not any(inside is one for one in seen):
                seen.append(inside)
                yield inside
