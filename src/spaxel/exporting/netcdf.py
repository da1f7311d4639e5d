"""NetCDF 4 after the CF conventions as far as they go: maps on their coordinates, spectra on theirs. Opens in xarray."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import printable
from spaxel.exporting.source import SPECTRA, TITLES, WHAT, Source, about, axis_of, spacing, start, steps_text
from spaxel.exporting.tables import component_columns
from spaxel.results.convention import spectra_names

NAMED = {"degree": ("degrees_north", "degrees_east"), "m": ("m", "m")}


def write_netcdf(source: Source, path: Path) -> None:
    """Variables as in the result (labels, confidence, abundances, component_spectra …), and component_COLUMN for the table.

    labels keep -1 for no data (`flag_values` and `flag_meanings` say what each is), so that they stay whole numbers.
    """
    kept = [*source.maps, *(_spectra(source) if "spectra" in source.what else [])]
    data = source.result[kept].drop_vars(["level"], errors="ignore")
    data = data.drop_vars([name for name in data.coords if name not in ("channel", "sample", "group", "line")])
    data = data.assign_coords(_coordinates(source)).assign(_table(source) if "components" in source.what else {})
    for name in source.maps:
        data[name].attrs = {**_plain(data[name].attrs), "long_name": TITLES[name], "comment": WHAT[name]}
    if "labels" in data:
        data["labels"].attrs |= _flags(source)
    if crs := source.result.attrs.get("crs"):
        data["crs"] = (
            (),
            np.int32(0),
            {"crs_wkt": str(crs), "GeoTransform": " ".join(map(str, source.transform() or ()))},
        )
        for name in source.maps:
            data[name].attrs["grid_mapping"] = "crs"
    data.attrs = _attrs(source)
    data.to_netcdf(path, engine="h5netcdf", encoding={name: _encoding(data[name]) for name in data.variables})


def _spectra(source: Source) -> list[str]:
    own = [str(name) for name, array in source.result.data_vars.items() if array.dims == ("component", "channel")]
    return [name for name in dict.fromkeys([*SPECTRA.values(), *own]) if name in source.result]


def _coordinates(source: Source) -> dict[str, Any]:
    """component (names), channel with its unit, and y and x in the world where the input says where its pixels are."""
    _, name, units = axis_of(source)
    axis = source.result["channel"].variable.copy()
    axis.attrs = {"units": units or "1", "long_name": name}
    found: dict[str, Any] = {"channel": axis} | _places(source)
    if {"abundances", "spectra", "components"} & set(source.what):
        found["component"] = (
            "component",
            [printable(name) for name in source.names],
            {"long_name": "name of the component"},
        )
    return found | spectra_names(source.result)


def _places(source: Source) -> dict[str, Any]:
    sizes, transform = source.shape, source.transform()
    pixel = spacing(source)
    if transform and transform[2] == transform[4] == 0:
        units = NAMED.get(str(source.result.attrs.get("pixel_units", "m")), ("m", "m"))
        steps, begins = (transform[5], transform[1]), (transform[3], transform[0])
        names = ("latitude", "longitude") if units[0] != "m" else ("projection_y_coordinate", "projection_x_coordinate")
        return {
            axis: (axis, begin + (np.arange(n) + 0.5) * step, {"units": unit, "standard_name": name})
            for axis, n, begin, step, unit, name in zip("yx", sizes, begins, steps, units, names, strict=True)
        }
    if pixel is None or source.is_list:
        return {
            axis: (axis, np.arange(n), {"units": "1", "long_name": f"pixel along {axis}"})
            for axis, n in zip("yx", sizes, strict=True)
        }
    return {
        axis: (axis, first + np.arange(n) * step, {"units": pixel[2] or "1", "long_name": f"middles of pixels, {axis}"})
        for axis, n, first, step in zip("yx", sizes, start(source), pixel[:2], strict=True)
    }


def _table(source: Source) -> dict[str, Any]:
    columns = component_columns(source.result, source.colors, candidates=True)
    names = {"n_pixels": "component_size", "component": "component_number"}
    return {
        names.get(name, f"component_{name}"): ("component", [printable(v) if isinstance(v, str) else v for v in values])
        for name, values in columns.items()
        if name != "name"
    }


def _plain(attrs: dict[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in attrs.items() if isinstance(value, str | int | float)}


def _flags(source: Source) -> dict[str, Any]:
    words = [
        "no_data",
        *(re.sub(r"\W+", "_", name).strip("_") or f"component_{k}" for k, name in enumerate(source.names)),
    ]
    return {"flag_values": np.arange(-1, len(source.names), dtype=np.int32), "flag_meanings": " ".join(words)}


def _attrs(source: Source) -> dict[str, Any]:
    carried = ("origin", "wcs_header", "transform", "pixel_size", "pixel_units", "pixel_origin", "redshift")
    attrs = {name: source.result.attrs[name] for name in carried if source.result.attrs.get(name) is not None}
    return {"Conventions": "CF-1.11", **about(source), "steps": steps_text(source), **attrs}


def _encoding(array: xr.DataArray) -> dict[str, Any]:
    """Compressed maps in tiles; no fill value but NaN."""
    if not {"y", "x"} <= set(array.dims):
        return {} if array.dtype.kind in "UOT" else {"_FillValue": None}
    chunks = tuple(min(n, 256) if dim in ("y", "x") else 1 for dim, n in array.sizes.items())
    return {"_FillValue": None, "zlib": True, "complevel": 4, "chunksizes": chunks}
