"""Whether the variance of a file can be believed, and what is used of it.

A variance says how noisy each value is; the data say how noisy they can be at most and must be at least. Where the two differ
a hundredfold, the variance is of other data or in other units, and is not used. Two bounds, each of its own kind:

    at most    half the mean squared difference of neighbouring pixels (of a table: the variance of all spectra), which
               holds the noise and whatever else differs
    at least   what is left of spectra over their own noise once what they have in common is taken off: the median of their
               squared singular values, over that of white noise (Marchenko-Pastur; Gavish & Donoho 2014)
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.noise import Noise
from spaxel.cube.sampling import Sample

FAR = 100.0  # times the variance, or a hundredth of it, from which it is plainly wrong
RAISED = 1.25  # times the variance that the data must show at least, from which on it is taken so many times
NEGATIVE, ZERO = 0.01, 0.9  # share of the variances from which on all of it is doubted
FEWEST_PAIRS, COMPARED = 10, 2000  # pairs of neighbours that are looked at
LOOKED_AT = 600  # spectra whose singular values are looked at
QUIETEST = 1e-4  # of the median variance: no channel counts as less noisy
SILENT = "Option variance=none leaves it aside without a word."


class Belief(NamedTuple):
    """used : whether the variance is      sentence : what is used, or why it is not, "" where there is none

    level : of the noise that the data show at least, in that of the file
    """

    used: bool = False
    sentence: str = ""
    level: float = float("nan")


def known_noise(sample: Sample) -> tuple[Sample, Belief]:
    """The sample with the noise that is to be used, positive and finite in each channel and spectrum, or without.

    Where the data show more noise than the variance says (values that were resampled, say), it is raised to that.
    """
    if sample.noise is None:
        return sample, Belief()
    if why := _told_wrong(sample.noise):
        return sample._replace(noise=None), Belief(sentence=f"The variance of the file is not used: {why}. {SILENT}")
    noise = _whole(sample.noise)
    most, least = at_most(sample, noise), at_least(sample, noise)
    if why := _far_off(most, least):
        belief = Belief(sentence=f"The variance of the file is not used: {why}. {SILENT}", level=least)
        return sample._replace(noise=None), belief
    raised = least if least > RAISED else 1.0
    noise = Noise(noise.channel * raised, noise.row * raised)
    return sample._replace(noise=noise), Belief(True, _sentence(noise, least, raised), least)


def say_unbelieved(belief: Belief) -> None:
    """A UserWarning where there is a variance that is not used."""
    if belief.sentence and not belief.used:
        warnings.warn(belief.sentence, UserWarning, stacklevel=3)


def said_of_noise(belief: Belief, used_for: list[str]) -> dict[str, Any]:
    """What `info_` says of the noise: {known_noise: {sentence, level, used_for}}, {} for a cube without a variance."""
    if not belief.sentence:
        return {}
    used_for = used_for if belief.used else []
    words = f" It is used for {', '.join(used_for)}." if used_for else ""
    words = words or (" No step of this fit uses it." if belief.used else "")
    level = None if np.isnan(belief.level) else belief.level
    return {"known_noise": {"sentence": belief.sentence + words, "level": level, "used_for": used_for}}


def of_noise(sample: Sample) -> list[np.ndarray]:
    """The arrays by which a training knows which noise it was told; none without."""
    return [] if sample.noise is None else [sample.noise.channel, sample.noise.row]


def at_most(sample: Sample, noise: Noise) -> float:
    """How much noise there can be, in that of the variance: the median over the channels, the lowest tenth of a table."""
    if len(sample.pairs) >= FEWEST_PAIRS:
        some = sample._replace(pairs=sample.pairs[:: max(1, len(sample.pairs) // COMPARED)])
        seen, share = (some.differences() ** 2).mean(0)[: len(noise.channel)] / 2, 0.5
    else:
        spectra = sample.spectra[:: max(1, len(sample.spectra) // COMPARED), : len(noise.channel)]
        seen, share = np.nanvar(spectra.astype(np.float64), axis=0), 0.1
    return float(np.nanquantile(seen / noise.channel, share)) if len(sample.spectra) > 1 else float("nan")


def at_least(sample: Sample, noise: Noise) -> float:
    """How much noise there must be, in that of the variance; nan where there are too few spectra or channels to tell."""
    step = max(1, len(sample.spectra) // LOOKED_AT)
    spectra = sample.spectra[::step, : len(noise.channel)].astype(np.float64)
    row = noise.row[::step]
    n, d = spectra.shape
    if min(n, d) < 8 or not np.isfinite(spectra).all():
        return float("nan")
    even = (spectra - spectra.mean(0)) / np.sqrt(noise.channel) / np.sqrt(row / noise.row.mean())[:, None]
    gram = even @ even.T if n < d else even.T @ even
    values = np.maximum(np.linalg.eigvalsh(gram), 0)
    return float(np.median(values) / (max(n, d) * _median_of_noise(min(n, d) / max(n, d))))


def _median_of_noise(beta: float) -> float:
    """Median squared singular value of white noise over the larger side: (λ / ω)² of Gavish & Donoho 2014."""
    known = np.sqrt(2 * (beta + 1) + 8 * beta / (beta + 1 + np.sqrt(beta**2 + 14 * beta + 1)))
    return float((known / (0.56 * beta**3 - 0.95 * beta**2 + 1.82 * beta + 1.43)) ** 2)


def _told_wrong(noise: Noise) -> str:
    if noise.zero > ZERO:
        return "it is zero everywhere" if noise.zero == 1 else f"it is zero in {noise.zero:.0%} of the values"
    if noise.negative > NEGATIVE:
        return f"it is negative in {noise.negative:.0%} of the values"
    if not np.isfinite(noise.channel).any() or not np.isfinite(noise.row).any():
        return "it holds no finite number"
    return ""


def _far_off(most: float, least: float) -> str:
    if most < 1 / FAR:
        return f"it is {1 / max(most, 1e-300):.3g} times larger than what differs between pixels, noise included"
    if least > FAR:
        return f"spectra scatter {least:.3g} times as much, apart from all that they have in common"
    return ""


def _whole(noise: Noise) -> Noise:
    middle = np.nanmedian(noise.channel)
    channel = np.maximum(np.where(np.isfinite(noise.channel), noise.channel, middle), QUIETEST * middle)
    return Noise(channel, np.where(np.isfinite(noise.row), noise.row, np.nanmedian(noise.row)))


def _sentence(noise: Noise, least: float, raised: float) -> str:
    low, high = np.sqrt(np.quantile(noise.channel, [0.1, 0.9]))
    shown = "" if np.isnan(least) else f"; the data show {least:.2g} times as much at least"
    taken = f", which is what is used ({raised:.2g} times the variance)" if raised > 1 else ""
    return (
        f"Noise: from the file's variance (standard deviation {low:.3g} to {high:.3g} in most channels{shown}{taken}). "
        "Option variance=none leaves it aside."
    )
