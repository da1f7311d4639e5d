"""Zarr: our native layout, written tile by tile and read as it was written; and other people's Zarr arrays.

The native layout is a Zarr v3 group. Its attributes are `format` ("spaxel-cube"), `version` (1), `cube_attrs` (the
attrs of the cube) and `coordinates` (names, separated by blanks). Every variable is an array with `dimension_names`;
those with y and x are stored in chunks of 64 x 64 pixels that hold all channels. xarray.open_zarr reads it too.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import dask
import numpy as np
import xarray as xr
import zarr

from spaxel.cube import check_cube, note, note_guess
from spaxel.cube.computing import usual
from spaxel.cube.tiles import CELL, Tile, grid, sides
from spaxel.errors import CubeError, ParameterError, ReadError, called
from spaxel.pace import paced
from spaxel.readers.parts.container import Options, open_variables
from spaxel.readers.parts.lazy import LARGE
from spaxel.readers.parts.ome_zarr import ome_image, open_ome
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.zarrays import (
    expect_every_chunk,
    is_zarr,
    lazy_image,
    load,
    named_channel_axis,
    open_node,
    said_of_holes,
    zarr_variables,
)
from spaxel.readers.registry import open_cube
from spaxel.readers.table_writer import TABLES, check_suffix, write_table
from spaxel.store.addresses import using
from spaxel.store.copies import remote_of
from spaxel.store.here import check_local
from spaxel.store.writing import replacing

FORMAT, VERSION = "spaxel-cube", 1


def write_cube(
    cube: xr.Dataset, path: str | Path, *, overwrite: bool = False, storage: dict[str, Any] | None = None
) -> Path:
    """Write a cube as Zarr, or a list of spectra as CSV or TSV, as the name says.

    cube      : lazy or not, with any further variables and attributes; numbers are stored in native byte order
    path      : of the folder to make, *.zarr or without a suffix; or of a table, *.csv or *.tsv, which keeps the spectra,
                their names and targets, and no truth      overwrite : replace a Zarr store, or table, that is there
    storage   : options of the library that writes to an address (s3://…)
    returns   : the path
    Piece by piece: at most about 256 MiB of it are in memory, or one chunk of its source. Written beside and renamed: if
    it is interrupted, nothing new is there and what was there is untouched.
    Raises Exists if something is there (with `overwrite`: if it is not a Zarr store), CubeError for a cube that breaks
    the convention, a variable or attribute that Zarr cannot hold, an image that is to become a table; ParameterError for
    an address that is only read, and for the suffix of a format that is only read.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=8, width=9, channels=16)
    >>> spaxel.write_cube(cube, "painting.zarr").name
    'painting.zarr'
    """
    with using(storage):
        return _write_cube(check_cube(cube), check_local(path, write=True), overwrite=overwrite)


def _write_cube(cube: xr.Dataset, path: Path, *, overwrite: bool) -> Path:
    if check_suffix(path) in TABLES:
        return write_table(cube, path, overwrite=overwrite)
    attributes = _attributes(cube)
    with replacing(path, overwrite=overwrite, owned=is_zarr) as beside:
        store = zarr.create_group(beside, zarr_format=3, attributes=attributes)
        arrays = {str(name): _create(store, str(name), v) for name, v in cube.variables.items()}
        images = [name for name in arrays if {"y", "x"} <= set(cube.variables[name].dims)]
        for name in set(arrays) - set(images):
            arrays[name][...] = _values(cube.variables[name])
        for tile in paced(list(_pieces(cube)), "tiles"):
            part = {"y": slice(tile.y0, tile.y1), "x": slice(tile.x0, tile.x1)}
            blocks = dask.compute(*(cube.variables[name].isel(part).data for name in images), scheduler=usual())
            for name, block in zip(images, blocks, strict=True):
                arrays[name][tuple(part.get(str(dim), slice(None)) for dim in cube.variables[name].dims)] = block
    return path


def convert(
    path: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    storage: dict[str, Any] | None = None,
    **options: Any,
) -> Path:
    """Any file that spaxel opens, as a native Zarr: reading it by tiles is then fast. Or as a table, see write_cube.

    path, options : as for open_cube      out, overwrite, storage, returns : as for write_cube
    Raises what open_cube and write_cube raise.

    >>> import numpy as np
    >>> import spaxel
    >>> np.save("scan.npy", np.random.default_rng(0).random((8, 9, 40)))
    >>> spaxel.convert("scan.npy", "scan.zarr", channel_axis=2).name
    'scan.zarr'
    """
    with using(storage):
        check_suffix(check_local(out, write=True))
        cube = note(open_cube(path, **options), called(f"converted from {path}"))
        return write_cube(cube, out, overwrite=overwrite)


def open_zarr(
    path: Path,
    *,
    dataset: str | None = None,
    channel_axis: int | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
    truth: str | None = None,
    truth_background: int | str | None = None,
    shape: Sequence[int] | str | None = None,
    pixel_order: Literal["C", "F"] | None = None,
    index: str | None = None,
) -> xr.Dataset:
    """The cube in a Zarr v3 or v2 folder, or in OME-Zarr, lazily in its chunks. Our own layout takes no options.

    dataset          : path of the array inside the group, if it holds several that can be spectra
    channel_axis     : 0, 1 or 2, if neither the names of its axes nor their lengths say it
    channel, units   : axis values, an array of the group, or a file that holds them; their unit
    truth            : array or file with ground truth       truth_background : the label that means unlabelled
    shape            : (height, width) of a list of spectra  pixel_order : "C" or "F", how it was flattened
    index            : of an array of more than 3 axes, the position to take, as "t=0,z=3"; else its maps are stacked along y
    Raises ReadError: damaged, incomplete, from a newer spaxel, ambiguous; ParameterError for an option that our own
    layout decides itself. CF packing (scale_factor, add_offset, _FillValue) of other people's arrays is for the door.
    """
    options = Options(dataset, channel_axis, channel, units, truth, truth_background, shape, pixel_order, index)
    node = open_node(path)
    if isinstance(node, zarr.Group) and node.attrs.get("format") == FORMAT:
        if options != Options():
            raise ParameterError(f"{path} is a cube that spaxel wrote, it says all this itself. Try without options.")
        return _open_native(path, node)
    if image := ome_image(path, node, dataset):
        cube = open_ome(path, *image, options)
    else:
        if channel_axis is None:
            options = replace(options, channel_axis=named_channel_axis(node, dataset))
        cube = open_variables(path, zarr_variables(path, node), options, order="C")
    for sentence in said_of_holes(path, node, cube["spectra"].size):
        cube = note_guess(cube, sentence)
    return cube


def _open_native(path: Path, group: zarr.Group) -> xr.Dataset:
    version = group.attrs.get("version")
    if version != VERSION:
        raise ReadError(
            f"{path} has version {version!r} of the format, this spaxel reads {VERSION}. Try to update spaxel."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # folders that are not Zarr's
        members = dict(group.arrays())
    arrays = {name: array for name, array in members.items() if array.ndim == 0 or _dims(array)}
    if not {"spectra", "channel"} <= set(arrays):
        raise ReadError(
            f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}, but no spectra and channel. Is it complete?"
        )
    variables = {name: _read(path, name, array) for name, array in arrays.items()}
    coordinates = set(str(group.attrs.get("coordinates", "channel")).split()) & set(variables)
    cube = xr.Dataset(
        {name: v for name, v in variables.items() if name not in coordinates},
        coords={name: variables[name] for name in coordinates},
    )
    return cube.assign_attrs(group.attrs.get("cube_attrs", {}))


def _dims(array: zarr.Array) -> tuple[str, ...]:
    """Names of the axes; Zarr 2 keeps none in its metadata."""
    return tuple(str(dim) for dim in getattr(array.metadata, "dimension_names", None) or ())


def _read(path: Path, name: str, array: zarr.Array) -> xr.Variable:
    dims = _dims(array)
    image = "y" in dims and "x" in dims
    lazy = lazy_image(path, name, array) if image else None
    expect_every_chunk(array)
    stored = array.nchunks if remote_of(path) else sum(len(files) for _, _, files in os.walk(path / name / "c"))
    if array.ndim and stored < array.nchunks:
        lost = f"{array.nchunks - stored} of {array.nchunks} chunks of {name}"
        raise ReadError(f"{path} is incomplete: {lost} are missing. Try to copy it again.")
    return xr.Variable(dims, lazy if image else load(path, name, array), dict(array.attrs))


def _create(store: zarr.Group, name: str, variable: xr.Variable) -> zarr.Array:
    kind = variable.dtype.kind
    if kind not in "biufcUOT":
        raise CubeError(f"{name} has dtype {variable.dtype}, which is not stored. Try numbers or text.")
    return store.create_array(
        name,
        shape=variable.shape,
        dtype=str if kind in "UOT" else variable.dtype.newbyteorder("="),
        chunks=tuple(min(max(n, 1), CELL) if d in ("y", "x") else max(n, 1) for d, n in variable.sizes.items()),
        dimension_names=[str(dim) for dim in variable.dims],
        attributes=_plain(name, variable.attrs),
        config={"write_empty_chunks": True},
    )


def _values(variable: xr.Variable) -> np.ndarray:
    values = np.asarray(variable.values)
    return values.astype(np.dtypes.StringDType()) if values.dtype.kind in "UOT" else values


def _pieces(cube: xr.Dataset) -> Iterator[Tile]:
    """Rectangles of whole cells, about LARGE bytes of spectra at most; of whole source chunks where these are small."""
    spectra = cube["spectra"]
    height, width, channels = spectra.shape
    pixel = channels * spectra.dtype.itemsize
    rows, columns = sides(height, width, max(CELL * CELL, LARGE // pixel))
    if spectra.chunks is not None:
        tall, wide = (-(-max(side) // CELL) * CELL for side in spectra.chunks[:2])
        largest = max(spectra.chunks[0]) * max(spectra.chunks[1]) * max(spectra.chunks[2]) * spectra.dtype.itemsize
        if tall * wide * pixel <= max(LARGE, 2 * largest):
            rows, columns = max(rows, tall) // tall * tall, max(columns, wide) // wide * wide
    yield from grid(height, width, rows, columns)


def _attributes(cube: xr.Dataset) -> dict[str, Any]:
    coordinates = " ".join(str(name) for name in cube.coords)
    return {
        "format": FORMAT,
        "version": VERSION,
        "cube_attrs": _plain("the cube", cube.attrs),
        "coordinates": coordinates,
    }


def _plain(owner: str, attrs: dict[Any, Any]) -> dict[str, Any]:
    """Attributes as JSON holds them: NumPy numbers and arrays, tuples and paths become numbers, lists and text."""

    def as_json(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, Path):
            return str(value)
        raise TypeError(f"a {type(value).__name__} is no JSON value")

    try:
        return json.loads(json.dumps(attrs, default=as_json))
    except (TypeError, ValueError) as error:
        raise CubeError(f"The attributes of {owner} cannot be stored: {error}. Try text, numbers and lists.") from error


reader = Reader(
    "native",
    "a Zarr folder",
    (".zarr",),
    lambda path, head: is_zarr(path),
    open_zarr,
    formats=(
        Format(
            "Zarr 2 and 3, a folder",
            ".zarr",
            "yes",
            "an array that numbers an axis, or that is named like one",
            "_FillValue, missing_value",
        ),
        Format(
            "OME-Zarr 0.1 to 0.5, level 0",
            ".zarr, .ome.zarr",
            "yes",
            "names of the channels ('400 nm'), or the scale of their axis",
            "marks found in the numbers",
        ),
        Format("cube written by spaxel", ".zarr", "yes", "kept", "kept"),
    ),
)
