"""How noisy the values are, as files say it: variance, inverse variance or standard deviation, and the option of the door."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from spaxel.cube.noise import without_variance
from spaxel.cube.unmeasured import hide_unmeasured
from spaxel.errors import ParameterError
from spaxel.readers.parts.physical import unpacked
from spaxel.readers.parts.stored import from_attributes
from spaxel.readers.parts.variables import Variable, Variables

KINDS = {  # last word of a name, in capitals -> what the array is
    **dict.fromkeys(("STAT", "VAR", "VARIANCE", "VARIANCES"), "variance"),
    **dict.fromkeys(("IVAR", "INVVAR"), "inverse"),
    **dict.fromkeys(
        (
            "ERR",
            "ERROR",
            "ERRORS",
            "ERRS",
            "UNC",
            "UNCERT",
            "UNCERTAINTY",
            "UNCERTAINTIES",
            "SIGMA",
            "NOISE",
            "STDDEV",
            "STD",
        ),
        "sigma",
    ),
}
WORDS = {"variance": "variance", "inverse": "1 / variance", "sigma": "standard deviation"}
CHOICES = ("use", "none")


def kind_of(name: str) -> str:
    """What an array of this name says of the noise (variance, inverse, sigma), by the last word of its name; else ''.

    'IFU.1.NOISE' and 'dataErrors' are sigma, 'inverse_variance' is inverse.
    """
    words = re.split(r"[^A-Z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper())
    if words[-2:] in (["INVERSE", "VARIANCE"], ["INV", "VAR"]):
        return "inverse"
    return KINDS.get(words[-1], "")


def as_variance(values: Any, kind: str) -> Any:
    """The variance, lazy if the values are. Where an inverse variance is 0 it is infinite: nothing was measured there."""
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    if kind == "inverse":
        known = values > 0
        return np.where(known, 1 / np.where(known, values, 1), values.dtype.type(np.inf))
    return values * values if kind == "sigma" else values


def at_door(cube: xr.Dataset, variance: str = "use") -> xr.Dataset:
    """The cube with its variance, or without if the option says so; values of infinite variance are missing (NaN).

    variance : "use" or "none"      Raises ParameterError for another word.
    """
    if variance not in CHOICES:
        raise ParameterError(f"variance is {variance!r}, expected one of {', '.join(CHOICES)}.")
    if "variance" not in cube:
        return cube
    if isinstance(cube["variance"].data, da.Array):
        cube = cube.assign(
            spectra=cube["spectra"].copy(data=hide_unmeasured(cube["spectra"].data, cube["variance"].data))
        )
    if variance == "none":
        return without_variance(cube, "option variance is none")
    return cube


def find_variance(variables: Variables, spectra: str) -> tuple[str, str] | None:
    """(name, kind) of the array that says how noisy the spectra are: as large, in the same group, named so; else None.

    A NeXus file may name it: the attribute `uncertainties` of the spectra. Of several, a variance comes before 1 / variance,
    and that before a standard deviation.
    """
    shape, folder = variables[spectra].shape, spectra.rpartition("/")[0]
    told = variables[spectra].attrs.get("uncertainties")
    told = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
    named = f"{folder}/{told}".strip("/") if isinstance(told, str) else ""
    if named in variables and variables[named].is_numeric and variables[named].shape == shape:
        return named, kind_of(named) or "sigma"
    fitting = [n for n, v in variables.items() if n != spectra and "@" not in n and v.is_numeric and v.shape == shape]
    found = [(n, kind_of(n)) for n in fitting if n.rpartition("/")[0] == folder and kind_of(n)]
    return min(found, key=lambda one: [*WORDS].index(one[1])) if found else None


def variance_beside(
    variables: Variables, spectra: str, lay: Callable[[str, Variable], Any]
) -> tuple[dict[str, Any], list[str]]:
    """Argument `variance` of make_cube, and a sentence for the history; empty where no array says how noisy spectra are.

    lay : (name, variable) -> (y, x, channel), as the spectra were laid out
    """
    found = find_variance(variables, spectra)
    if found is None:
        return {}, []
    name, kind = found
    values = lay(name, variables[name])
    declared = from_attributes(variables[name].attrs, values.shape[2], name)
    return {"variance": as_variance(unpacked(values, declared), kind)}, [f"variance from {name} ({WORDS[kind]})"]
