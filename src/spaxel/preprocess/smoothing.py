"""Corrections along the spectral axis of each pixel alone that look at neighbouring channels: noise, slopes. Lazy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.errors import ParameterError
from spaxel.preprocess.spectra import Correction, bridged, each_spectrum


def smooth(cube: xr.Dataset, width: int = 7, order: int = 2) -> xr.Dataset:
    """Savitzky-Golay smoothing: each value from a polynomial of `order` through `width` (odd) channels around it.

    Missing values stay missing, and are bridged by a straight line meanwhile; a variance follows by the squared weights.
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

    Missing values and a variance: as in `smooth`.

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
    check_width(width, cube.sizes["channel"])
    if not 0 <= order < width:
        raise ParameterError(f"order is {order}, expected 0 to {width - 1} (below width).")
    filtered = _filter(width, order, degree)

    def correct(spectra: np.ndarray) -> np.ndarray:
        filled, missing = bridged(spectra)
        return np.where(missing, np.nan, filtered(filled))

    squared = _filter(width, order, degree, power=2)

    def scatter(variance: np.ndarray) -> np.ndarray:
        filled, missing = bridged(variance)
        return np.where(missing, variance, np.maximum(squared(filled), 0))

    parameters = {"width": width, "order": order} | ({"degree": degree} if degree else {})
    new = each_spectrum(cube, Correction(correct))
    if "variance" in cube:
        followed = each_spectrum(cube[["variance"]].rename(variance="spectra"), Correction(scatter))["spectra"]
        new, text = new.assign(variance=followed), text + "; the variance by the squared weights"
    return note(new, text, "derivative" if degree else "smooth", **parameters)


def _filter(width: int, order: int, degree: int, power: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """Savitzky-Golay of (n, channel), the ends by the polynomial through the first and the last `width` channels.

    power : 2 for a variance, which goes by the squared weights (that neighbouring channels then share noise is not said)
    Row by row the same bits in whatever company: scipy's own solves the ends of all rows together.
    """
    from scipy.ndimage import correlate1d
    from scipy.signal import savgol_coeffs

    half = width // 2
    weights = np.array([savgol_coeffs(width, order, deriv=degree, pos=at, use="dot") for at in range(width)]) ** power

    def ends(part: np.ndarray, rows: range) -> np.ndarray:
        return sum((part[:, k : k + 1] * weights[rows, k] for k in range(width)), np.zeros((len(part), len(rows))))

    def filtered(spectra: np.ndarray) -> np.ndarray:
        new = correlate1d(spectra, weights[half], axis=-1, mode="nearest")
        new[:, :half] = ends(spectra[:, :width], range(half))
        new[:, -half:] = ends(spectra[:, -width:], range(half + 1, width))
        return new

    return filtered


def check_width(width: int, n_channels: int) -> None:
    """Raise ParameterError unless a width is an odd number of channels from 3 on that the cube has."""
    if width % 2 == 0 or not 3 <= width <= n_channels:
        raise ParameterError(
            f"width is {width}, expected an odd number from 3 to {n_channels} (the number of channels)."
        )
