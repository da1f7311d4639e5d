"""Which correction a cube asks for: one sentence, where a rule that was measured says so (benchmarks/corrections.py)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from spaxel.cube import make_cube
from spaxel.preprocess.background import baseline
from spaxel.preprocess.narrow import running_median
from spaxel.preprocess.windows import read_windows

FEW, LOOKED = 20, 300  # spectra whose background is fitted: to see whether it is worth it, and then
CHANNELS = 300  # to which spectra are averaged before
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
    spectra = _coarse(spectra[np.isfinite(spectra).all(1)])
    if len(spectra) < FEW or _background(spectra, FEW)[0] < HOLDS - 0.1:
        return ""
    share, rest = _background(spectra, LOOKED)
    if share < HOLDS or not _narrow_bands(rest.mean(0)):
        return ""
    return f"A smooth background holds {min(share, 0.99):.0%} of the variance; try --step baseline."


def _coarse(spectra: np.ndarray) -> np.ndarray:
    """Means of neighbouring channels, so that there are about 300 or less: time enough goes into so many."""
    factor = -(-spectra.shape[1] // CHANNELS)
    whole = spectra.shape[1] // factor * factor
    return spectra[:, :whole].reshape(len(spectra), -1, factor).mean(2)


def _background(spectra: np.ndarray, most: int) -> tuple[float, np.ndarray]:
    """Share of the variance that the backgrounds hold, of at most so many of the spectra, and these without them."""
    few = spectra[np.linspace(0, len(spectra) - 1, min(most, len(spectra))).astype(int)]
    rest = baseline(make_cube(few[:, None]))["spectra"].values[:, 0]
    variance = few.var(0).sum()
    return (float((few - rest).var(0).sum() / variance) if variance > 0 else 0.0), rest


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
