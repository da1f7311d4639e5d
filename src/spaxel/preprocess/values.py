"""Corrections of the values of each spectrum alone: to a common size, to absorbance. Lazy."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.errors import AxisError, ParameterError
from spaxel.preprocess.spectra import Correction, each_spectrum

By = Literal["area", "band", "peak"]


def normalise(cube: xr.Dataset, by: By = "area", low: float | None = None, high: float | None = None) -> xr.Dataset:
    """Divide each spectrum by its area, by the mean of a band, or by its peak: what it is then is 1.

    by   : area (under the spectrum, over the axis), band (mean of the channels), peak (the largest value)
    low, high : the part of the axis that is looked at, in its units, both ends included (a band needs at least one of them)
    returns : float64; the variance is divided by the square. Missing values stay missing: area and band are those of the
              channels that were measured, an area in proportion to their widths. A spectrum whose area, band or peak is not
              above zero cannot be divided by it, so it is missing altogether (label -1).
    Raises ParameterError for another word, AxisError if no channel lies there. Doing it twice changes nothing.
    Fails where the band itself varies for another reason than the light: everything else then seems to vary.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.array([[[1.0, 2.0, 5.0]]]), [1000.0, 1100.0, 1200.0], "1/cm")
    >>> spaxel.normalise(cube, "peak")["spectra"].values.tolist()
    [[[0.2, 0.4, 1.0]]]
    """
    check_cube(cube)
    if by not in get_args(By):
        raise ParameterError(f"by is {by!r}, expected one of: {', '.join(get_args(By))}.")
    if by == "band" and low is None and high is None:
        raise ParameterError("A band has ends. Try normalise by=band low=1000 high=1100, in the units of the axis.")
    axis = cube["channel"].values.astype(np.float64)
    inside = _inside(axis, low, high, cube["channel"].attrs.get("units", "index"))
    widths = np.abs(np.gradient(axis)) if len(axis) > 1 else np.ones(1)
    weights = np.where(inside, widths if by == "area" else 1.0, 0.0)

    def divisor(spectra: np.ndarray) -> np.ndarray:
        measured = np.isfinite(spectra) & inside
        if by == "peak":
            size = np.where(measured, spectra, -np.inf).max(1, keepdims=True)
        else:
            here = np.where(measured, weights, 0.0)
            size = (np.where(measured, spectra, 0.0) * here).sum(1, keepdims=True) / here.sum(1, keepdims=True)
            size = size * weights.sum() if by == "area" else size
        return np.where(size > 0, size, np.nan)

    new = each_spectrum(cube, Correction(lambda spectra: spectra / divisor(spectra), divisor))
    new["spectra"].attrs.pop("units", None)
    where = "" if low is None and high is None else f" from {axis[inside][0]:g} to {axis[inside][-1]:g}"
    given = {name: float(value) for name, value in (("low", low), ("high", high)) if value is not None}
    return note(new, f"normalise: divided by the {by}{where}", "normalise", by=by, **given)


def absorbance(cube: xr.Dataset, white: float = 1.0) -> xr.Dataset:
    """Reflectance or transmittance R to absorbance, log10(white / R), in which what absorbs adds up.

    white : the value of full reflectance: 1, or 100 for per cent, or 10000 for scaled whole numbers
    returns : float64; the variance becomes that of the logarithm, variance / (R ln 10)². Where R is not above zero there is no
              logarithm, and the value is missing (NaN), as are those that were.
    Raises ParameterError for a white that is not above zero. Fails, by doing it twice: absorbance of absorbance means nothing.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.array([[[1.0, 0.1, 0.01]]]))
    >>> spaxel.absorbance(cube)["spectra"].values.tolist()
    [[[0.0, 1.0, 2.0]]]
    """
    check_cube(cube)
    if not (white > 0 and np.isfinite(white)):
        raise ParameterError(f"white is {white}, expected a number above zero: the value of full reflectance.")

    def correct(spectra: np.ndarray) -> np.ndarray:
        return np.log10(white) - np.log10(np.where(spectra > 0, spectra, np.nan))

    def divisor(spectra: np.ndarray) -> np.ndarray:
        return np.where(spectra > 0, spectra, np.nan) * np.log(10)

    new = each_spectrum(cube, Correction(correct, divisor))
    new["spectra"].attrs.pop("units", None)
    return note(new, f"absorbance: log10({white:g} / R)", "absorbance", white=float(white))


def _inside(axis: np.ndarray, low: float | None, high: float | None, units: str) -> np.ndarray:
    """(channel,) bool: the channels from low to high. Raises AxisError if there are none."""
    inside = (axis >= (-np.inf if low is None else low)) & (axis <= (np.inf if high is None else high))
    if not inside.any():
        ends = f"{axis[0] if low is None else low:g}..{axis[-1] if high is None else high:g}"
        raise AxisError(f"No channel lies in {ends}; the axis covers {axis[0]:g}..{axis[-1]:g} {units}.")
    return inside
