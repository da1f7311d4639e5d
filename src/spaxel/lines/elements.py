"""Candidates for the peaks of a fluorescence spectrum: elements whose lines, all together, explain them.

Elements are taken one after the other, each time the one whose pattern (spaxel.lines.patterns) explains most of what is
left, by least squares with no negative amount. So lead and arsenic, which share a peak, are told apart by their other
lines. An element needs a peak of its own: a strongest line of a series must meet a peak and explain a good part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spaxel.lines.candidates import Candidate, times_mean
from spaxel.lines.patterns import RESOLUTION, Series, detector_width, drawn, series
from spaxel.lines.peaks import Peak, find_peaks, fit_peaks, seen_width, steps

ELEMENTS = (  # that are looked for: no noble gas but argon (air), nothing short-lived, no rare earth but La and Ce
    "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu",
    "Zn", "Ga", "Ge", "As", "Se", "Br", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn",
    "Sb", "Te", "I", "Cs", "Ba", "La", "Ce", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi",
    "Th", "U",
)  # fmt: skip
TUBE = dict.fromkeys(("Rh", "Pd", "Mo", "Ag", "W"), "often the anode of the tube")
NOTES = TUBE | {"Ar": "air holds argon"}
SYSTEMATIC = 0.08  # of a height: how well ratios of lines are known
# taken only where they explain clearly more
RARE = frozenset(("Ar", "Sc", "Ga", "Ge", "Ru", "In", "Te", "Hf", "Ta", "Re", "Os", "Ir", "Tl"))
DOUBT = 0.5  # of its gain that a rare element counts
TRIED = 5  # elements that are tried at each step, those that fit best what is left
GAIN = 25.0  # by how much χ² must fall for one more element
OWN = 0.4  # of a peak that an element must explain


class _Seen(NamedTuple):
    """A spectrum as peaks: heights and errors of a peak at each channel, those of the mean of the cube, and the peaks."""

    axis: np.ndarray
    width: np.ndarray
    heights: np.ndarray
    errors: np.ndarray
    means: np.ndarray
    mean_errors: np.ndarray
    peaks: list[Peak]

    def met(self, energy: float) -> Peak | None:
        """The peak that a line of this energy meets."""
        nearest = min(self.peaks, key=lambda peak: abs(peak.position - energy))
        i = nearest.channel
        return nearest if abs(nearest.position - energy) < 0.6 * self.width[i] + 0.1 * steps(self.axis)[i] else None


class _Known(NamedTuple):
    """A series whose strongest line meets a peak. pattern : (channel,) its heights."""

    series: Series
    peak: Peak
    pattern: np.ndarray


def element_candidates(
    axis: np.ndarray,
    spectrum: np.ndarray,
    error: np.ndarray,
    *,
    mean: np.ndarray | None = None,
    mean_error: np.ndarray | None = None,
    elements: Sequence[str] = ELEMENTS,
    resolution: float = RESOLUTION,
) -> list[Candidate]:
    """Elements that the peaks of a spectrum may be, the clearest first.

    axis, spectrum, error : (channel,); keV, any unit, its standard deviation      mean, mean_error : of the cube, for `times`
    elements : that are looked for      resolution : of the detector, keV FWHM at 5.9 keV
    Fails: an axis that is wrong by more than half the width of a peak; sum and escape peaks, which are not known here;
    channels wider than a peak; elements lighter than sodium; one whose lines lie under taller ones of another (sulphur under
    the M lines of lead). Raises ParameterError for an unknown element.
    """
    patterns = [one for element in dict.fromkeys(elements) for one in series(element, resolution)]
    if len(axis) < 2:
        return []
    width = seen_width(axis, detector_width(axis, resolution))
    peaks = find_peaks(axis, spectrum, error, width)
    if not peaks:
        return []
    fit = fit_peaks(axis, width)
    mean, mean_error = spectrum if mean is None else mean, error if mean_error is None else mean_error
    seen = _Seen(
        axis, width, fit.heights(spectrum), fit.errors(error), fit.heights(mean), fit.errors(mean_error), peaks
    )
    known = []
    for one in patterns:
        at = one.energy[one.share.argmax()]
        peak = seen.met(at) if axis[0] < at < axis[-1] else None
        if peak is not None:
            known.append(_Known(one, peak, fit.heights(drawn(axis, one, resolution))))
    amounts = _amounts(seen, known)
    names = dict.fromkeys(k.series.element for k, amount in zip(known, amounts, strict=True) if amount > 0)
    found = [_candidate(seen, _of(name, known, amounts)) for name in names]
    return sorted(found, key=lambda candidate: -candidate.sigma)


def _amounts(seen: _Seen, known: Sequence[_Known]) -> np.ndarray:
    """Amount of each series, 0 for those of elements that are not needed or have no peak of their own."""
    if not known:
        return np.zeros(0)
    patterns, names = np.stack([k.pattern for k in known]), np.array([k.series.element for k in known])
    trust = np.sqrt(seen.errors**2 + (SYSTEMATIC * np.maximum(_around(seen.heights), 0)) ** 2)
    weight = np.where(seen.errors > 0, 1 / np.maximum(trust, 1e-300), 0.0)
    q, r = np.linalg.qr((patterns * weight).T)
    target = q.T @ (seen.heights * weight)
    banned: set[str] = set()
    while True:
        amounts = _taken(r, target, names, banned)
        shares = {name: _shares(seen, _of(name, known, amounts)) for name in dict.fromkeys(names[amounts > 0])}
        poor = {name: share for name, share in shares.items() if share < OWN}
        if not poor:
            return amounts
        lonely = {name for name, share in poor.items() if share < 0}
        banned |= lonely or {min(poor, key=poor.__getitem__)}


def _taken(a: np.ndarray, b: np.ndarray, names: np.ndarray, banned: set[str]) -> np.ndarray:
    """Amounts (series,) when elements are added, the best first, as long as χ² falls enough."""
    taken: list[str] = []
    amounts, left = np.zeros(len(names)), float(b @ b)
    while True:
        promise = np.maximum(a.T @ (b - a @ amounts), 0) ** 2 / np.maximum((a**2).sum(0), 1e-300)
        order = dict.fromkeys(names[np.argsort(-promise, kind="stable")])
        rest = [name for name in order if name not in taken and name not in banned][:TRIED]
        tried = {name: _fitted(a, b, np.isin(names, [*taken, name])) for name in rest}
        gains = {name: (left - now) * (DOUBT if name in RARE else 1.0) for name, (_, now) in tried.items()}
        best = max(gains, key=gains.__getitem__, default="")
        if gains.get(best, 0.0) < GAIN:
            return amounts
        taken.append(best)
        amounts, left = tried[best]


def _shares(seen: _Seen, own: Sequence[tuple[_Known, float]]) -> float:
    """How much of a peak an element explains at best; -1 for one of L or M lines, none of which another line supports."""
    best = max(_share(seen, known, amount) for known, amount in own)
    found = _candidate(seen, own)
    return best if found.line.startswith("K") or found.support else -1.0


def _of(name: str, known: Sequence[_Known], amounts: np.ndarray) -> list[tuple[_Known, float]]:
    return [(k, x) for k, x in zip(known, amounts, strict=True) if k.series.element == name and x > 0]


def _share(seen: _Seen, known: _Known, amount: float) -> float:
    """The share of the peak that its strongest line meets, which a series explains."""
    i = known.peak.channel
    return float(amount * known.pattern[i] / seen.heights[i])


def _fitted(a: np.ndarray, b: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, float]:
    """Amounts (series,) >= 0 of those used, and what they leave, |b - a x|²."""
    from scipy.optimize import nnls

    amounts = np.zeros(a.shape[1])
    if not used.any():
        return amounts, float(b @ b)
    amounts[used], left = nnls(a[:, used], b)
    return amounts, float(left**2)


def _candidate(seen: _Seen, own: Sequence[tuple[_Known, float]]) -> Candidate:
    """An element from its series and their amounts: the clearest peak, and which other lines are seen."""
    whole = np.sum([amount * known.pattern for known, amount in own], axis=0)
    shares = [_share(seen, known, amount) for known, amount in own]
    held = [known for (known, _), share in zip(own, shares, strict=True) if share >= min(OWN, max(shares))]
    best = max(held, key=lambda known: known.peak.sigma)
    strongest, peak = int(best.series.share.argmax()), best.peak
    known_at = float(best.series.energy[strongest])
    support = dict.fromkeys(
        name
        for known, _ in own
        for name, energy in zip(known.series.names, known.series.energy, strict=True)
        if abs(energy - known_at) > 2.5 * seen.width[peak.channel] and _stands(seen, whole, energy)
    )
    element, line = best.series.element, best.series.names[strongest]
    times = times_mean(peak.height, seen.means, seen.mean_errors, peak.channel)
    return Candidate(
        element, line, known_at, peak.position, peak.height, peak.sigma, times, tuple(support), NOTES.get(element, "")
    )


def _stands(seen: _Seen, whole: np.ndarray, energy: float) -> bool:
    """Whether a line of an element is seen: three errors high, and the element explains a good part of it."""
    i = int(np.abs(seen.axis - energy).argmin())
    on = seen.axis[0] < energy < seen.axis[-1]
    return bool(on and seen.heights[i] > 3 * seen.errors[i] > 0 and whole[i] > OWN * seen.heights[i])


def _around(heights: np.ndarray, reach: int = 3) -> np.ndarray:
    """The largest height among near channels."""
    padded = np.pad(heights, reach, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(1)
