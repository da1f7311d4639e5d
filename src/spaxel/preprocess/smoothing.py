"""Corrections along the spectral axis of each pixel alone: spikes, noise, slopes. Lazy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.errors import ParameterError


def despike(cube: xr.Dataset, width: int = 5, threshold: float = 8.0) -> xr.Dataset:
    """Replace narrow spikes (cosmic rays) by the running median of their spectrum.

    width     : odd number of channels of the median; spikes must be narrower than half of it
    threshold : robust standard deviations of (spectrum - median) above which a channel is a spike
    Robust sd: 1.4826 / √2 x the median absolute difference of neighbouring channels; 0 (mostly zeros) replaces nothing.
    Fails on lines narrower than width / 2: they look like spikes.

    >>> import numpy as np
    >>> import spaxel
    >>> spectra = np.random.default_rng(0).normal(10, 1, (4, 4, 50))
    >>> spectra[0, 0, 20] = 1000
    >>> bool(spaxel.despike(spaxel.make_cube(spectra))["spectra"].max() < 20)
    True
    """
    check_cube(cube)
    _check_width(width, cube.sizes["channel"])
    if not threshold > 0:
        raise ParameterError(f"threshold is {threshold}, expected a number above zero.")

    from scipy.ndimage import median_filter

    def clean(spectra: np.ndarray) -> np.ndarray:
        middle = median_filter(spectra, size=(1,) * (spectra.ndim - 1) + (width,), mode="nearest")
        rest = spectra.astype(float) - middle
        sd = 1.4826 / np.sqrt(2) * np.median(np.abs(np.diff(spectra.astype(float))), -1, keepdims=True)
        return np.where((rest > threshold * sd) & (sd > 0), middle, spectra)

    text = f"despike: spikes above {threshold:g} robust sd of a median of {width} channels replaced"
    return note(_along_channels(cube, clean), text, "despike", width=width, threshold=threshold)


def smooth(cube: xr.Dataset, width: int = 7, order: int = 2) -> xr.Dataset:
    """Savitzky-Golay smoothing: each value from a polynomial of `order` through `width` (odd) channels around it.

    Savitzky & Golay 1964, doi:10.1021/ac60214a047. Fails, in the sense of biasing peaks, if width exceeds a peak's.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.random.default_rng(0).normal(10, 1, (4, 4, 50)))
    >>> bool(spaxel.smooth(cube, width=9)["spectra"].std() < 0.6 * cube["spectra"].std())
    True
    """
    return _savgol(cube, width, order, 0, f"smooth: Savitzky-Golay, {width} channels, order {order}")


def derivative(cube: xr.Dataset, width: int = 7, order: int = 2, degree: int = 1) -> xr.Dataset:
    """Savitzky-Golay derivative per channel: removes offset (degree 1) or slope (degree 2). The result is signed.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.ones((4, 4, 1)) * np.arange(50.0))
    >>> bool(abs(spaxel.derivative(cube)["spectra"] - 1).max() < 1e-6)
    True
    """
    if not 1 <= degree <= order:
        raise ParameterError(f"degree is {degree}, expected 1 to {order} (the order of the polynomial).")
    return _savgol(cube, width, order, degree, f"derivative {degree}: Savitzky-Golay, {width} channels, order {order}")


def _savgol(cube: xr.Dataset, width: int, order: int, degree: int, text: str) -> xr.Dataset:
    check_cube(cube)
    _check_width(width, cube.sizes["channel"])
    if not 0 <= order < width:
        raise ParameterError(f"order is {order}, expected 0 to {width - 1} (below width).")
    from scipy.signal import savgol_filter

    new = _along_channels(
        cube, lambda s: savgol_filter(s.astype(float), width, order, deriv=degree, axis=-1), np.float64
    )
    parameters = {"width": width, "order": order} | ({"degree": degree} if degree else {})
    return note(new, text, "derivative" if degree else "smooth", **parameters)


def _along_channels(cube: xr.Dataset, function: Callable, dtype: np.dtype | type | None = None) -> xr.Dataset:
    spectra = cube["spectra"]
    lazy = spectra.chunk(channel=-1) if spectra.chunks else spectra
    new = xr.apply_ufunc(
        function, lazy, input_core_dims=[["channel"]], output_core_dims=[["channel"]], dask="parallelized",
        output_dtypes=[dtype or spectra.dtype], keep_attrs=True,
    )  # fmt: skip
    return cube.drop_vars("variance", errors="ignore").assign(spectra=new)


def _check_width(width: int, n_channels: int) -> None:
    if width % 2 == 0 or not 3 <= width <= n_channels:
        raise ParameterError(
            f"width is {width}, expected an odd number from 3 to {n_channels} (the number of channels)."
        )
