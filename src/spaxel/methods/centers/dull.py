"""Whether labels are brightness and little else: the sign by which whole maps were wrong most often on simulated worlds."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans as Lloyd
from sklearn.metrics import adjusted_rand_score

from spaxel.linear.pca import fit_pca
from spaxel.preprocess.scaling import scale_rows

BINS = 12  # of brightness, equally full
LOOKED = 1200  # spectra from which it is told
RESTARTS = 2


def dullness(spectra: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """0..1: the share of the labels (n,) of spectra (n, channel) that brightness tells, where shapes of spectra tell others.

    Equation: b (1 - max(A, 0)), b from `share_by_brightness`, A the adjusted Rand index of the labels with k-means of spectra
    of unit norm at the same number of components.
    """
    some = np.random.default_rng([seed, 27]).permutation(len(spectra))[:LOOKED]
    own, x = labels[some], np.asarray(spectra[some], np.float64)
    k = len(np.unique(own))
    norm = np.linalg.norm(x, axis=1)
    if k < 2 or norm.min() == norm.max():
        return 0.0
    rows = scale_rows("unit", x, np.zeros(1))
    projection = fit_pca(rows, None, seed)
    scores = (rows - projection.mean) @ projection.basis
    if len(np.unique(scores, axis=0)) <= k:
        return 0.0
    other = Lloyd(k, n_init=RESTARTS, random_state=seed).fit(scores).labels_
    return float(share_by_brightness(own, norm) * (1 - max(adjusted_rand_score(own, other), 0.0)))


def share_by_brightness(labels: np.ndarray, norm: np.ndarray) -> float:
    """Share of the entropy of labels (n,) that the brightness (n,) of spectra tells, 0..1: I(label; bin of norm) / H(label)."""
    edges = np.quantile(norm, np.linspace(0, 1, BINS + 1)[1:-1])
    table = np.zeros((int(labels.max()) + 1, BINS))
    np.add.at(table, (labels, np.searchsorted(edges, norm)), 1)
    own = _entropy(table.sum(1))
    return (own + _entropy(table.sum(0)) - _entropy(table.ravel())) / own if own > 0 else 0.0


def _entropy(counts: np.ndarray) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())
