"""Corrections of the spectral axis: a range of it, and wider channels. Lazy."""

from __future__ import annotations

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.errors import AxisError, ParameterError
from spaxel.preprocess.masks import with_channels

_PER_CHANNEL = ("spectra", "variance", "truth_spectra")


def crop(cube: xr.Dataset, low: float | None = None, high: float | None = None) -> xr.Dataset:
    """The channels from low to high, both ends included, in the units of the axis (keV, nm …).

    Raises AxisError if no channel lies there; the message says what the axis covers.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=8, width=9, channels=380)
    >>> spaxel.crop(cube, 6.0, 7.0).sizes["channel"]
    10
    """
    check_cube(cube)
    axis = cube["channel"].values
    low, high = axis[0] if low is None else float(low), axis[-1] if high is None else float(high)
    keep = (axis >= low) & (axis <= high)
    units = cube["channel"].attrs.get("units", "index")
    if not keep.any():
        raise AxisError(f"No channel lies in {low:g}..{high:g}; the axis covers {axis[0]:g}..{axis[-1]:g} {units}.")
    text = f"crop: {keep.sum()} of {len(axis)} channels, {low:g} to {high:g} {units}"
    return note(with_channels(cube, np.flatnonzero(keep)), text, "crop", low=float(low), high=float(high))


def rebin(cube: xr.Dataset, factor: float) -> xr.Dataset:
    """Sum neighbouring channels. Counts are conserved, also at a ragged end and for a fractional factor.

    factor  : channels per new channel, > 1; at 2.5 the third old channel gives half of its counts to either side
    returns : a cube of ceil(n_channels / factor) channels at the mean position of what was summed; the last one
              may be narrower. Whole factors keep integers (uint64), fractional ones give float64.
    y_j = Σ_c w_jc x_c with Σ_j w_jc = 1 for every c. A variance is summed with w².
    Raises ParameterError for a factor below 1 or above the number of channels.
    Fails on reflectance in the sense that sums of reflectance are no reflectance: divide by `factor` if it matters.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=8, width=9, channels=380)
    >>> spaxel.rebin(cube, 4).sizes["channel"]
    95
    """
    check_cube(cube)
    n_channels = cube.sizes["channel"]
    if not 1 <= factor <= n_channels:
        raise ParameterError(f"factor is {factor}, expected 1 to {n_channels} (the number of channels).")
    axis, attrs = cube["channel"].values, cube["channel"].attrs
    if float(factor).is_integer():
        starts = np.arange(0, n_channels, int(factor))
        widths = np.diff(np.append(starts, n_channels))
        centres = np.add.reduceat(axis.astype(float), starts) / widths
        new = _replace_channels(cube, centres, lambda values, _: _sum_runs(values, starts))
    else:
        weights = _overlaps(n_channels, float(factor))
        centres = weights @ axis / weights.sum(1)
        new = _replace_channels(cube, centres, lambda values, power: values.astype(float) @ (weights**power).T)
    new["channel"].attrs = dict(attrs)
    text = f"rebin by {factor:g}: {n_channels} to {len(centres)} channels, counts conserved"
    return note(new, text, "rebin", factor=float(factor))


def _sum_runs(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    wide = np.uint64 if values.dtype.kind == "u" else np.int64 if values.dtype.kind in "ib" else np.float64
    return np.add.reduceat(values.astype(wide), starts, axis=-1)


def _overlaps(n_channels: int, factor: float) -> np.ndarray:
    """Share of each old channel (column) that falls into each new one (row); columns sum to one."""
    edges = np.minimum(np.arange(int(np.ceil(n_channels / factor)) + 1) * factor, n_channels)
    old = np.arange(n_channels)
    return np.clip(np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old), 0, None)


def _replace_channels(cube: xr.Dataset, centres: np.ndarray, function) -> xr.Dataset:
    """The cube on a new axis: `function(values, power)` maps the last axis; power is 2 for variances."""
    new = cube.drop_dims("channel").assign_coords(channel=centres)
    for name in _PER_CHANNEL:
        if name in cube:
            old = cube[name].chunk(channel=-1) if cube[name].chunks else cube[name]
            power = 2 if name == "variance" else 1
            dtype = function(np.zeros(len(cube["channel"]), old.dtype), power).dtype
            new[name] = xr.apply_ufunc(
                function, old, power, input_core_dims=[["channel"], []], output_core_dims=[["channel"]],
                exclude_dims={"channel"}, dask="parallelized", output_dtypes=[dtype], keep_attrs=True,
                dask_gufunc_kwargs={"output_sizes": {"channel": len(centres)}},
            )  # fmt: skip
    return new
