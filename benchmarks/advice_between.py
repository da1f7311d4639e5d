"""How many spectra lie between two components that are far apart: where it is many, they are mixtures and no groups."""

from __future__ import annotations

import numpy as np

from spaxel.linear.pca import fit_pca
from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.splits import FEWEST, neighbour_noise
from spaxel.preprocess.scaling import Scaling

LOOKED = 2000  # spectra from which it is told
APART = 8.0  # standard deviations of the noise by which two means are far apart
WAY = 0.25  # of the way from the nearest mean to the next, from which on a spectrum lies between
FLOOR = 1e-6  # of the mean variance, added to that of the noise


def between(spectra: np.ndarray, labels: np.ndarray, pairs: np.ndarray, scaling: Scaling, seed: int) -> float:
    """0..1: the share of spectra (n, channel) with labels (n,) that lie between their nearest two means, which are far apart.

    pairs : (p, 2, channel) of neighbouring pixels, whose differences are the noise; 0 where there are too few
    Equation: y = scaled spectra on their principal components, in units of the noise; between if (y - a)·(b - a) > 0.25 |b -
    a|² and |b - a| > 8, a and b the nearest two means of components. Groups with noise alone reach half the way, b / 2,
    only where they lie near each other.
    """
    if len(pairs) < FEWEST or len(np.unique(labels)) < 2:
        return 0.0
    some = np.random.default_rng([seed, 30]).permutation(len(spectra))[:LOOKED]
    rows = scaling(np.asarray(spectra[some], np.float64))
    projection = fit_pca(rows, None, seed)
    y = (rows - projection.mean) @ projection.basis
    beside = scaling(np.asarray(pairs.reshape(-1, pairs.shape[2]), np.float64)) @ projection.basis
    beside = beside.reshape(len(pairs), 2, -1)
    noise = neighbour_noise(beside[:, 0] - beside[:, 1])
    values, vectors = np.linalg.eigh(noise + FLOOR * max(float(y.var(0).mean()), 1e-300) * np.eye(y.shape[1]))
    y = y @ (vectors / np.sqrt(values))
    own = labels[some]
    means = np.stack([y[own == k].mean(0) for k in np.unique(own)])
    if len(means) < 2:
        return 0.0
    a, b = (means[k] for k in np.argsort(distances(y, means), axis=1, kind="stable")[:, :2].T)
    length = ((b - a) ** 2).sum(1)
    way = ((y - a) * (b - a)).sum(1) / np.maximum(length, 1e-300)
    return float(((way > WAY) & (length > APART**2)).mean())
