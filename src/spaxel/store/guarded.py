"""Arrays of a run that say so when they are damaged, wherever they are read, and however late.

What spaxel writes has every chunk, also those of one value, and a checksum in each. So a chunk that is gone, cut off or
changed is an error in words where it is read, and never an answer.
"""

from __future__ import annotations

import hashlib
import lzma
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from safetensors import SafetensorError
from xarray.backends import BackendArray
from xarray.core import indexing
from zarr.codecs import ZstdCodec

from spaxel.cube.stored import CHUNK, is_lazy
from spaxel.errors import ReadError
from spaxel.store.remote import store_at

WHOLE = "every_chunk"  # an attribute of what was written with every chunk
CHECKSUM = "sha256"
DAMAGE = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RecursionError, RuntimeError, TypeError),
    *(ValueError, SafetensorError, lzma.LZMAError, zlib.error),
)  # what libraries raise of damaged numbers
LARGEST = 2**31  # bytes of one chunk
SMALL = 2**20  # bytes of an array of one chunk that is read whole
LIMITS = {"labels": "component", "micro_labels": "micro", "micro_component": "component"}  # numbers of what


class Guarded:
    """An array as Dask reads it, whose foreign errors become words, and whose numbers stay within limits.

    held : a variable that is read when it is asked, or an array of Zarr
    limit : labels are -1 … limit - 1; None: any value
    """

    def __init__(self, held: Any, what: str, limit: int | None) -> None:
        self.held, self.what, self.limit = held, what, limit
        self.shape, self.dtype, self.ndim = held.shape, held.dtype, held.ndim

    def __getitem__(self, key: Any) -> np.ndarray:
        """The numbers of a block. Raises ReadError where they are damaged."""
        try:
            held = self.held[key]
            found = np.asarray(getattr(held, "values", held))
        except ReadError:
            raise
        except DAMAGE as error:
            raise ReadError(
                f"{self.what} is damaged: {error or type(error).__name__}. Try to make it again."
            ) from error
        if self.limit is not None and found.size and not -1 <= found.min() <= found.max() < self.limit:
            raise ReadError(f"{self.what} is damaged: it holds numbers that no component has. Try to make it again.")
        return found


def guarded_encoding(data: xr.Dataset) -> dict[str, dict[str, Any]]:
    """How the arrays of a dataset are written: with a checksum in every chunk."""
    codec = ZstdCodec(level=0, checksum=True)
    return {str(name): {"compressors": (codec,), "chunks": _chunks(held)} for name, held in data.variables.items()}


def _chunks(held: xr.Variable) -> tuple[int, ...]:
    """Blocks of pixels, each level and each line by itself; the same whatever the memory was."""
    pixels, single = ("y", "x"), ("level", "line")
    within = dict.fromkeys(pixels, CHUNK) | (dict.fromkeys(single, 1) if "y" in held.dims else {})
    return tuple(
        max(1, min(size, within.get(str(name), size))) for name, size in zip(held.dims, held.shape, strict=True)
    )


def in_chunks(data: xr.Dataset) -> xr.Dataset:
    """A dataset whose lazy arrays come in the chunks that `guarded_encoding` names."""
    lazy = {name: held for name, held in data.data_vars.items() if is_lazy(held.data)}
    return data.assign(
        {n: held.chunk(dict(zip(held.dims, _chunks(held.variable), strict=True))) for n, held in lazy.items()}
    )


class WhenAsked(BackendArray):
    """A small guarded array as xarray reads it: at once and whole, the first time that it is asked for a number."""

    def __init__(self, guarded: Guarded) -> None:
        self.guarded = guarded
        self.shape, self.dtype = guarded.shape, guarded.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        """The numbers of a part. Raises ReadError where they are damaged."""
        support = indexing.IndexingSupport.BASIC
        return indexing.explicit_indexing_adapter(key, self.shape, support, self.guarded.__getitem__)


def open_guarded(folder: Path) -> xr.Dataset:
    """A Zarr folder that spaxel wrote, lazily: small arrays when they are asked, the others chunk by chunk with Dask.

    Raises ReadError, and others (DAMAGE) of its metadata.
    """
    store = store_at(folder)
    plain = xr.open_zarr(store, consolidated=False, chunks=None)
    store.chunks.complete = bool(plain.attrs.pop(WHOLE, False))
    return plain.assign({str(name): _guarded(folder, str(name), plain) for name in plain.data_vars})


def _guarded(folder: Path, name: str, data: xr.Dataset) -> xr.Variable:
    held = data[name].variable
    chunks = held.encoding.get("chunks") or held.shape
    if int(np.prod(chunks, dtype=object)) * held.dtype.itemsize > LARGEST:
        raise ReadError(f"{folder / name} is damaged: a chunk of {chunks} is larger than spaxel writes any.")
    limit = data.sizes.get(LIMITS[name]) if name in LIMITS else None
    guarded = Guarded(held, str(folder / name), limit)
    array: Any
    if chunks == held.shape and held.nbytes <= SMALL:  # Dask would take longer than reading them
        array = indexing.MemoryCachedArray(indexing.LazilyIndexedArray(WhenAsked(guarded)))
    else:
        array = da.from_array(guarded, chunks=chunks, name=False, meta=np.empty(0, held.dtype))
    return xr.Variable(held.dims, array, held.attrs, held.encoding)


def checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """Of names, kinds, shapes and numbers of arrays, whatever their order."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        held = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {held.dtype.str} {held.shape}\n".encode())
        total.update(held.tobytes())
    return total.hexdigest()
