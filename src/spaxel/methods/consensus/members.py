"""The members of a consensus: labelings of the same spectra by different scalings and distances, each linear in the scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.metrics import adjusted_rand_score

from spaxel.linear.lloyd import lloyd
from spaxel.methods.consensus.surroundings import FEWEST, nearby, within

METRICS = ((3, 0.5), (3, 0.1), (6, 0.5))  # (pixels apart, floor) of the near-by metrics
STEPS, SETTLED = 60, 1e-6  # of the mixture: at most, and the change of the shares at which it has settled
RIDGE = 1e-4  # of the mean variance, added to the covariance of the mixture
TINY = 1e-200  # where all spectra are one
COMPARED = 4000  # spectra on which members are compared


class Member(NamedTuple):
    """Label = argmax_k z' · weight[:, k] + bias[k]. weight : (d, k)   bias : (k,)."""

    weight: np.ndarray
    bias: np.ndarray

    def labels(self, z: np.ndarray) -> np.ndarray:
        """Labels (n,) of scores (n, d)."""
        return (z @ self.weight + self.bias).argmax(1)


def members_of(z: np.ndarray, apart: dict[int, np.ndarray], k: int, n_init: int, seed: int) -> list[Member]:
    """Labelings of scores by one scaling: plain k-means, k-means with near-by metrics, a mixture of one covariance.

    z : (n, d)      apart : {pixels: differences (m, d) of pixels so far apart}; without neighbours there are two members
    """
    first = _nearest(z, np.eye(z.shape[1]), k, n_init, seed)
    found = [first]
    for i, (far, floor) in enumerate(METRICS):
        if far in apart and len(apart[far]) >= FEWEST:
            found.append(_nearest(z, nearby(within(apart[far]), floor), k, n_init, seed + i + 1))
    start = found[1] if len(found) > 1 else first
    return [*found, _mixture(z, start.labels(z), k)]


def _nearest(z: np.ndarray, metric: np.ndarray, k: int, n_init: int, seed: int) -> Member:
    """k-means of z @ metric, as a linear rule: the nearest centre c is where z · M c - |c|²/2 is largest."""
    scaled = z @ metric
    k = min(k, len(np.unique(scaled, axis=0)))
    centers = lloyd(scaled, k, n_init, seed, told=str).cluster_centers_
    return Member(metric @ centers.T, -(centers**2).sum(1) / 2)


def _mixture(z: np.ndarray, labels: np.ndarray, k: int) -> Member:
    """A Gaussian mixture with one covariance for all (Dempster et al. 1977), from these labels: linear discriminants."""
    k = int(labels.max()) + 1
    share = np.eye(k)[labels]
    ridge = max(RIDGE * float(z.var(0).mean()), 1e-12 * float((z**2).mean()), TINY) * np.eye(z.shape[1])
    square = z.T @ z
    weight, bias = np.zeros((z.shape[1], k)), np.zeros(k)
    for _ in range(STEPS):
        size = np.maximum(share.sum(0), 1e-9)
        means = (share.T @ z) / size[:, None]
        spread = (square - (means * size[:, None]).T @ means) / len(z) + ridge
        weight = np.linalg.solve(spread, means.T)
        bias = np.log(size / len(z)) - (means.T * weight).sum(0) / 2
        odds = z @ weight + bias
        odds -= odds.max(1, keepdims=True)
        before, share = share, np.exp(odds)
        share /= share.sum(1, keepdims=True)
        if np.abs(share - before).mean() < SETTLED:
            break
    return Member(weight, bias)


def agreement(labels: list[np.ndarray], copies: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(weights (m,), mean agreement (m,)) of members: w = max(mean ARI with the others, 0)², mean 1 over all copies.

    labels : of each member, (n,)      copies : (m,) how often each counts
    """
    chosen = np.random.default_rng([seed, 24]).permutation(len(labels[0]))[:COMPARED]
    some, m = [own[chosen] for own in labels], len(labels)
    ari = np.eye(m)
    for i in range(m):
        for j in range(i):
            ari[i, j] = ari[j, i] = adjusted_rand_score(some[i], some[j])
    mean = (ari @ copies - 1) / max(float(copies.sum()) - 1, 1)
    weight = copies * np.maximum(mean, 0) ** 2
    total = weight.sum()
    return (weight * copies.sum() / total if total > 0 else copies.astype(float)), mean
