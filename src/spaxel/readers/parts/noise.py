"""How noisy the values are, as files say it: variance, inverse variance or standard deviation, and the option of the door."""

from __future__ import annotations

import re
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.cube.noise import without_variance
from spaxel.cube.unmeasured import hide_unmeasured
from spaxel.errors import ParameterError

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


def told(cube: xr.Dataset, name: str, kind: str) -> xr.Dataset:
    """The cube with a sentence in its history that says what its variance was made of."""
    return note(cube, f"variance from {name} ({WORDS[kind]})")
