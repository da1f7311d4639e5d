"""Which correction a cube asks for: one sentence, where a rule that was measured says so (benchmarks/corrections.py)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from spaxel.cube import make_cube
from spaxel.preprocess.background import baseline
from spaxel.preprocess.narrow import running_median
from spaxel.preprocess.windows import read_windows

LOOKED = 300  # spectra whose background is fitted
HOLDS = 0.9  # of the variance from which a background is said to dominate
WIDE = 8  # part of the axis within which a band is narrow: an eighth
UPWARDS = 0.65  # of what stands out of the mean points up: bands, and no edges and dips of reflectance
NARROW = 0.4  # of the axis is under bands at most
FAR, SEEN = 5.0, 0.2  # standard deviations of the noise, and part of the highest, from which something stands out
UNITS = ("1/cm", "index", "")  # along a wavelength the smooth part is the spectrum itself: reflectance, light of stars
FEWEST = 50  # channels in which narrow and wide can be told apart


def background_advice(cube: xr.Dataset) -> str:
    """One sentence if a smooth background dominates and narrow bands stand on it, else "".

    The background of 300 spectra is fitted (arPLS, as `baseline` does by itself). It dominates if it holds at least 90 % of the
    variance between pixels; bands stand on it if what stands out of the mean of the rest, above its running median, points
    up and takes less than 40 % of the axis. Only on an axis in 1/cm or one that is not known: along wavelengths the smooth
    part is the spectrum itself.
    """
    channels = cube.sizes["channel"]
    if channels < FEWEST or cube["channel"].attrs.get("units", "") not in UNITS:
        return ""
    spectra = np.concatenate([w.block[w.inside][w.good[w.inside]] for w in read_windows(cube)]).astype(np.float64)
    spectra = spectra[np.isfinite(spectra).all(1)]
    if len(spectra) < 10:
        return ""
    few = spectra[np.linspace(0, len(spectra) - 1, min(LOOKED, len(spectra))).astype(int)]
    rest = baseline(make_cube(few[:, None]))["spectra"].values[:, 0]
    variance = few.var(0).sum()
    share = float((few - rest).var(0).sum() / variance) if variance > 0 else 0.0
    if share < HOLDS or not _narrow_bands(rest.mean(0)):
        return ""
    return f"A smooth background holds {min(share, 0.99):.0%} of the variance; try --step baseline."


def _narrow_bands(mean: np.ndarray) -> bool:
    """Whether narrow bands point up out of a mean spectrum without its background.

    What bends slowly in it does not count, nor do its ends, where a background is held by one side only.
    """
    width = max(5, len(mean) // WIDE // 2 * 2 + 1)
    above = (mean - running_median(mean[None], width)[0])[width // 2 : -(width // 2)]
    noise = 1.4826 * np.median(np.abs(np.diff(above, 2))) / np.sqrt(6)
    least = max(FAR * noise, SEEN * float(np.abs(above).max()))
    up, down = above > least, above < -least
    height, depth = float(above[up].sum()), float(-above[down].sum())
    return height > 0 and height >= UPWARDS * (height + depth) and float((up | down).mean()) <= NARROW
