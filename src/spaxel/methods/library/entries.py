"""The library: its names and spectra on the axis of the data, after the steps that the data went through."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import make_cube
from spaxel.errors import AxisError, CubeError, ParameterError
from spaxel.metrics.common_axis import converted, resampled
from spaxel.metrics.entries import AXIS_STEPS, entries_of
from spaxel.preprocess.steps import repeat
from spaxel.readers import open_cube

COARSE = 1.5  # steps of the data in one of the library, from which it is said
OUTSIDE = 0.75  # steps of an axis by which the data may reach beyond the library


class Library(NamedTuple):
    """names, and spectra (m, channel) on the axis of the data      coarse : steps of the data in one of the library."""

    names: list[str]
    spectra: np.ndarray
    coarse: float = 1.0


def read_library(given: Any, names: list[str] | None, axis: np.ndarray, info: dict[str, Any]) -> Library:
    """Known spectra for data on this axis. given : a file, or an array (m, channel) on it; info : steps and units of the data

    nm, um and Angstrom, eV and keV are converted; a finer axis is averaged, a coarser one interpolated. Raises AxisError if the
    library does not cover the axis, CubeError if it holds no spectra, ParameterError for an array of another shape.
    """
    if given is None:
        raise ParameterError("There is no library. Try library=FILE: a table of spectra (ENVI .sli, CSV, JCAMP-DX …).")
    if not isinstance(given, (str, Path)):
        return _of_array(given, names, axis)
    cube = open_cube(given)
    read, spectra, own = entries_of(cube, info["units"], len(axis))
    if names is not None and len(names) != len(read):
        raise ParameterError(f"There are {len(names)} names for {len(read)} spectra of the library.")
    step, width = (float(np.median(np.diff(values))) if len(values) > 1 else 0.0 for values in (own, axis))
    slack = OUTSIDE * max(step, width)
    if axis[0] < own[0] - slack or axis[-1] > own[-1] + slack:
        raise AxisError(
            f"The library covers {own[0]:g} to {own[-1]:g} {info['units']}, the data {axis[0]:g} to {axis[-1]:g}. Try --step "
            f"crop with {max(own[0], axis[0]):g}:{min(own[-1], axis[-1]):g}, or another library."
        )
    _check_holes(cube, own, axis, info["units"])
    taken = _after_steps(resampled(own, spectra, axis), axis, info)
    return Library(names or read, taken, step / width if width > 0 else 1.0)


def _after_steps(spectra: np.ndarray, axis: np.ndarray, info: dict[str, Any]) -> np.ndarray:
    """Spectra (m, channel) on the axis of the data, after the steps that the data went through: these count channels."""
    wanted = [step for step in info["steps"] if step["name"] not in AXIS_STEPS]
    if not wanted:
        return spectra
    treated = repeat(make_cube(spectra[:, None], axis, info["units"]), wanted)
    return treated["spectra"].values.reshape(len(spectra), -1).astype(np.float64)


def _check_holes(cube: xr.Dataset, own: np.ndarray, axis: np.ndarray, units: str) -> None:
    """Raises AxisError for channels of the data that lie where most entries have no values."""
    every = converted(cube["channel"].values.astype(np.float64), cube["channel"].attrs.get("units", "index"), units)
    nearest = np.abs(axis[:, None] - np.sort(every)[None]).min(1)
    lacking = np.abs(axis[:, None] - own[None]).min(1) > nearest + 1e-9 * max(1.0, float(np.abs(axis).max()))
    step = float(np.median(np.diff(np.sort(every)))) if len(every) > 1 else 0.0
    lacking &= np.abs(axis[:, None] - own[None]).min(1) > OUTSIDE * step
    if lacking.any():
        where = axis[lacking]
        raise AxisError(
            f"Most entries of the library have no values at {lacking.sum()} channels of the data, from {where[0]:g} to "
            f"{where[-1]:g} {units}. Try to leave these channels out, or another library."
        )


def _of_array(given: Any, names: list[str] | None, axis: np.ndarray) -> Library:
    spectra = np.atleast_2d(np.asarray(given, np.float64))
    if spectra.ndim != 2 or spectra.shape[1] != len(axis):
        raise ParameterError(
            f"library has shape {spectra.shape}, expected (m, {len(axis)}): spectra on the axis of the data."
        )
    if not np.isfinite(spectra).all() or not spectra.any(1).all():
        raise CubeError("The library holds spectra that are zero or not finite. Try without them.")
    names = [f"spectrum {i}" for i in range(len(spectra))] if names is None else names
    if len(names) != len(spectra):
        raise ParameterError(f"There are {len(names)} names for {len(spectra)} spectra of the library.")
    return Library([str(name) for name in names], spectra)
