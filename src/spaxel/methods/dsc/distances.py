"""What distances between latents count: little of what varies within a component, as far as that can be seen without a truth.

Principal components count all that varies alike: also the thickness of paint, shade, mixtures at borders. Pixels a few steps
apart are mostly of one component, and so are the members of a cluster; what varies between those should count little.
"""

from __future__ import annotations

import numpy as np

from spaxel.linear.lloyd import lloyd
from spaxel.linear.silhouettes import distances

BORDERS = 0.3  # share of the pairs, those that differ most, that are left out as crossing a border
FLOOR = 0.1  # of the mean variance between near pixels, added to each axis, so that none counts for being still
SHRINKAGE = 0.3  # of the covariance within clusters towards the same variance in all directions
ROUNDS = 15


def nearby(apart: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """A metric (d, d) from differences (m, d) of near pixels; scores (n, d) @ metric keep their variance in all.

    (N + 0.1 tr(N) / d)^(-1/2), N = mean of δ δᵀ / 2 over the 70 % smallest differences δ. The identity if all are equal.
    """
    size = (apart**2).sum(1)
    same = apart[size <= np.quantile(size, 1 - BORDERS)]
    near = same.T @ same / (2 * len(same))
    mean = np.trace(near) / len(near)
    if mean <= 1e-12 * float(scores.var(0).sum()):
        return np.eye(len(near))
    return _kept(_root(near + FLOOR * mean * np.eye(len(near))), scores)


def within(scores: np.ndarray, k: int, n_init: int, seed: int) -> np.ndarray:
    """A metric (d, d) from the spread of k clusters of scores (n, d): k-means whose distances learn from its clusters.

    S^(-1/2), S the pooled covariance within clusters, shrunk; assignment, means and S in turn. As a Gaussian mixture of one
    covariance, but with hard labels and equal weights. Fails where clusters are of very different shape.
    """
    k = min(k, len(np.unique(scores, axis=0)))
    labels = lloyd(scores, k, n_init, seed, told=str).labels_
    centers, metric, d = np.zeros((k, scores.shape[1])), np.eye(scores.shape[1]), scores.shape[1]
    for _ in range(ROUNDS):
        member = np.eye(k)[labels]
        size = member.sum(0)[:, None]
        centers = np.where(size > 0, (member.T @ scores) / np.maximum(size, 1), centers)
        rest = scores - centers[labels]
        spread = rest.T @ rest / len(rest)
        mean = np.trace(spread) / d
        if mean <= 1e-12 * float(scores.var(0).sum()):
            return np.eye(d)
        metric = _root((1 - SHRINKAGE) * spread + SHRINKAGE * mean * np.eye(d))
        before, labels = labels, distances(scores @ metric, centers @ metric).argmin(1)
        if (labels == before).all():
            break
    return _kept(metric, scores)


def _root(matrix: np.ndarray) -> np.ndarray:
    """matrix^(-1/2), symmetric."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors / np.sqrt(values)) @ vectors.T


def _kept(metric: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return metric * np.sqrt(scores.var(0).sum() / (scores @ metric).var(0).sum())
