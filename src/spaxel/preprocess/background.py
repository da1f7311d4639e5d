"""What lies under the bands: a smooth background that is taken away, a continuum that spectra are divided by. Lazy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.errors import ParameterError
from spaxel.preprocess.hull import upper_hull
from spaxel.preprocess.spectra import Correction, bridged, each_spectrum, kept_variance

Method = Literal["arpls", "asls", "rolling_ball", "polynomial"]
STIFF = 15  # part of the axis within which the default background bends: a fifteenth


def baseline(
    cube: xr.Dataset,
    method: Method = "arpls",
    lam: float | None = None,
    p: float = 0.01,
    width: int | None = None,
    order: int = 3,
) -> xr.Dataset:
    """Take the smooth background (fluorescence, scattering, glow) away from each spectrum; the bands stay.

    method : asls (asymmetric least squares; Eilers 2003, doi:10.1021/ac034173t), arpls (the same, but it learns from the
             noise what is above, and so runs through its middle; Baek et al. 2015, doi:10.1039/C4AN01061B), rolling_ball (a
             ball of `width` channels rolls below; Kneen & Annegarn 1996, doi:10.1016/0168-583X(95)00908-6), polynomial (of
             `order`, fitted again and again below the bands; Zhao et al. 2007, doi:10.1366/000370207782597003)
    lam    : of asls and arpls: stiffness. The background bends within some lam^(1/4) channels; None: a fifteenth of the axis
    p      : of asls: weight of what lies above the background, 0 < p < 0.5
    width  : of rolling_ball: channels, wider than the widest band; None: a tenth of the axis      order : of polynomial
    returns : float64, signed. Missing values stay missing and are bridged by a straight line meanwhile.
    By pybaselines (Erb 2022, doi:10.5281/zenodo.5608581). Raises ParameterError for values out of range.
    Fails, with asls, where the noise varies from pixel to pixel: its background runs along the lower edge of the noise. With
    all, where the bands are as wide as the background bends (reflectance of solids): they are
    taken away too.

    >>> import numpy as np
    >>> import spaxel
    >>> band = np.exp(-(((np.arange(200) - 90) / 3.0) ** 2))
    >>> slope = np.linspace(8, 3, 200)
    >>> flat = spaxel.baseline(spaxel.make_cube((band + slope)[None, None]))
    >>> bool(abs(flat["spectra"].values - band).max() < 0.05)
    True
    """
    check_cube(cube)
    n = cube.sizes["channel"]
    given = _settings(method, n, lam, p, width, order)
    fit = _fitter(method, cube["channel"].values, given)

    def correct(spectra: np.ndarray) -> np.ndarray:
        filled, missing = bridged(spectra)
        below = np.zeros_like(filled)
        for i in np.flatnonzero(~missing.all(1) & (filled != 0).any(1)):
            below[i] = fit(filled[i])
        return np.where(missing, spectra, filled - below)

    said = ", ".join(f"{name} {value:g}" for name, value in given.items())
    text = f"baseline: {method}, {said}{kept_variance(cube)}"
    return note(each_spectrum(cube, Correction(correct)), text, "baseline", method=method, **given)


def continuum_removal(cube: xr.Dataset) -> xr.Dataset:
    """Divide each spectrum by its continuum, the upper convex hull: 1 where nothing is absorbed, less in the bands.

    Clark & Roush 1984, doi:10.1029/JB089iB07p06329. For reflectance: depths of bands can then be compared, whatever the light.
    returns : float64, 0 < x <= 1. A value whose hull is not above zero is missing (NaN), as are those that were; the hull spans
              what was measured. The variance is divided by the square of the hull.
    Fails on spectra with emission: the hull then lies on the lines. Doing it twice changes nothing.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.array([[[0.2, 0.2, 0.5, 0.6]]]))
    >>> spaxel.continuum_removal(cube)["spectra"].values.round(3).tolist()
    [[[1.0, 0.571, 1.0, 1.0]]]
    """
    check_cube(cube)
    axis = cube["channel"].values.astype(np.float64)

    def divisor(spectra: np.ndarray) -> np.ndarray:
        hull = upper_hull(axis, spectra)
        return np.where(hull > 0, hull, np.nan)

    new = each_spectrum(cube, Correction(lambda spectra: spectra / divisor(spectra), divisor))
    new["spectra"].attrs.pop("units", None)
    return note(new, "continuum_removal: divided by the upper convex hull", "continuum_removal")


def _settings(method: str, n: int, lam: float | None, p: float, width: int | None, order: int) -> dict[str, Any]:
    """The options that a method has, with the values that it takes. Raises ParameterError."""
    if method not in get_args(Method):
        raise ParameterError(f"There is no baseline {method!r}. Known: {', '.join(get_args(Method))}.")
    if n < 5:
        raise ParameterError(f"baseline needs at least 5 channels, and there are {n}. Try without it.")
    lam = max(10.0, float(f"{(n / STIFF) ** 4:.2g}")) if lam is None else lam
    width = max(3, n // 10) if width is None else width
    if not 0 < lam <= 1e15:
        raise ParameterError(f"lam is {lam:g}, expected a number above 0, at most 1e15. Try 1e5.")
    if not 0 < p < 0.5:
        raise ParameterError(f"p is {p}, expected a number above 0 and below 0.5. Try 0.01.")
    if not 3 <= width <= n:
        raise ParameterError(f"width is {width}, expected 3 to {n} (the number of channels).")
    if not 0 <= order <= min(10, n - 2):
        raise ParameterError(f"order is {order}, expected 0 to {min(10, n - 2)}.")
    own = {"asls": {"lam": float(lam), "p": float(p)}, "arpls": {"lam": float(lam)}}
    own |= {"rolling_ball": {"width": int(width)}, "polynomial": {"order": int(order)}}
    return own[method]


def _fitter(method: str, axis: np.ndarray, given: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    """The background of one spectrum (channel,), by a method with these options."""

    def fit(spectrum: np.ndarray) -> np.ndarray:
        from pybaselines import Baseline  # here and not above: most of a second that others need not wait for

        fitter = Baseline(axis if method == "polynomial" else np.arange(float(len(axis))), check_finite=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of weights that came to rest early, and of axes that are not even
            if method == "asls":
                return fitter.asls(spectrum, lam=given["lam"], p=given["p"])[0]
            if method == "arpls":
                return fitter.arpls(spectrum, lam=given["lam"])[0]
            if method == "rolling_ball":
                return fitter.rolling_ball(spectrum, half_window=given["width"] // 2)[0]
            return fitter.imodpoly(spectrum, poly_order=given["order"])[0]

    return fit
