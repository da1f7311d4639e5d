"""The arrays of the native layout as they are written: made, filled tile by tile, and their attributes as JSON holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr
import zarr

from spaxel.cube.computing import usual
from spaxel.cube.tiles import CELL, Tile
from spaxel.errors import CubeError

FORMAT, VERSION = "spaxel-cube", 1


def create(store: zarr.Group, name: str, variable: xr.Variable) -> zarr.Array:
    """An array for a variable, in chunks of one cell. Raises CubeError for what Zarr cannot hold."""
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


def values_of(variable: xr.Variable) -> np.ndarray:
    """The values of a variable, text as Zarr holds it."""
    values = np.asarray(variable.values)
    return values.astype(np.dtypes.StringDType()) if values.dtype.kind in "UOT" else values


def write_tile(cube: xr.Dataset, arrays: dict[str, Any], tile: Tile) -> None:
    """Read a tile of a cube, and write it into the arrays of its images, by name."""
    part = {"y": slice(tile.y0, tile.y1), "x": slice(tile.x0, tile.x1)}
    blocks = dask.compute(*(cube.variables[name].isel(part).data for name in arrays), scheduler=usual())
    for (name, array), block in zip(arrays.items(), blocks, strict=True):
        array[tuple(part.get(str(dim), slice(None)) for dim in cube.variables[name].dims)] = block


def files_of(folder: Path, array: zarr.Array, tile: Tile) -> Iterator[Path]:
    """The files of the chunks that a tile fills."""
    part = {"y": range(tile.y0 // CELL, -(-tile.y1 // CELL)), "x": range(tile.x0 // CELL, -(-tile.x1 // CELL))}
    for place in product(*(part.get(dim, range(n)) for dim, n in zip(dims_of(array), array.cdata_shape, strict=True))):
        yield folder.joinpath("c", *map(str, place))


def dims_of(array: zarr.Array) -> tuple[str, ...]:
    """Names of the axes; Zarr 2 keeps none in its metadata."""
    return tuple(str(dim) for dim in getattr(array.metadata, "dimension_names", None) or ())


def attributes_of(cube: xr.Dataset) -> dict[str, Any]:
    """The attributes of the group."""
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
