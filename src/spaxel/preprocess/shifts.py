"""Spectra that are shifted along their axis, brought to a common place. Lazy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess.spectra import Correction, bridged, each_spectrum, lost_variance, mean_spectrum, typical_spectra

STEP = 0.1  # channels between the shifts that are tried, before the best is refined by a parabola
ALIKE = 0.3  # correlation with the reference below which a spectrum says nothing of its shift


def align(
    cube: xr.Dataset, limit: float = 3.0, reference: Sequence[float] | None = None, *, n: int = 5000, seed: int = 0
) -> xr.Dataset:
    """Shift each spectrum along the axis to where it agrees best with a reference, by parts of a channel.

    limit     : channels, the farthest shift that is looked for
    reference : (channel,), on the axis of the cube; None takes the mean of a sample of n spectra. It is kept, so that `predict`
                brings other cubes to the same place.
    The shift maximises the correlation of slopes (differences of neighbouring channels, so that offsets do not count), which is
    evaluated every 0.1 channels from one Fourier transform and refined by a parabola. A spectrum whose best shift is the limit,
    or whose slopes correlate by less than 0.3, stays where it is. Values between channels come from a cubic spline; beyond
    the ends the last value is held. Near a missing value, what would be made of it is missing too.
    returns : float64; a variance no longer holds and is left out.
    Raises ParameterError for a limit outside of 0 to a quarter of the channels, or a reference of another length.
    Fails where materials have their bands at different places: these are pulled together. Then give the reference as one part
    of the axis that all share: crop first.

    >>> import numpy as np
    >>> import spaxel
    >>> place = np.array([30.0, 31.4, 28.8])[None, :, None]
    >>> cube = spaxel.make_cube(np.exp(-((np.arange(64.0) - place) ** 2) / 8))
    >>> aligned = spaxel.align(cube, reference=cube["spectra"].values[0, 0])
    >>> bool(np.ptp(aligned["spectra"].values, axis=1).max() < 0.02)
    True
    """
    check_cube(cube)
    n_channels = cube.sizes["channel"]
    if not 0 < limit <= n_channels / 4:
        raise ParameterError(
            f"limit is {limit}, expected a number above 0, at most {n_channels / 4:g} (a quarter of the channels)."
        )
    kept = mean_spectrum(typical_spectra(cube, n, seed)) if reference is None else [float(value) for value in reference]
    if len(kept) != n_channels:
        raise ParameterError(f"The reference has {len(kept)} values, the cube {n_channels} channels. Try without one.")
    finder = _Finder(np.array(kept), float(limit))

    def correct(spectra: np.ndarray) -> np.ndarray:
        filled, missing = bridged(spectra)
        return _moved(spectra, filled, missing, finder.shifts(np.where(np.isfinite(filled), filled, 0.0)))

    new, lost = lost_variance(each_spectrum(cube, Correction(correct, products=True)))
    how = "the mean of a sample" if reference is None else "a reference"
    text = f"align: shifted by up to {limit:g} channels to agree with {how}{lost}"
    return note(new, text, "align", limit=float(limit), reference=kept)


class _Finder:
    """Shifts of spectra against a reference. Raises CubeError for one without slopes."""

    def __init__(self, reference: np.ndarray, limit: float) -> None:
        slope = np.diff(reference)
        size = float(np.linalg.norm(slope))
        if not (np.isfinite(size) and size > 0):
            raise CubeError("The reference is flat, so no shift can be seen. Try without this step.")
        self._long = 1 << int(np.ceil(np.log2(len(slope) + limit + 1)))
        self._tried = np.arange(-np.floor(limit / STEP), np.floor(limit / STEP) + 1) * STEP
        frequency = np.fft.rfftfreq(self._long)
        wave = (
            np.exp(2j * np.pi * frequency[:, None] * self._tried)
            * np.conj(np.fft.rfft(slope, self._long) / size)[:, None]
        )
        wave[1 : (self._long + 1) // 2] *= 2
        self._wave = np.concatenate([wave.real, -wave.imag]) / self._long

    def shifts(self, spectra: np.ndarray) -> np.ndarray:
        """(n,) channels by which spectra lie above the reference; 0 where that cannot be told."""
        slope = np.diff(spectra)
        size = np.linalg.norm(slope, axis=1, keepdims=True)
        waves = np.fft.rfft(slope / np.where(size > 0, size, 1.0), self._long)
        alike = np.concatenate([waves.real, waves.imag], axis=1) @ self._wave
        best = alike.argmax(1)
        rows, inner = np.arange(len(alike)), np.clip(best, 1, alike.shape[1] - 2)
        before, here, after = (alike[rows, inner + i] for i in (-1, 0, 1))
        bend = before - 2 * here + after
        found = self._tried[inner] + np.where(bend < 0, (before - after) / (2 * np.where(bend < 0, bend, 1)), 0) * STEP
        return np.where((best == inner) & (here > ALIKE), found, 0.0)


def _moved(spectra: np.ndarray, filled: np.ndarray, missing: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Each spectrum at its channels plus its shift; those with none as they were."""
    from scipy.interpolate import CubicSpline

    channels = spectra.shape[1]
    at, moved = np.arange(channels), spectra.copy()
    for row in np.flatnonzero((shifts != 0) & ~missing.all(1)):
        places = np.clip(at + shifts[row], 0, channels - 1)
        low, high = np.floor(places).astype(int), np.ceil(places).astype(int)
        values = CubicSpline(at, filled[row])(places)
        moved[row] = np.where(missing[row, low] | missing[row, high], np.nan, values)
    return moved
