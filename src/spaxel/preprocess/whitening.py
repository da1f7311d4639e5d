"""The noise covariance of spectra, and what makes it even: by their variance, by what neighbours differ by, by both."""

from __future__ import annotations

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.errors import ParameterError

SHRINKAGE = 0.05  # share of the diagonal in the noise covariance
FEWEST_PAIRS = 10  # of neighbouring pixels, below which `mnf` does not see the noise
SMOOTH, ROUNDS = 0.9, 5  # share of the differences of neighbours taken for noise, and how often it is found again
SHARED = 0.375  # exponent of what neighbours show beyond the known noise; 0.5 believes all of it, 0 nothing
OFTEN = 0.5  # share of neighbours that differ in a channel, above which differences are told in units of its noise
TINY = 1e-12
WIDEST = 8192  # channels: the matrix then holds half a gibibyte


def whitener(sample: Sample) -> np.ndarray:
    """N^(-1/2) for the noise covariance N of one spectrum, so far as it is known: by its variance, by neighbours, by both.

    By both it is a geometric mean D^(1/2) E^(3/4) D^(1/2) of the variance D and of what neighbours show, E in its units and
    nowhere less. Neighbours also see what differs between them besides: all of it counted costs ARI where light is uneven,
    none of it where materials mix (benchmarks/known_noise.py).
    """
    known, pairs, channels = sample.noise, len(sample.pairs), sample.spectra.shape[1]
    if channels > WIDEST:
        raise ParameterError(
            f"mnf whitens by a matrix of {channels} x {channels} channels, which is {8 * channels**2 / 2**30:.0f} GiB; up to "
            f"{WIDEST} can be. Try to rebin channels, or another scaling or method."
        )
    if known is None:
        return _inverse_root(_still(sample.differences()))
    sigma = np.sqrt(known.channel)
    if pairs < FEWEST_PAIRS:
        return np.diag(1 / sigma)
    still = _still(sample.differences()) / sigma
    values, vectors = np.linalg.eigh(still.T @ still / (2 * len(still)))
    return (vectors / np.maximum(values, 1.0) ** SHARED / sigma[:, None]) @ vectors.T


def _still(differences: np.ndarray) -> np.ndarray:
    """Differences of neighbours (m, channel) without those that are edges of the scene.

    A tenth of the differences is left out, as edges of the scene: those that are largest, first as they are and then, found
    again a few times, in units of the noise that the others show. N is shrunk towards its diagonal. Only channels in which
    most neighbours differ tell edges in these units: one of rare photons would lose them all, and its noise would be none.
    """
    if len(differences) < FEWEST_PAIRS:
        raise ParameterError(
            "mnf needs neighbouring pixels, or the variance of the file, to see the noise; this cube has too few. Try zscore."
        )
    differences = differences.astype(np.float64)
    kept = _smooth(differences)
    telling = np.compress((differences != 0).mean(0) > OFTEN, differences, axis=1)
    for _ in range(ROUNDS if telling.size else 0):
        kept = _smooth(telling @ _inverse_root(telling[kept]))
    return differences[kept]


def _smooth(differences: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(differences, axis=1)
    return size <= np.quantile(size, SMOOTH)


def _inverse_root(differences: np.ndarray) -> np.ndarray:
    noise = differences.T @ differences / (2 * len(differences))
    largest = np.diag(noise).max()
    diagonal = np.diag(np.maximum(np.diag(noise), TINY * (largest if largest > 0 else TINY)))
    values, vectors = np.linalg.eigh((1 - SHRINKAGE) * noise + SHRINKAGE * diagonal)
    return (vectors / np.sqrt(np.maximum(values, TINY * values[-1]))) @ vectors.T
