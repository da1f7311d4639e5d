"""Mass spectra as lists of (mass, intensity), made spectra on one axis: intensities are summed in bins of equal width."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spaxel.errors import ParameterError, ReadError
from spaxel.readers.parts.axis import Axis

WIDTH = 1.0  # of a bin in m/z: nominal masses
MOST_BINS, MOST_BYTES = 2_000_000, 2**32


class Binned(NamedTuple):
    """A list of peaks in bins: the number of each bin that holds something, and its sum."""

    bins: np.ndarray
    sums: np.ndarray


def bin_width(given: float | None, usual: float = WIDTH) -> float:
    """The option bin. Raises ParameterError."""
    if given is None:
        return usual
    if isinstance(given, (int, float)) and given > 0 and np.isfinite(given):
        return float(given)
    raise ParameterError(f"bin={given!r} is no width in m/z. Try 1 or 0.1.")


def in_bins(masses: np.ndarray, intensities: np.ndarray, width: float) -> Binned:
    """Peaks summed in bins; bin k reaches from (k - 1/2) width to (k + 1/2) width. What is not finite is left out."""
    good = np.isfinite(masses) & np.isfinite(intensities) & (np.abs(masses) < width * MOST_BINS * 100)
    number = np.floor(masses[good] / width + 0.5).astype(np.int64)
    bins, at = np.unique(number, return_inverse=True)
    return Binned(bins, np.bincount(at.ravel(), intensities[good], len(bins)))


def mass_table(path: Path, scans: Sequence[Binned], width: float) -> tuple[np.ndarray, Axis]:
    """(scan, mass) and its axis, from the lowest bin that holds something to the highest. Raises ReadError: no mass at all."""
    held = [scan.bins for scan in scans if len(scan.bins)]
    if not held:
        raise ReadError(f"{path} holds no mass spectrum with a peak. Is it complete?")
    low, high = min(int(bins[0]) for bins in held), max(int(bins[-1]) for bins in held)
    check_bins(path, low * width, high * width, width, len(scans))
    table = np.zeros((len(scans), high - low + 1))
    for row, scan in zip(table, scans, strict=True):
        row[scan.bins - low] = scan.sums
    return table, mass_axis(path, low, high, width)


def check_bins(path: Path, low: float, high: float, width: float, scans: int = 1) -> None:
    """ReadError if so many bins would be needed that the masses cannot be right, or that memory does not hold them."""
    n = (high - low) / width + 1
    if not np.isfinite(n) or n > MOST_BINS or n * scans * 8 > MOST_BYTES:
        raise ReadError(
            f"{path}: masses from {low:g} to {high:g} make {n:.3g} bins of {width:g} for {scans} spectra, which is too much. "
            "Try a larger bin, as bin=1, or to check the file."
        )


def mass_axis(path: Path, low: int, high: int, width: float) -> Axis:
    """The axis of bins low..high."""
    return Axis(np.arange(low, high + 1) * width, "m/z", f"the masses of {path.name}", "m/z")


def said_of_bins(path: Path, width: float) -> str:
    """The sentence for the user."""
    return f"{path.name} holds masses of its own in each spectrum; summed them in bins of {width:g} m/z. Option bin decides."


def minutes(seconds: np.ndarray) -> list[str]:
    """Times of scans as names of spectra."""
    return [f"{value / 60:.4f} min" for value in seconds]
