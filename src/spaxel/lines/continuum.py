"""What lies below narrow lines: a smooth curve through the rest of a spectrum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

LINE = 700.0 / 299_792.458  # of its position: half of the width that a line takes at most
WINDOW = 0.05  # of the channels: the width of the running median
LEAST = 15  # channels in it


def continuum(axis: np.ndarray, spectra: np.ndarray, lines: Sequence[float]) -> np.ndarray:
    """The continuum of spectra: a running median without the channels of lines, smoothed. (…, channel) -> (…, channel).

    axis : (channel,), ascending, of wavelength      lines : where they are, in units of the axis
    Channels within 700 km/s of a line, and missing values, are bridged by straight lines first. Fails: absorption bands
    wider than a twentieth of the axis are followed, narrower ones are not.
    """
    taken = np.zeros(len(axis), bool)
    for at in lines:
        taken |= np.abs(axis - at) < LINE * at
    width = max(LEAST, int(WINDOW * len(axis))) | 1
    flat = np.asarray(spectra, float).reshape(-1, len(axis))
    bridged = np.zeros_like(flat)
    for i, row in enumerate(flat):
        known = np.isfinite(row) & ~taken
        if known.any():
            bridged[i] = np.interp(axis, axis[known], row[known])
    smooth = median_filter(bridged, size=(1, width), mode="nearest")
    return uniform_filter1d(smooth, max(3, width // 3), axis=-1, mode="nearest").reshape(np.shape(spectra))
