"""What corrections share: a function of spectra over a lazy cube, missing values bridged, the variance that follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.blocks import made
from spaxel.cube.sampling import sample_spectra

BLOCK = 512  # rows of every call of a function with products of matrices, so that the same kernels run

Rows = Callable[[np.ndarray], np.ndarray]


class Correction(NamedTuple):
    """What is done to each spectrum alone.

    correct : (n, channel) float64 -> the corrected spectra, (n, channel)
    divisor : (n, channel) -> (n, 1) or (n, channel), by which values were divided; None where something was only taken away,
              which leaves the variance as it is
    products : it multiplies matrices, so that it is called with 512 rows, always
    """

    correct: Rows
    divisor: Rows | None = None
    products: bool = False


def each_spectrum(cube: xr.Dataset, correction: Correction) -> xr.Dataset:
    """The cube with every spectrum corrected, float64, lazily; the variance is divided by the square of the divisor."""
    correct, divisor, products = correction
    new = {"spectra": along_channels(cube["spectra"], lambda values: _by_rows(correct, values, products))}
    if "variance" in cube and divisor is not None:
        new["variance"] = _divided(cube["spectra"], cube["variance"], lambda v: _by_rows(divisor, v, products))
    return cube.assign(new)


def along_channels(
    spectra: xr.DataArray, function: Callable[[np.ndarray], np.ndarray], dtype: np.dtype | type = np.float64
) -> xr.DataArray:
    """A function of (..., channel) arrays over spectra, lazily where they are lazy."""
    found = xr.apply_ufunc(
        function, _whole(spectra), input_core_dims=[["channel"]], output_core_dims=[["channel"]], dask="parallelized",
        output_dtypes=[dtype], keep_attrs=True,
    )  # fmt: skip
    return found.copy(data=made(found.data, function, spectra.data))


def bridged(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spectra whose missing values are bridged by straight lines (the nearest value at the ends), and where they were.

    spectra : (n, channel) float64      returns : a copy where anything is missing, and (n, channel) bool
    """
    missing = ~np.isfinite(spectra)
    rows = np.flatnonzero(missing.any(1) & ~missing.all(1))
    if not len(rows):
        return spectra, missing
    filled, places = spectra.copy(), np.arange(spectra.shape[1])
    for row in rows:
        there = ~missing[row]
        filled[row, ~there] = np.interp(places[~there], places[there], spectra[row, there])
    return filled, missing


def typical_spectra(cube: xr.Dataset, n: int, seed: int) -> np.ndarray:
    """A sample of spectra, (n, channel) float64, those with a missing value among them. Raises CubeError if there are none."""
    return sample_spectra(cube, n, seed, gaps="any").spectra.astype(np.float64)


def mean_spectrum(spectra: np.ndarray) -> list[float]:
    """The mean of spectra (n, channel), of what was measured; a channel in which nothing was is bridged."""
    measured = np.isfinite(spectra)
    total, number = np.where(measured, spectra, 0).sum(0), measured.sum(0)
    with np.errstate(invalid="ignore"):
        mean = np.where(number > 0, total / number, np.nan)
    return [float(value) for value in bridged(mean[None])[0][0]]


def lost_variance(cube: xr.Dataset) -> tuple[xr.Dataset, str]:
    """The cube without its variance, and the words that say so; "" if it had none."""
    if "variance" not in cube:
        return cube, ""
    return cube.drop_vars("variance"), "; the variance no longer holds and was left out"


def kept_variance(cube: xr.Dataset) -> str:
    """The words that say that a variance was kept although something was taken away; "" if there is none."""
    return "; the variance is that of before" if "variance" in cube else ""


def _whole(array: xr.DataArray) -> xr.DataArray:
    return array.chunk(channel=-1) if array.chunks else array


def _divided(
    spectra: xr.DataArray, variance: xr.DataArray, divisor: Callable[[np.ndarray], np.ndarray]
) -> xr.DataArray:
    def divide(values: np.ndarray, variances: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return variances / divisor(values) ** 2

    return xr.apply_ufunc(
        divide, _whole(spectra), _whole(variance), input_core_dims=[["channel"]] * 2, output_core_dims=[["channel"]],
        dask="parallelized", output_dtypes=[np.float64], keep_attrs=True,
    )  # fmt: skip


def _by_rows(function: Rows, spectra: np.ndarray, products: bool) -> np.ndarray:
    """A function of (n, channel) rows of any (..., channel) array, block by block; rows are in order in memory."""
    rows = np.ascontiguousarray(spectra.reshape(-1, spectra.shape[-1]), dtype=np.float64)
    answers = []
    with np.errstate(all="ignore"):
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            n = len(block)
            if products and n < BLOCK:
                block = block[np.append(np.arange(n), np.zeros(BLOCK - n, int))]
            answers.append(function(block)[:n])
    found = np.concatenate(answers) if answers else rows
    return found.reshape(*spectra.shape[:-1], found.shape[-1])
