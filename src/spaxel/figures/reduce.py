"""What is too large for a screen, made smaller: majority for labels, mean for pictures, extremes for spectra."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube.smaller import is_large, majority, whole_step
from spaxel.cube.stored import CHUNK
from spaxel.results.walk import strips
from spaxel.store.overviews import KINDS, smaller


def n_components(result: xr.Dataset) -> int:
    """Number of components: what the arrays say, else the labels."""
    if "component" in result.sizes:
        return result.sizes["component"]
    return int(np.asarray(result["labels"]).max(initial=-1)) + 1


def component_sizes(result: xr.Dataset) -> np.ndarray:
    """Pixels of each component, (component,) int."""
    if "component_size" in result:
        return np.asarray(result["component_size"]).astype(np.int64)
    labels = np.asarray(result["labels"])
    return np.bincount(labels[labels >= 0], minlength=n_components(result))


def step_for(shape: tuple[int, ...], side: int) -> int:
    """How many pixels become one, so that no side of the map exceeds `side`; of a large map a power of two, at most CHUNK."""
    if is_large(shape):
        return whole_step(shape, side, CHUNK)
    return max(1, -(-max(shape[:2]) // side))


def reduce_labels(labels: np.ndarray, side: int) -> np.ndarray:
    """The most frequent label of each block (the smaller one of a tie; -1 counts too). (y, x) int -> smaller (y, x)."""
    step = step_for(labels.shape, side)
    return labels if step == 1 else majority(labels, step)


def reduced(maps: Sequence[Any], side: int, of: Callable[..., Sequence[np.ndarray]]) -> list[np.ndarray]:
    """What `reduce_labels` gives of the label images that a function makes of maps, pixel by pixel: nobody holds a whole one.

    maps : (y, x) each, in memory or on the disk      of : their values, strip by strip, -> (y, x) int each
    """
    step = step_for(maps[0].shape, side)
    parts = [
        [majority(one, step) if step > 1 else one for one in of(*values)]
        for values in strips(*maps, step=step, scratch=32)
    ]
    return [np.concatenate(made) for made in zip(*parts, strict=True)]


def small_map(result: xr.Dataset, name: str, side: int) -> np.ndarray:
    """A map of a result, labels or values, so small that no side exceeds `side`; of a large one nothing else is read.

    Labels: the most frequent of each block. Values: float32, the mean of what is finite; of `unlike` and `level_confidence`
    of a large map, of the pixels with data. The axes are in the order of the map (spaxel.results.convention).
    """
    array, shape = result[name], (result.sizes["y"], result.sizes["x"])
    labels = KINDS[name].how != "mean"
    if is_large(shape):
        step = step_for(shape, side)
        found = np.asarray(array) if step == 1 else smaller(result, name, step)
        return found if labels else found.astype(np.float32)
    if labels:
        return reduce_labels(np.asarray(array), side)
    if array.dims[0] == "y":
        return reduce_mean(np.asarray(array), side)
    return np.stack([reduce_mean(np.asarray(plane), side) for plane in array])


def reduce_mean(image: np.ndarray, side: int) -> np.ndarray:
    """The mean of what is finite in each block; NaN where nothing is. (y, x, …) -> smaller (y, x, …) float32."""
    step = step_for(image.shape, side)
    if step == 1:
        return np.asarray(image, np.float32)
    starts = np.arange(0, image.shape[1], step)
    small = np.empty((-(-image.shape[0] // step), len(starts), *image.shape[2:]), np.float32)
    for row in range(len(small)):  # a strip at a time: the image may be as large as memory allows
        strip = np.asarray(image[row * step : (row + 1) * step], np.float32)
        good = np.isfinite(strip)
        count = np.add.reduceat(good.sum(0, dtype=np.float32), starts)
        total = np.add.reduceat(strip.sum(0, where=good), starts)
        small[row] = np.where(count > 0, total / np.maximum(count, 1), np.float32(np.nan))
    return small


def reduce_spectra(axis: np.ndarray, low: np.ndarray, high: np.ndarray, limit: int) -> tuple[np.ndarray, ...]:
    """At most `limit` points, the smallest and the largest of each bin, so that peaks and dips survive.

    They come as the bin rises or falls, so that a flank is drawn as a flank and no zigzag.

    axis : (channel,)      low, high : (n, channel); the same array twice for a line, the two edges for a band
    returns : axis (m,), low (n, m), high (n, m); NaN only where a whole bin is NaN
    """
    n_bins = max(1, limit // 2)
    if len(axis) <= limit:
        return axis, low, high
    starts = np.unique(np.linspace(0, len(axis), n_bins, endpoint=False).astype(int))
    smallest = [np.fmin.reduceat(v, starts, axis=1) for v in (low, high)]
    largest = [np.fmax.reduceat(v, starts, axis=1) for v in (low, high)]
    ends = np.append(starts[1:], len(axis)) - 1
    where = np.stack([axis[starts], axis[ends]], 1).ravel()
    falls = [v[:, ends] < v[:, starts] for v in (low, high)]
    return where, *(_interleaved(*three) for three in zip(smallest, largest, falls, strict=True))


def _interleaved(smallest: np.ndarray, largest: np.ndarray, falls: np.ndarray) -> np.ndarray:
    pair = np.stack([np.where(falls, largest, smallest), np.where(falls, smallest, largest)], -1)
    return pair.reshape(len(pair), -1)


def png(rgba: np.ndarray) -> bytes:
    """A PNG file of an image. rgba : (y, x, 4) uint8. Format: https://www.w3.org/TR/png/, no filter."""
    height, width = rgba.shape[:2]
    rows = np.zeros((height, 1 + 4 * width), np.uint8)
    rows[:, 1:] = rgba.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
