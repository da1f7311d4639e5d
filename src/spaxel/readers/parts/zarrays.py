"""Arrays of a Zarr folder, version 2 or 3: listed, checked, and read lazily in their chunks."""

from __future__ import annotations

import base64
import json
import struct
import warnings
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import zarr
from dask.base import tokenize

from spaxel.cube.blocks import Source, with_recipe
from spaxel.errors import ReadError
from spaxel.readers.parts.axis import is_spectral
from spaxel.readers.parts.lazy import Explained, lazy_array
from spaxel.readers.parts.limits import check_believable
from spaxel.readers.parts.variables import Variable, Variables
from spaxel.store.codecs import CheckedStore, CheckedZip
from spaxel.store.remote import CheckedRemote, store_at

_CHANNELS = ("channel", "band", "spectral", "spectrum", "bin")
_MARKERS = ("zarr.json", ".zgroup", ".zarray")


def is_zarr(path: Path) -> bool:
    """Whether this is a folder that says of itself that it is a Zarr group or array."""
    return any((path / marker).is_file() for marker in _MARKERS)


def open_node(path: Path) -> zarr.Group | zarr.Array:
    """The group or array at the root of a Zarr folder, or of a zip that holds one, read-only.

    Raises ReadError if its metadata are damaged, or ask for a codec that is more than arithmetic (see spaxel.store.codecs).
    """
    if path.is_file():
        return zarr.open(CheckedZip(path), mode="r")
    for marker in _MARKERS:
        if (path / marker).is_file():
            try:
                metadata = json.loads((path / marker).read_text("utf-8"))
            except ValueError as error:
                raise ReadError(f"{path / marker} is damaged: {error}. Try to copy the folder again.") from error
            if not isinstance(metadata, dict) or (marker == "zarr.json" and "node_type" not in metadata):
                raise ReadError(
                    f"{path / marker} is damaged: it does not say what it is. Try to copy the folder again."
                )
    return zarr.open(store_at(path), mode="r")


def zarr_variables(path: Path, node: zarr.Group | zarr.Array) -> Variables:
    """All arrays of a Zarr folder by their path in it; a bare array goes by the name of its folder."""
    if isinstance(node, zarr.Array):
        return {path.stem: _variable(path, path.stem, node, {})}
    arrays = _arrays(node)
    return {name: _variable(path, name, array, arrays) for name, array in arrays.items()}


def named_channel_axis(node: zarr.Group | zarr.Array, dataset: str | None) -> int | None:
    """The axis of the only 3-D array (or of `dataset`) whose dimension has a spectral name; None if none or several."""
    arrays = {"": node} if isinstance(node, zarr.Array) else _arrays(node)
    wanted = [a for n, a in arrays.items() if (n == dataset.strip("/") if dataset else a.ndim == 3)]
    names = _dimension_names(wanted[0]) if len(wanted) == 1 else []
    axes = [axis for axis, name in enumerate(names) if is_spectral(name) or name.lower().rstrip("s") in _CHANNELS]
    return axes[0] if len(axes) == 1 else None


def look_at_chunks(array: zarr.Array) -> None:
    """Note which chunks of an array in a folder are there, so that one that is lost later is an error (store.chunks_there)."""
    if isinstance(store := array.store, (CheckedStore, CheckedRemote)):
        try:
            store.chunks.look(array, store.stored)
        except (OSError, NotImplementedError, ValueError):  # a server that lists nothing
            store.chunks.unlisted.add(array.path)


def expect_every_chunk(array: zarr.Array) -> None:
    """Note that an array was written with every chunk, so that none may be missing."""
    if isinstance(store := array.store, (CheckedStore, CheckedRemote)):
        store.chunks.expect_all(array.path)


def said_of_holes(path: Path, node: zarr.Group | zarr.Array, size: int) -> list[str]:
    """A sentence if the array with so many numbers has chunks that are not stored."""
    if not isinstance(node.store, (CheckedStore, CheckedRemote)):
        return []
    holes, unlisted = node.store.chunks.holes, node.store.chunks.unlisted
    if not holes and not unlisted:
        return []
    arrays = {"": node} if isinstance(node, zarr.Array) else _arrays(node)
    said = [
        f"{path.name}: {holes[array.path][0]} of {holes[array.path][1]} chunks of {name or path.stem} are not stored; took "
        f"them as empty ({array.fill_value}), as Zarr means it. Copy the folder again if it should be whole."
        for name, array in arrays.items()
        if array.size == size and array.path in holes
    ]
    return said + [
        f"{path.name}: its address does not list the chunks of {name or path.stem}; those that are missing are taken as empty "
        f"({array.fill_value}). Copy the folder here if it should be whole."
        for name, array in arrays.items()
        if array.size == size and array.path in unlisted
    ]


def load(path: Path, name: str, array: zarr.Array) -> np.ndarray:
    """All of an array, text as NumPy text; ReadError if a chunk is damaged."""
    try:
        values = np.asarray(array[...])
    except (RuntimeError, ValueError, OSError) as error:
        raise ReadError(f"{path}: {name} is damaged: {error}. Try to copy the folder again.") from error
    return np.array(values.tolist(), dtype=str) if values.dtype.kind in "OT" else values


def lazy_image(path: Path, name: str, array: zarr.Array) -> da.Array:
    """A Dask array over an array with pixels, in tiles of 64 x 64; spectra (y, x, channel) as lazy_array does it."""
    check_believable(path, name, array.shape)
    if array.ndim == 3:
        return lazy_array(array, path=path, part=name, storage_chunks=array.chunks)
    status = path.stat()
    token = tokenize(str(path.resolve()), status.st_mtime_ns, name, array.shape)
    explained, meta = Explained(array, path), np.empty((0,) * array.ndim, array.dtype)
    lazy = da.from_array(explained, chunks=array.chunks, name=f"read-{token}", meta=meta)
    return with_recipe(lazy, Source(explained, tuple(range(array.ndim))))


def _arrays(group: zarr.Group) -> dict[str, zarr.Array]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # files in the folder that are not Zarr's
        return {name: item for name, item in sorted(group.members(max_depth=None)) if isinstance(item, zarr.Array)}


def _dimension_names(array: zarr.Array) -> list[str]:
    names: Any = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    return [str(name) for name in names]


def _variable(path: Path, name: str, array: zarr.Array, arrays: dict[str, zarr.Array]) -> Variable:
    check_believable(path, name, array.shape)
    names = _dimension_names(array)
    folder = f"{name.rpartition('/')[0]}/".lstrip("/")
    scales = {axis: f"{folder}{dim}" for axis, dim in enumerate(names) if f"{folder}{dim}" in arrays}
    units = array.attrs.get("units")
    if array.ndim > 1:
        look_at_chunks(array)
    return Variable(
        array.shape,
        array.dtype,
        lambda: load(path, name, array),
        array,
        array.chunks,
        None if units is None else str(units),
        scales,
        "" if array.dtype.kind in "biufcUT" else f"it has dtype {array.dtype}",
        _attrs(array),
        labels=tuple(names) if len(names) == array.ndim else (),
    )


def _attrs(array: zarr.Array) -> dict[str, Any]:
    """Its attributes. A fill value other than 0 means no data, and so does what xarray encodes as `_FillValue`."""
    found: dict[str, Any] = dict(array.attrs)
    fill = getattr(array.metadata, "fill_value", None)
    if isinstance(found.get("_FillValue"), str):
        found["_FillValue"] = _decoded(found["_FillValue"])
    if "_FillValue" not in found and array.dtype.kind in "iuf" and fill is not None and fill != 0:
        found["_FillValue"] = fill
    return found


def _decoded(text: str) -> float | str:
    """A float as xarray writes it into Zarr 3: eight bytes in base 64; other text as it is."""
    try:
        return struct.unpack("<d", base64.b64decode(text, validate=True))[0]
    except (ValueError, struct.error):
        return text
