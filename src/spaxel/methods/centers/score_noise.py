"""The noise of scores where that of the spectra is known: how they scatter when a spectrum is measured again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.preprocess.scaling import COUNTED, Scaling, divisor

MEASURED = 4000  # spectra that are measured again
TAIL = 0.99  # share of them, those that change least, from which the covariance is taken
TINY = 1e-300


class ScoreNoise(NamedTuple):
    """Covariance of the scores of a spectrum i by noise: level_i² cov. cov : (d, d)      level : (n,) of the sample"""

    cov: np.ndarray
    level: np.ndarray


def score_noise(
    embed: Callable[[np.ndarray], np.ndarray], read: Sample, channels: int, scaling: Scaling, seed: int
) -> ScoreNoise | None:
    """From spectra with more noise, as their variance says it: how far their scores move.

    embed : spectra as they are read -> scores (n, d)      read : the sample; its first `channels` columns are the spectra
    The level of a spectrum is √(its variance / the mean one) over what the scaling divides it by.
    None where the noise is not known, and for counts, whose noise is that of counts.
    """
    if read.noise is None or scaling.name in COUNTED:
        return None
    rng, noise = np.random.default_rng([seed, 12]), read.noise
    level = np.sqrt(noise.row / noise.row.mean()) / divisor(scaling.name, read.spectra[:, :channels])
    level = level / np.sqrt((level**2).mean())
    some = np.arange(0, len(level), max(1, len(level) // MEASURED))
    before = read.spectra[some].astype(np.float64)
    sigma = np.sqrt(noise.channel) * np.sqrt(noise.row[some] / noise.row.mean())[:, None]
    again = before.copy()
    again[:, :channels] += rng.normal(size=(len(some), channels)) * sigma
    moved = (embed(again) - embed(before)) / np.maximum(level[some], TINY)[:, None]
    size = (moved**2).sum(1)
    moved = moved[size <= np.quantile(size, TAIL)]
    return ScoreNoise(moved.T @ moved / len(moved), level)
