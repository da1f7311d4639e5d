"""The upper convex hull of many spectra at once."""

from __future__ import annotations

import numpy as np


def upper_hull(axis: np.ndarray, spectra: np.ndarray) -> np.ndarray:
    """The upper convex hull of each spectrum over the axis, (n, channel); nan outside of what was measured.

    axis : (channel,) increasing      spectra : (n, channel) float64, missing values not finite
    Andrew's monotone chain (1979, doi:10.1016/0020-0190(79)90072-3), for all spectra at once: channel by channel, what lies
    below the line from the point before to the new one is dropped.
    """
    n, channels = spectra.shape
    measured = np.isfinite(spectra)
    corners, size = np.zeros((n, channels), int), np.zeros(n, int)
    rows = np.arange(n)
    for c in range(channels):
        new = rows[measured[:, c]]
        doubtful = new[size[new] >= 2]
        while len(doubtful):
            doubtful = doubtful[_below(axis, spectra, corners, doubtful, size[doubtful], c)]
            size[doubtful] -= 1
            doubtful = doubtful[size[doubtful] >= 2]
        corners[new, size[new]] = c
        size[new] += 1
    return _between(axis, spectra, corners, size)


def _below(
    axis: np.ndarray, spectra: np.ndarray, corners: np.ndarray, rows: np.ndarray, size: np.ndarray, c: int
) -> np.ndarray:
    """Whether the last corner of each of these spectra lies on or below the line from the one before it to channel c."""
    last, before = corners[rows, size - 1], corners[rows, size - 2]
    low, high = spectra[rows, before], spectra[rows, c]
    rise = (high - low) * (axis[last] - axis[before])
    return (spectra[rows, last] - low) * (axis[c] - axis[before]) <= rise


def _between(axis: np.ndarray, spectra: np.ndarray, corners: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Straight lines between the corners."""
    hull = np.full(spectra.shape, np.nan)
    for row in np.flatnonzero(size):
        at = corners[row, : size[row]]
        hull[row] = np.interp(axis, axis[at], spectra[row, at], left=np.nan, right=np.nan)
    return hull
