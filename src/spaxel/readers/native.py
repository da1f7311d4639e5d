"""Zarr: our native layout, written tile by tile and read as it was written; and other people's Zarr arrays.

The native layout is a Zarr v3 group. Its attributes are `format` ("spaxel-cube"), `version` (1), `cube_attrs` (the
attrs of the cube) and `coordinates` (names, separated by blanks). Every variable is an array with `dimension_names`;
those with y and x are stored in chunks of 64 x 64 pixels that hold all channels. xarray.open_zarr reads it too.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import xarray as xr
import zarr

from spaxel.cube import check_cube, note, note_guess
from spaxel.cube.tiles import CELL, Tile, grid, sides
from spaxel.errors import ParameterError, ReadError, all_called, called
from spaxel.pace import paced
from spaxel.readers.parts.container import Options, open_variables
from spaxel.readers.parts.lazy import LARGE
from spaxel.readers.parts.native_arrays import (
    FORMAT,
    VERSION,
    attributes_of,
    create,
    dims_of,
    files_of,
    values_of,
    write_tile,
)
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
from spaxel.store.pieces import Pieces
from spaxel.store.provenance import about, contents, signature, told
from spaxel.store.unfinished import advised
from spaxel.store.writing import replacing


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
        return write_pieces(cube, path, overwrite=overwrite)


def write_pieces(
    cube: xr.Dataset,
    path: str | Path,
    key: Callable[[], dict[str, Any]] | None = None,
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> Path:
    """As write_cube. With a key, the tiles that are finished are kept if the command is killed, and `resume` goes on with them.

    key : what decides the bits of the cube, see spaxel.store.pieces
    Raises also ParameterError if what was interrupted is another file, and for `resume` of a table.
    """
    cube, path = check_cube(cube), check_local(path, write=True)
    if check_suffix(path) in TABLES:
        if resume:
            raise ParameterError(f"{path} is a table, which is written at once. Try without --resume.")
        return write_table(cube, path, overwrite=overwrite)
    attributes = attributes_of(cube)
    with replacing(path, overwrite=overwrite, owned=is_zarr, resume=resume) as beside, advised(beside):
        pieces = Pieces(beside, key, resume=resume)
        if pieces.resumed:
            store = zarr.open_group(beside, mode="r+")
            arrays = dict(store.arrays())
        else:
            shutil.rmtree(beside, ignore_errors=True)
            store = zarr.create_group(beside, zarr_format=3, attributes=attributes)
            arrays = {str(name): create(store, str(name), v) for name, v in cube.variables.items()}
        images = [name for name in arrays if {"y", "x"} <= set(cube.variables[name].dims)]
        for name in () if pieces.resumed else set(arrays) - set(images):
            arrays[name][...] = values_of(cube.variables[name])
        for tile in paced([tile for tile in _pieces(cube) if str(tuple(tile)) not in pieces.done], "tiles"):
            write_tile(cube, {name: arrays[name] for name in images}, tile)
            files = (file for name in images for file in files_of(beside / name, arrays[name], tile))
            pieces.finished(str(tuple(tile)), True, files)
    return path


def convert(
    path: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    storage: dict[str, Any] | None = None,
    **options: Any,
) -> Path:
    """Any file that spaxel opens, as a native Zarr: reading it by tiles is then fast. Or as a table, see write_cube.

    path, options : as for open_cube      out, overwrite, storage, returns : as for write_cube
    resume : go on with one that was killed: tiles that are finished are not made again; the bits are the same
    Raises what open_cube and write_cube raise; ParameterError if what was interrupted is another file.

    >>> import numpy as np
    >>> import spaxel
    >>> np.save("scan.npy", np.random.default_rng(0).random((8, 9, 40)))
    >>> spaxel.convert("scan.npy", "scan.zarr", channel_axis=2).name
    'scan.zarr'
    """
    with using(storage):
        check_suffix(check_local(out, write=True))
        cube = open_cube(path, **options)
        new = note(cube, called(f"converted from {path}"))
        return write_pieces(new, out, lambda: key_of(path, cube, options), overwrite=overwrite, resume=resume)


def key_of(
    path: str | Path, cube: xr.Dataset, options: dict[str, Any], steps: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """What decides the bits of a converted file: the input as it was opened, options, steps and versions."""
    known = told(path, signature(path, cube), cube)
    asked = options | {
        f"step {i} {name}": value for i, step in enumerate(steps) for name, value in step["parameters"].items()
    }
    return contents(asked) | {
        "input": known,
        "options": all_called(options),
        "steps": list(steps),
        "versions": about("", None)["versions"],
    }


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
    arrays = {name: array for name, array in members.items() if array.ndim == 0 or dims_of(array)}
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


def _read(path: Path, name: str, array: zarr.Array) -> xr.Variable:
    dims = dims_of(array)
    image = "y" in dims and "x" in dims
    lazy = lazy_image(path, name, array) if image else None
    expect_every_chunk(array)
    stored = array.nchunks if remote_of(path) else sum(len(files) for _, _, files in os.walk(path / name / "c"))
    if array.ndim and stored < array.nchunks:
        lost = f"{array.nchunks - stored} of {array.nchunks} chunks of {name}"
        raise ReadError(f"{path} is incomplete: {lost} are missing. Try to copy it again.")
    return xr.Variable(dims, lazy if image else load(path, name, array), dict(array.attrs))


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
