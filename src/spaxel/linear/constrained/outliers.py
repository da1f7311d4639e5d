"""Which samples belong to the mixtures at all: those near the subspace that most of them share."""

from __future__ import annotations

import numpy as np

SUBSETS = 40  # of samples, among which one without outliers is looked for
KEPT = 0.75  # of the samples, that a subspace must explain
FAR = 4.0  # median residuals from which a sample does not count at all
POWERS = (0.0, 0.5, 1.0)  # of the norm, with which a residual may grow


def sample_trust(X: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """Weight of each sample, (n,): 1 near the subspace of rank k, 0 where the residual is four times the median or more.

    X : (n, channel) finite      seed : of the subsets
    Of subspaces through random subsets the one that explains the best three quarters best (least trimmed squares, Rousseeuw
    1984), concentrated, then bisquare weights until they settle. Residuals are compared at the power of the norm at which
    they spread least. A sample inside the subspace is no outlier, however pure. Fails with more than a quarter of outliers,
    with fewer than about 4 k samples, and on outliers that are alike: these are a component.
    """
    n = len(X)
    if n < 2 * k + 2:
        return np.ones(n)
    kept, rng = max(int(KEPT * n), min(n, 2 * k)), np.random.default_rng([seed, 12])
    lit = np.nonzero(X.any(1))[0]
    size = min(max(2 * k, k + 3), len(lit))
    found = []
    for _ in range(SUBSETS):
        rest = _residual(X, X[np.sort(rng.permutation(lit)[:size])], k)
        found.append((float(np.sort(rest)[:kept].sum()), rest))
    rest = min(found, key=lambda one: one[0])[1]
    for _ in range(10):
        rest = _residual(X, X[np.argsort(rest, kind="stable")[:kept]], k)
    trust = _bisquare(X, rest)
    for _ in range(20):
        last, trust = trust, _bisquare(X, _residual(X, X * np.sqrt(trust)[:, None], k))
        if np.abs(trust - last).max() < 1e-3:
            break
    return trust


def _residual(X: np.ndarray, part: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each sample from the k leading directions of a part."""
    basis = np.linalg.svd(part, full_matrices=False)[2][:k]
    return ((X - (X @ basis.T) @ basis) ** 2).sum(1)


def _bisquare(X: np.ndarray, rest: np.ndarray) -> np.ndarray:
    norm, distance = np.linalg.norm(X, axis=1), np.sqrt(rest)
    known = (norm > 0) & (distance > 1e-12 * np.maximum(norm, 1e-300))
    if known.sum() < 2:
        return np.ones(len(X))
    ratios = []
    for power in POWERS:
        ratio = np.zeros(len(X))
        ratio[known] = distance[known] / norm[known] ** power
        ratio /= np.median(ratio[known])
        spread = np.median(np.abs(np.log(ratio[known])))
        ratios.append((spread, power, ratio))
    ratio = min(ratios, key=lambda one: one[:2])[2]
    return np.maximum(1 - (ratio / FAR) ** 2, 0.0) ** 2
