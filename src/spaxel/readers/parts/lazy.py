"""Files as lazy arrays: tiles of whole spectra, the channel axis last, nothing read before it is asked for."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Sequence
from math import ceil, prod
from pathlib import Path
from typing import Any
from warnings import warn
from zipfile import BadZipFile

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.utils import SerializableLock

from spaxel.cube.blocks import Source, with_recipe
from spaxel.cube.computing import alone
from spaxel.cube.tiles import CELL
from spaxel.errors import AxisError, LayoutWarning, in_words
from spaxel.readers.parts.copied import Copied, lies_across, times_read
from spaxel.readers.parts.limits import check_believable

LARGE = 256 * 2**20  # bytes: below this a bad layout is not worth a warning
FOREIGN = (  # what libraries that read files raise on damaged ones
    *(OSError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError, MemoryError),
    *(RuntimeError, AssertionError, struct.error, zlib.error, BadZipFile),
)
SLOW_CHUNKS = 512  # pieces per tile, from which a layout is slow


class Explained:
    """An array-like of a library, whose errors at reading become ReadErrors that name the file."""

    def __init__(self, source: Any, path: Path) -> None:
        self.source, self.path = source, path
        self.shape, self.dtype, self.ndim = source.shape, source.dtype, len(source.shape)

    def __getitem__(self, key: Any) -> Any:
        with in_words(self.path, "is damaged inside", "Try to copy it again."):
            return np.asarray(self.source[key])


class Computed:
    """A Dask array of a library as an array-like, so that errors at reading can be explained."""

    def __init__(self, source: da.Array) -> None:
        self.source, self.shape, self.dtype, self.ndim = source, source.shape, source.dtype, source.ndim

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.asarray(self.source[key].compute(scheduler=alone))


def tile_chunks(shape: Sequence[int], storage_chunks: Sequence[int] | None = None) -> tuple[int, int, int]:
    """Chunks for a lazy cube: cells of 64 x 64 pixels with all channels, made of whole storage chunks if small.

    shape, storage_chunks : (y, x, channel)     A storage chunk with a side over 128 is cut all the same.
    """
    stored = (1, 1) if storage_chunks is None else tuple(storage_chunks)[:2]
    rows, columns = (_side(n, s) for n, s in zip(shape[:2], stored, strict=True))
    return rows, columns, shape[2]


def lazy_array(
    source: Any,
    *,
    path: Path,
    part: str = "",
    channel_axis: int = 2,
    storage_chunks: Sequence[int] | None = None,
    lock: bool = False,
) -> da.Array:
    """A Dask array (y, x, channel) over a 3-D array-like with `shape`, `dtype` and slicing; reads nothing.

    path, part     : the file, and the place in it: they name the tasks, so that data are never hashed
    channel_axis   : where the channels are in `source`; the other two are y and x, in their order
    storage_chunks : chunks of the file, in the order of `source`; the tiles are aligned to them
    lock           : True if the library that reads is not safe in threads
    Warns (LayoutWarning) if the file is large and so laid out that it is copied, or that a tile touches very many pieces.
    """
    order = [axis for axis in range(3) if axis != channel_axis] + [channel_axis]
    shape = [source.shape[axis] for axis in order]
    check_believable(path, part or "the image", tuple(shape[:2]))
    stored = None if storage_chunks is None else [storage_chunks[axis] for axis in order]
    chunks = tile_chunks(shape, stored)
    if stored is not None:
        warn_layout(path, shape, stored, source.dtype.itemsize)
    if storage_chunks is not None and stored is not None and lies_across(stored, shape):
        source = Copied(source, storage_chunks, channel_axis, path.name)
    in_source = tuple(chunks[order.index(axis)] for axis in range(3))
    explained, held = Explained(source, path), SerializableLock() if lock else None
    array = arrange(_from_source(explained, in_source, path, part, lock=held), channel_axis)
    return with_recipe(array, Source(explained, tuple(order), held))


def lazy_rows(source: Any, *, path: Path, part: str = "", channel_axis: int = 1, lock: bool = False) -> da.Array:
    """A Dask array (spectrum, channel) over a 2-D array-like, 4096 whole spectra at a time; see lazy_array."""
    check_believable(path, part or "the table", tuple(n for axis, n in enumerate(source.shape) if axis != channel_axis))
    chunks = tuple(n if axis == channel_axis else min(n, CELL * CELL) for axis, n in enumerate(source.shape))
    explained, held = Explained(source, path), SerializableLock() if lock else None
    return arrange(_from_source(explained, chunks, path, part, lock=held), channel_axis)


def arrange(array: Any, channel_axis: int) -> Any:
    """The array with its channel axis last; the others keep their order. AxisError if there is no such axis."""
    return np.moveaxis(array, check_axis_number(channel_axis, array.ndim), -1)


def check_axis_number(channel_axis: Any, ndim: int) -> int:
    """The number of the channel axis as an integer from 0 to ndim - 1; AxisError for any other."""
    try:
        number = int(channel_axis)
    except (TypeError, ValueError):
        number = ndim
    if not -ndim <= number < ndim:
        raise AxisError(f"channel_axis={channel_axis!r}: the array has {ndim} axes. Try one of 0 to {ndim - 1}.")
    return number % ndim


def guess_channel_axis(shape: Sequence[int], lengths: Collection[int] = ()) -> tuple[int, bool]:
    """Which axis of a 3-D array is spectral: (axis, whether that is known). If not known, the caller notes a guess.

    lengths : of axes that are known to be spectral (a wavelength list of that length). One match decides.
    Else the two equal sides are taken as a square image, and failing that the last axis as the channels.
    """
    matches = [axis for axis, n in enumerate(shape) if n in lengths]
    if len(matches) == 1:
        return matches[0], True
    for axis in (0, 1):
        first, second = (shape[other] for other in range(3) if other != axis)
        if first == second != shape[axis] and (not matches or axis in matches):
            return axis, False
    return len(shape) - 1, False


def warn_layout(path: Path, shape: Sequence[int], storage_chunks: Sequence[int], itemsize: int) -> None:
    """A LayoutWarning if tiles of a large file touch very many of these chunks, or cost so much that it is copied.

    shape, storage_chunks : (y, x, channel)     itemsize : bytes of a number
    """
    if prod(shape) * itemsize <= LARGE:
        return
    tile = tile_chunks(shape, storage_chunks)
    touched = [ceil(t / s) for t, s in zip(tile, storage_chunks, strict=True)]
    across = lies_across(storage_chunks, shape)
    if across or prod(touched) >= SLOW_CHUNKS:
        size = f"{prod(shape) * itemsize / 2**30:.2f} GiB"
        copy = f"It is copied once to a temporary file ({size}), in each command. " if across else ""
        warn(
            f"{path} is stored in pieces of {' x '.join(map(str, storage_chunks))} (y, x, channel): a tile of whole "
            f"spectra touches {prod(touched)} of them and reads {times_read(storage_chunks, shape):.0f} times its size. {copy}"
            f"Try: spaxel convert {path.name} {path.stem}.zarr",
            LayoutWarning,
            stacklevel=2,
        )


def _from_source(source: Explained, chunks: tuple[int, ...], path: Path, part: str, *, lock: Any) -> da.Array:
    status = path.stat()
    token = tokenize(str(path.resolve()), status.st_mtime_ns, status.st_size, part, tuple(source.shape), chunks)
    meta = np.empty((0,) * len(chunks), source.dtype)
    return da.from_array(source, chunks=chunks, name=f"read-{token}", lock=lock or False, fancy=False, meta=meta)


def _side(n: int, stored: int) -> int:
    if stored > 2 * CELL:
        return min(n, CELL)
    return min(n, stored * max(1, CELL // stored))
