"""Data that shine by themselves, in which brightness must not decide."""

from __future__ import annotations

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.preprocess.choice import Choice, Look
from spaxel.preprocess.scaling import norms

SKEW = 2.5  # of brightness, and
RISING = 0.3  # rank correlation of the differences of neighbours with it, above which data are light of sources
FEWEST = 100  # pairs of neighbours
TOGETHER = 512  # spectra whose brightness is worked out together
FLAT = 1e-9  # of the mean brightness: less varies by rounding
FAINT = {"unit_bright": 3, "unit": 1}  # scalings of members for such data, and how often each counts
BRIGHT = {"asinh": 1}  # the same where the middle spectrum holds more than noise
SIGNAL = 1.5  # times the squares of noise, from which on those of the middle spectrum hold more


def shining(own: Sample, look: Look) -> bool:
    """Whether pixels are light of sources rather than lit: few hold most of the light, and these vary most.

    Chosen on simulated galaxies; no other world or scene that was looked at has a skew above 2.
    """
    if look.counts or len(own.pairs) < FEWEST:
        return False
    norm = brightness(own.spectra)
    if norm.std() <= FLAT * norm.mean() or _skew(norm) <= SKEW:
        return False
    from scipy.stats import spearmanr

    apart = np.linalg.norm(own.differences(), axis=1)
    return bool(spearmanr(apart, brightness(own.pairs[:, 0]))[0] > RISING)


def brightness(spectra: np.ndarray) -> np.ndarray:
    """Norms (n,) of spectra (n, channel), without all of them in double precision at once."""
    parts = (spectra[i : i + TOGETHER].astype(np.float64) for i in range(0, max(len(spectra), 1), TOGETHER))
    return np.concatenate([np.linalg.norm(part, axis=1) for part in parts])


def _skew(values: np.ndarray) -> float:
    apart = values - values.mean()
    return float((apart**3).mean() / (apart**2).mean() ** 1.5)


def for_sources(choice: Choice, own: Sample) -> tuple[Choice, dict[str, int]]:
    """The choice of a scaling where brightness must not decide, and how often the members of each scaling count.

    Spectra of norm 1 are best where most pixels are nearly all noise. With less noise they spread what is faint over more
    room than all sources have; arsinh keeps it small.
    """
    copies = BRIGHT if _signal(own) > SIGNAL else FAINT
    name = next(iter(copies))
    sentence = (
        f"Scaling {name}: a few bright pixels hold most of the light and differ most from their neighbours, as where light "
        "comes from sources; brightness would hide the shapes of spectra. Option scaling decides."
    )
    return Choice(name, choice.scores, sentence), copies


def of_sources(copies: dict[str, int]) -> bool:
    """Whether these are the members for light of sources."""
    return copies is FAINT or copies is BRIGHT


def _signal(own: Sample) -> float:
    """Sum of squares of the middle spectrum over that of its noise, by differences of neighbours: 1 where there is no light."""
    noise = float(np.median(norms(own.differences()) ** 2)) / 2
    return float(np.median(brightness(own.spectra) ** 2)) / max(noise, 1e-300)
