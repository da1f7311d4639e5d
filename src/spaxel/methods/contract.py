"""What every method keeps: a scikit-learn estimator whose parameters are declared once and checked in `fit`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, get_type_hints

import numpy as np
import xarray as xr
from pydantic import ConfigDict, TypeAdapter, ValidationError

from spaxel.cube import as_cube, make_cube
from spaxel.cube.coerce import is_cube
from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess.steps import repeat

Cubes = list[xr.Dataset]
TINY, HUGE = 1e-100, 1e100  # of the largest value
SINGLE = (1e-32, 1e32)  # the same, where numbers are kept in single precision on the way


@cache
def _rules(method: type) -> dict[str, TypeAdapter]:
    hints = get_type_hints(method, include_extras=True)
    config = ConfigDict(arbitrary_types_allowed=True)
    return {f.name: TypeAdapter(hints[f.name], config=config) for f in dataclasses.fields(method)}


def check_parameters(model: Any) -> None:
    """Check every parameter of a model against its declaration; nothing is changed.

    Raises ParameterError that names the parameter, what is allowed, and what was given.
    """
    kind: Any = type(model)
    for name, rule in _rules(kind).items():
        value = getattr(model, name)
        try:
            rule.validate_python(value.item() if isinstance(value, np.generic) else value, strict=True)
        except ValidationError as error:
            raise _refusal(type(model).__name__, name, value, error) from None


def parse_parameters(method: type, given: dict[str, Any]) -> dict[str, Any]:
    """Values as text (from a command line or run.json) to what the method's declaration says.

    Raises ParameterError for an unknown name (with the nearest known one) and for a value that does not fit.
    """
    rules, parsed = _rules(method), {}
    for name, value in given.items():
        if name not in rules:
            near = get_close_matches(name, rules, 1)
            hint = f" Did you mean {near[0]}?" if near else f" It has: {', '.join(rules)}."
            raise ParameterError(f"{method.__name__} has no parameter {name!r}.{hint}")
        try:
            parsed[name] = rules[name].validate_python(value)
        except ValidationError as error:
            raise _refusal(method.__name__, name, value, error) from None
    return parsed


def as_cubes(data: Any) -> tuple[Cubes, str]:
    """What a user gave as a list of checked cubes, and what it was: "cube", "cubes" or "array".

    data : a cube, a list of cubes with one axis, or an array (n_spectra, n_channels), which becomes a cube of width 1. A cube
           is whatever spaxel.cube.coerce knows as one; of an array (y, x, channel) the last axis is spectral
    """
    if is_cube(data):
        return [as_cube(data)], "cube"
    if _is_list(data, is_cube):
        cubes, than = [as_cube(d) for d in data], "the first cube"
        for other in cubes[1:]:
            check_same_axis(other, cubes[0]["channel"].values, cubes[0]["channel"].attrs.get("units", "index"), than)
        return cubes, "cubes"
    if _is_list(data, lambda one: getattr(one, "ndim", 0) == 2):
        raise CubeError(
            "This is a list of matrices. Are these rows of one image, or tables of spectra? Try numpy.stack for a cube "
            "(y, x, channel), numpy.concatenate for one table (n_spectra, n_channels)."
        )
    array = np.asarray(data)
    if array.ndim != 2:
        raise CubeError(
            f"Expected 2D array (n_spectra, n_channels), a cube (y, x, channel) or a list of cubes, got {array.ndim} "
            f"dimensions {array.shape}. Reshape your data, or try spaxel.make_cube, which takes channel_axis."
        )
    return [make_cube(array[:, None, :])], "array"


def _is_list(data: Any, kind: Callable[[Any], bool]) -> bool:
    return isinstance(data, (list, tuple)) and len(data) > 0 and all(kind(one) for one in data)


def check_range(spectra: np.ndarray, tiny: float = TINY, huge: float = HUGE) -> None:
    """Raise CubeError if values are so large or so small that their squares leave floating point."""
    low, high = float(np.nanmin(spectra)), float(np.nanmax(spectra))
    top = max(-low, high)
    if top != 0 and not tiny < top < huge:
        raise CubeError(
            f"The values reach from {low:g} to {high:g}, which cannot be computed with. Are these marks for no data? "
            "Try to mark such pixels as NaN, or to rescale the values."
        )


def checked(model: Any, data: Any, *, reset: bool) -> Any:
    """Arrays through scikit-learn's checks (2-D, as many channels as in `fit`), cubes made what spaxel calls one.

    NaN is a missing value and may stand in an array; infinite values may not.
    """
    from sklearn.utils.validation import validate_data

    if is_cube(data):
        return as_cube(data)
    if (isinstance(data, (list, tuple)) and len(data) > 0 and getattr(data[0], "ndim", 0) > 1) or _is_list(
        data, is_cube
    ):
        return as_cubes(data)[0]
    fewest = 2 if reset else 1
    return validate_data(
        model, data, dtype="numeric", reset=reset, ensure_min_samples=fewest, ensure_all_finite="allow-nan"
    )


def check_same_axis(cube: xr.Dataset, axis: np.ndarray, units: str, than: str = "the model") -> None:
    """Raise CubeError that says what differs from `than`, unless the cube lies on its axis (to a part in 10^6)."""
    own, own_units = cube["channel"].values, cube["channel"].attrs.get("units", "index")
    where = cube.attrs.get("source") or "The cube"
    if own_units != units:
        raise CubeError(f"{where} has its axis in {own_units}, {than} in {units}. Try open_cube with units=….")
    if len(own) != len(axis):
        raise CubeError(f"{where} has {len(own)} channels, {than} {len(axis)}. Try crop, rebin or another model.")
    far = np.abs(own - axis).max()
    if far > 1e-6 * max(np.abs(axis).max(), 1e-300):
        raise CubeError(
            f"{where} covers {own[0]:g}..{own[-1]:g} {units}, {than} {axis[0]:g}..{axis[-1]:g} {units} (largest "
            f"difference {far:g}). Try to resample the cube or another model."
        )


def prepare_all(cubes: Cubes) -> tuple[Cubes, np.ndarray, dict[str, Any]]:
    """(cubes as a fit takes them, their axis, {steps, units} of the first, which all of them then have)."""
    axis = np.asarray(cubes[0]["channel"].values, dtype=np.float64)
    info = {"steps": cubes[0].attrs.get("steps", []), "units": cubes[0]["channel"].attrs.get("units", "index")}
    return [prepare(cube, info, axis) for cube in cubes], axis, info


def prepare(cube: xr.Dataset, info: Mapping[str, Any], axis: np.ndarray) -> xr.Dataset:
    """A new cube as the model wants it: the steps of the fit repeated, on the axis of the fit. info : its steps and units"""
    cube = repeat(cube, info["steps"])
    check_same_axis(cube, axis, info["units"])
    return cube


def _refusal(owner: str, name: str, value: Any, error: ValidationError) -> ParameterError:
    reasons = " or ".join(dict.fromkeys(e["msg"][0].lower() + e["msg"][1:] for e in error.errors()))
    return ParameterError(f"The parameter {name} of {owner} is {value!r}: {reasons}.")
