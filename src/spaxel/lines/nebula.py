"""Candidates for the peaks of a spectrum along wavelength: emission lines of gas at a known redshift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spaxel.lines.candidates import Candidate, times_mean
from spaxel.lines.gas import LIGHT_SPEED, SKY, STRONGER, relatives, wavelengths
from spaxel.lines.peaks import Peak, find_peaks, fit_peaks, seen_width

FWHM = (300.0, 600.0)  # km/s: of lines as they are seen, instrument and motion together
REACH = 250.0  # km/s that a peak may lie from its line


class _Seen(NamedTuple):
    """Heights and errors of peaks of one width at each channel, of a spectrum and of the mean of the cube."""

    axis: np.ndarray
    heights: np.ndarray
    errors: np.ndarray
    means: np.ndarray
    mean_errors: np.ndarray

    def has(self, at: float) -> bool:
        """Whether a peak of three errors stands at a wavelength."""
        i = int(np.abs(self.axis - at).argmin())
        return bool(self.axis[0] <= at <= self.axis[-1] and self.heights[i] > 3 * self.errors[i] > 0)


def gas_candidates(
    axis: np.ndarray,
    spectrum: np.ndarray,
    error: np.ndarray,
    redshift: float,
    *,
    medium: str = "air",
    mean: np.ndarray | None = None,
    mean_error: np.ndarray | None = None,
    fwhm: Sequence[float] = FWHM,
) -> list[Candidate]:
    """Emission lines that peaks of a spectrum may be, by wavelength.

    axis, spectrum, error : (channel,); Angstrom in `medium` (air or vacuum), any unit, its standard deviation
    redshift : of the object      mean, mean_error : of the cube, for `times`      fwhm : widths of lines that are tried, km/s
    A peak of five errors within 250 km/s of a line is a candidate; a relative of the same ion supports it from three on.
    The weaker line of a pair of fixed ratio is none without the stronger, unless that lies off the axis.
    Fails: at a wrong redshift, where other lines may be met by chance; lines much broader than the widths are passed over.
    Raises ParameterError for another medium, or a redshift out of range.
    """
    where = wavelengths(medium, redshift)
    both = ((spectrum, error), (spectrum if mean is None else mean, error if mean_error is None else mean_error))
    best: dict[str, Candidate] = {}
    for speed in fwhm if len(axis) > 1 else ():
        width = seen_width(axis, axis * speed / 2.3548 / LIGHT_SPEED)
        peaks = find_peaks(axis, spectrum, error, width, dips=True)
        if not peaks:
            continue
        fit = fit_peaks(axis, width)
        seen = _Seen(axis, *(f(v) for pair in both for f, v in zip((fit.heights, fit.errors), pair, strict=True)))
        for peak in peaks:
            found = _candidate(peak, seen, where)
            if found and (found.name not in best or found.sigma > best[found.name].sigma):
                best[found.name] = found
    return sorted(best.values(), key=lambda candidate: candidate.known)


def _candidate(peak: Peak, seen: _Seen, where: dict[str, float]) -> Candidate | None:
    """The line that a peak may be, with its relatives; None if it is near none or cannot be without a stronger one."""
    name = min(where, key=lambda line: abs(where[line] - peak.position))
    stronger = where.get(STRONGER.get(name, ""), -1.0)
    lonely = seen.axis[0] < stronger < seen.axis[-1] and not seen.has(stronger)
    if lonely or abs(peak.position / where[name] - 1) * LIGHT_SPEED > REACH:
        return None
    support = tuple(other for other in relatives(name) if seen.has(where[other]))
    times = times_mean(peak.height, seen.means, seen.mean_errors, peak.channel)
    note = next((f"near {sky} of the night sky" for sky, at in SKY.items() if abs(peak.position - at) < 3), "")
    return Candidate(name, "", where[name], peak.position, peak.height, peak.sigma, times, support, note)
