"""Spectra of which one, or one channel, holds nearly all of the signal: such a fit is said to be doubtful."""

from __future__ import annotations

import numpy as np

ROW, CHANNEL = 0.999, 0.9999  # of the sum of squares, above which one spectrum, or one channel, decides alone
FEWEST_ROWS, FEWEST_CHANNELS = 10, 4  # below which that is no wonder
ROWS = 512  # that are looked at together


def lopsided(spectra: np.ndarray, axis: np.ndarray, units: str) -> str:
    """A sentence where one spectrum or one channel outweighs all others together, else "".

    spectra : (n, channel) of a sample, NaN = missing      axis : (channel,) in these units
    """
    if len(spectra) < 2:
        return ""
    row, channel = _energies(spectra)
    total = row.sum()
    if not total > 0:
        return ""
    which = int(row.argmax())
    if (row > 0).sum() >= FEWEST_ROWS and row[which] > ROW * total:
        one = np.nan_to_num(spectra[which].astype(np.float64))
        at = int(np.abs(one).argmax())
        return (
            f"One spectrum holds more than {ROW:.1%} of the signal of {len(row)} (sum of squares): {one[at]:.4g} at "
            f"{_place(axis, units, at)}. It may decide the result alone. Is it a spike or a mark for no data? Try despike, or "
            "a mask."
        )
    which = int(channel.argmax())
    if (channel > 0).sum() >= FEWEST_CHANNELS and channel[which] > CHANNEL * total:
        return (
            f"The channel at {_place(axis, units, which)} holds more than {CHANNEL:.2%} of the signal of all "
            f"{len(channel)} (sum of squares). It may decide the result alone. Try without it (mask_channels), or a scaling "
            "by channel (zscore)."
        )
    return ""


def _energies(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squares of each spectrum, (n,), and of each channel, (channel,); of the largest value."""
    largest = max(float(np.nanmax(spectra)), -float(np.nanmin(spectra)))
    row, channel = np.zeros(len(spectra)), np.zeros(spectra.shape[1])
    for i in range(0, len(spectra) if largest > 0 else 0, ROWS):
        x = np.nan_to_num(spectra[i : i + ROWS].astype(np.float64)) / largest
        x *= x
        row[i : i + ROWS] = x.sum(1)
        channel += x.sum(0)
    return row, channel


def _place(axis: np.ndarray, units: str, at: int) -> str:
    return f"channel {at}" if units == "index" else f"{axis[at]:g} {units}"
