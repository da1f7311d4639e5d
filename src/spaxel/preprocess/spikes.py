"""Spikes (cosmic rays, hot channels): found by what is around them along the spectrum and in the image, and replaced. Lazy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.errors import ParameterError
from spaxel.preprocess.narrow import neighbours_clean
from spaxel.preprocess.smoothing import check_width
from spaxel.preprocess.spectra import along_channels, bridged, kept_variance
from spaxel.preprocess.spikes_found import WIDTH, find_spikes

Way = Literal["median", "whitaker-hayes", "neighbours"]
ROBUST = 1.4826  # from a median absolute deviation to a standard deviation


AUTO = 8.0  # robust standard deviations, where `auto` has found spikes


def despike(
    cube: xr.Dataset, width: int = 5, threshold: float | Literal["auto"] = 8.0, method: Way = "median"
) -> xr.Dataset:
    """Replace narrow spikes (cosmic rays) by what lies around them.

    width     : odd number of channels that are looked at; spikes must be narrower than half of it
    threshold : robust standard deviations above which a channel is a spike; auto: looks first whether there are spikes at all
                (see spaxel.preprocess.spikes_found), and removes them as neighbours and 8 do; else the cube is given back
    method    : median: far above the running median of its spectrum, by which it is replaced.
                whitaker-hayes: the step to or from it is far from the median step, in units of the median absolute deviation of
                all steps; replaced by the mean of what lies around and is no spike. Whitaker & Hayes 2018,
                doi:10.1016/j.chemolab.2018.06.009
                neighbours: far above the running median, sharp, and far above what the eight pixels around it have there, so
                that sharp bands and lines stay. Needs an image: in a table no pixel has neighbours.
    Robust sd: 1.4826 / √2 x the median absolute difference of neighbouring channels; 0 (mostly zeros) replaces nothing.
    The dtype stays, whole numbers are rounded. Missing values stay missing. A variance stays as it is.
    Fails, but for neighbours, on lines narrower than width / 2: they look like spikes.

    >>> import numpy as np
    >>> import spaxel
    >>> spectra = np.random.default_rng(0).normal(10, 1, (4, 4, 50))
    >>> spectra[0, 0, 20] = 1000
    >>> bool(spaxel.despike(spaxel.make_cube(spectra))["spectra"].max() < 20)
    True
    """
    check_cube(cube)
    if threshold == "auto":
        return _if_there_are(cube)
    check_width(width, cube.sizes["channel"])
    if isinstance(threshold, str) or not threshold > 0:
        raise ParameterError(f"threshold is {threshold}, expected a number above zero, or auto.")
    if method not in get_args(Way):
        raise ParameterError(f"There is no way {method!r} to find spikes. Known: {', '.join(get_args(Way))}.")
    if method == "neighbours":
        clean = _by_neighbours(cube, width, threshold)
    else:
        way = _median if method == "median" else _whitaker_hayes
        clean = along_channels(cube["spectra"], _by_spectrum(way, width, threshold), cube["spectra"].dtype)
    if "valid" in cube:
        clean = clean.where(cube["valid"], cube["spectra"])
    how = {
        "median": "of a median",
        "whitaker-hayes": "of the median step, in windows",
        "neighbours": "of the pixels around",
    }
    text = (
        f"despike: spikes above {threshold:g} robust sd {how[method]} of {width} channels replaced{kept_variance(cube)}"
    )
    given = {} if method == "median" else {"method": method}
    return note(cube.assign(spectra=clean), text, "despike", width=width, threshold=threshold, **given)


def _if_there_are(cube: xr.Dataset) -> xr.Dataset:
    """The cube without its spikes, and a sentence that says so, or the cube itself."""
    found = find_spikes(cube)
    if not found.many():
        return cube
    said = (
        f"{found.spectra:,} of {found.looked:,} spectra that were looked at hold spikes (cosmic rays), so they are removed. "
        "--despike none keeps them."
    )
    return despike(note(cube, said), WIDTH, AUTO, "neighbours")


def robust_sd(spectra: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise of each spectrum, (..., 1), from differences of neighbouring channels."""
    return ROBUST / np.sqrt(2) * np.median(np.abs(np.diff(spectra)), axis=-1, keepdims=True)


def _by_spectrum(way: Callable, width: int, threshold: float) -> Callable[[np.ndarray], np.ndarray]:
    def clean(spectra: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(spectra.reshape(-1, spectra.shape[-1]), np.float64)
        filled, missing = bridged(rows)
        with np.errstate(all="ignore"):
            spikes, instead = way(filled, width, threshold)
        return put(spectra, (spikes & ~missing).reshape(spectra.shape), instead.reshape(spectra.shape))

    return clean


def put(spectra: np.ndarray, spikes: np.ndarray, instead: np.ndarray) -> np.ndarray:
    """Spectra with other values where there are spikes, in their dtype."""
    whole = spectra.dtype.kind in "biu"
    return np.where(spikes, (np.round(instead) if whole else instead).astype(spectra.dtype), spectra)


def _median(spectra: np.ndarray, width: int, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.ndimage import median_filter

    middle = median_filter(spectra, size=(1, width), mode="mirror")
    sd = robust_sd(spectra)
    return (spectra - middle > threshold * sd) & (sd > 0), middle


def _whitaker_hayes(spectra: np.ndarray, width: int, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    steps = np.diff(spectra)
    off = np.abs(steps - np.median(steps, axis=1, keepdims=True))
    scale = ROBUST * np.median(off, axis=1, keepdims=True)
    far = (off > threshold * scale) & (scale > 0)
    spikes = np.pad(far, ((0, 0), (1, 0))) | np.pad(far, ((0, 0), (0, 1)))
    total, number = (_window_sums(np.where(spikes, 0.0, values), width) for values in (spectra, np.ones_like(spectra)))
    return spikes & (number > 0), total / np.maximum(number, 1)


def _window_sums(values: np.ndarray, width: int) -> np.ndarray:
    padded = np.pad(values, ((0, 0), (width // 2, width // 2)))
    return np.lib.stride_tricks.sliding_window_view(padded, width, axis=1).sum(-1)


def _by_neighbours(cube: xr.Dataset, width: int, threshold: float) -> xr.DataArray:
    """Spectra without spikes that their neighbours do not have; of pixels marked as no data nothing is looked at."""
    if 1 in (cube.sizes["y"], cube.sizes["x"]):
        raise ParameterError("In a table no pixel has neighbours. Try method=median or method=whitaker-hayes.")
    spectra = cube["spectra"]
    seen = spectra.where(cube["valid"], spectra.dtype.type(0)) if "valid" in cube else spectra

    def clean(block: np.ndarray) -> np.ndarray:
        spikes, instead = neighbours_clean(block, width, threshold)
        return put(block, spikes, instead)

    if seen.chunks is None:
        return spectra.copy(data=clean(seen.values))
    import dask.array as da  # here and not above: others need not wait for it

    lazy = seen.chunk(channel=-1).data
    depth = {0: 1, 1: 1, 2: 0}
    return spectra.copy(
        data=da.map_overlap(clean, lazy, depth=depth, boundary="none", dtype=lazy.dtype, meta=lazy._meta)
    )
