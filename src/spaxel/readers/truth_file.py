"""A truth from a file of its own, for `spaxel score`: a cube with truth arrays, or a label image."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.errors import CubeError, GuessWarning, NotFound, ReadError
from spaxel.readers.parts.side import lookup, variables_of
from spaxel.readers.parts.truth import Image, find_truth
from spaxel.readers.registry import open_cube
from spaxel.store.here import check_local


def read_truth(wanted: str | Path, height: int, width: int) -> xr.Dataset:
    """The truth for an image of this size: a Dataset with truth_labels (y, x), or truth_abundances (y, x, k).

    That of a cube on the disk comes lazily.

    wanted : a cube that holds truth arrays (simulated ones do), a file with a label image, or "file:variable"
    Raises NotFound, or ReadError if nothing in the file fits an image of this size.
    """
    wanted = str(check_local(wanted))
    file, _, variable = str(wanted).rpartition(":")
    inside = not Path(wanted).exists() and bool(file) and Path(file).is_file()
    path = Path(file if inside else wanted)
    if not path.exists():
        raise NotFound(f"There is no file {path}. Try an absolute path.")
    if not inside and (held := _from_cube(path, height, width)) is not None:
        return held
    if path.is_dir():
        raise ReadError(f"{path} holds no truth for an image of {height} x {width} pixels.")
    variables = variables_of(path)
    usable = [n for n, v in variables.items() if v.is_numeric and v.shape and v.dtype.kind != "c"]
    name = ",".join(n for n in usable if not inside or n == variable)
    lookup(path, variables, variable) if inside else None
    image = Image(height, width, -1, "C")
    found, history = find_truth(path, variables, "", image, name, None) if name else ({}, [])
    labels = {k: v for k, v in found.items() if k in ("truth_labels", "truth_abundances")}
    if not labels:
        raise ReadError(f"{path} holds no labels and no abundances for an image of {height} x {width} pixels.")
    dims = {"truth_labels": ("y", "x"), "truth_abundances": ("y", "x", "truth_component")}
    return xr.Dataset({k: (dims[k], np.asarray(v)) for k, v in labels.items()}, attrs={"history": history})


def _from_cube(path: Path, height: int, width: int) -> xr.Dataset | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GuessWarning)
            cube = open_cube(path)
    except (ReadError, CubeError):
        return None
    names = [name for name in ("truth_labels", "truth_abundances") if name in cube]
    fits = cube.sizes["y"] == height and cube.sizes["x"] == width
    return cube[names] if names and fits else None
