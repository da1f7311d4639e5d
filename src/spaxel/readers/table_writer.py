"""A list of spectra as a text table that `open_table` reads; and which names a cube can be written under at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from warnings import warn

import numpy as np
import xarray as xr

from spaxel.errors import CubeError, ParameterError
from spaxel.readers.registry import readers
from spaxel.store.cells import TableWriter
from spaxel.store.writing import replacing

TABLES = {".csv": ",", ".tsv": "\t"}  # suffix -> what separates the cells
_TAKEN = (
    ".gz",
    ".zip",
    ".tar",
    ".json",
    ".xlsx",
    ".png",
    ".jpg",
    ".pkl",
    ".parquet",
)  # of no reader, and no folder either
_ROWS = 4096  # spectra at a time


def check_suffix(path: Path) -> str:
    """The suffix of a file to write, in lower case. Raises ParameterError if it is that of a format which is only read."""
    suffix = path.suffix.lower()
    read = {suffix for reader in readers().values() for suffix in reader.suffixes} - {".zarr", *TABLES}
    if suffix in read or suffix in _TAKEN:
        raise ParameterError(
            f"{path} cannot be written: {suffix} is not among the formats that spaxel writes. Try {path.stem}.zarr (any "
            f"cube) or {path.stem}.csv (a list of spectra)."
        )
    return suffix


def write_table(cube: xr.Dataset, path: Path, *, overwrite: bool) -> Path:
    """Write the spectra of a list (a cube of width 1) as CSV or TSV: a header with the axis values, one spectrum per row.

    Names (`sample`), groups and targets are columns of their own; what is no data is left empty. Numbers are written with all
    their digits. Warns of a truth or variance, which a table cannot hold. Raises CubeError for an image, Exists as write_cube.
    """
    if cube.sizes["x"] != 1:
        raise CubeError(
            f"{path} cannot hold an image of {cube.sizes['y']} x {cube.sizes['x']} spectra: a table is a list of spectra. "
            f"Try {path.with_suffix('.zarr').name}."
        )
    targets = [str(name) for name in cube.data_vars if str(name).startswith("target_")]
    if left := [str(name) for name in cube.data_vars if name not in ("spectra", "valid", *targets)]:
        kept = path.with_suffix(".zarr").name
        warn(
            f"{path} holds the spectra, but not {', '.join(left)}. Try {kept}, which holds all.",
            UserWarning,
            stacklevel=3,
        )
    names = [name for name in ("sample", "group") if name in cube.coords and cube[name].dims == ("y",)]
    header = [*names, *(name.removeprefix("target_") for name in targets), *_axis(cube)]
    with (
        replacing(path, overwrite=overwrite, owned=Path.is_file) as beside,
        beside.open("w", newline="", encoding="utf-8") as file,
    ):
        table = TableWriter(file, TABLES[path.suffix.lower()])
        table.row(header)
        table.rows(_rows(cube, names, targets))
    return path


def _axis(cube: xr.Dataset) -> list[str]:
    units = cube["channel"].attrs.get("units", "index")
    return [f"{value:.12g}" if units == "index" else f"{value:.12g} {units}" for value in cube["channel"].values]


def _rows(cube: xr.Dataset, names: list[str], targets: list[str]) -> Iterator[list[str]]:
    for start in range(0, cube.sizes["y"], _ROWS):
        part = cube.isel(y=slice(start, start + _ROWS), x=0).compute()
        valid = part["valid"].values if "valid" in part else np.ones(part.sizes["y"], bool)
        for i, spectrum in enumerate(part["spectra"].values):
            beside = [str(part[name].values[i]) for name in names] + [_cell(part[name].values[i]) for name in targets]
            yield beside + ([_cell(value) for value in spectrum] if valid[i] else [""] * len(spectrum))


def _cell(value: np.generic) -> str:
    """All digits of a number, "" for none."""
    return (
        "" if value.dtype.kind == "f" and np.isnan(value) else str(value.item() if value.dtype != np.float32 else value)
    )
