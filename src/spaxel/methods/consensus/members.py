"""The members of a consensus: labelings of the same spectra by different scalings and distances, each linear in the scores."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spaxel.linear.lloyd import growing, lloyd
from spaxel.methods.consensus.surroundings import FEWEST, nearby, within

METRICS = ((3, 0.5), (3, 0.1), (6, 0.5))  # (pixels apart, floor) of the near-by metrics
STEPS, SETTLED = 60, 1e-6  # of the mixture: at most, and the change of the shares at which it has settled
RIDGE = 1e-4  # of the mean variance, added to the covariance of the mixture
TINY = 1e-200  # where all spectra are one
COMPARED = 4000  # spectra on which members are compared
ALIKE = 0.95  # adjusted Rand index, from which on two labelings are one


class Member(NamedTuple):
    """Label = argmax_k z' · weight[:, k] + bias[k]. weight : (d, k)   bias : (k,)   share : of one vote, see `ties`."""

    weight: np.ndarray
    bias: np.ndarray
    share: float = 1.0

    def labels(self, z: np.ndarray) -> np.ndarray:
        """Labels (n,) of scores (n, d)."""
        return (z @ self.weight + self.bias).argmax(1)


def members_of(z: np.ndarray, apart: dict[int, np.ndarray], k: int, n_init: int, seed: int) -> list[Member]:
    """Labelings of scores by one scaling: plain k-means, k-means with near-by metrics, a mixture of one covariance.

    z : (n, d)      apart : {pixels: differences (m, d) of pixels so far apart}; without neighbours there are two members
    """
    found = [_nearest(z, metric, k, n_init, seed + i) for i, metric in enumerate(metrics_of(z, apart))]
    start = found[1] if len(found) > 1 else found[0]
    return [*found, _mixture(z, start.labels(z), k)]


def metrics_of(z: np.ndarray, apart: dict[int, np.ndarray]) -> list[np.ndarray]:
    """The metrics (d, d) in which members are k-means: the plain one, and those near by where neighbours are known."""
    near = [nearby(within(apart[far]), floor) for far, floor in METRICS if len(apart.get(far, ())) >= FEWEST]
    return [np.eye(z.shape[1]), *near]


def members_at_each(
    z: np.ndarray, apart: dict[int, np.ndarray], most: int, seed: int, rows: np.ndarray
) -> dict[int, list[Member]]:
    """The same at 2, 3, …, most components, one after the other, which costs a fraction; fewer where spectra are few.

    rows : of the scores that are looked at closely, see `growing`
    """
    metrics = metrics_of(z, apart)
    first = growing(z, most, seed, rows)
    plain = {k: linear(metrics[0], centers).labels(z[rows]) for k, centers in first.items()}
    grown = [first, *(growing(z @ metric, most, seed + i, rows, plain) for i, metric in enumerate(metrics[1:], 1))]
    found = {}
    for k in range(2, min(max(each, default=1) for each in grown) + 1):
        members = [linear(metric, each[k]) for metric, each in zip(metrics, grown, strict=True)]
        start = members[1] if len(members) > 1 else members[0]
        found[k] = [*members, _mixture(z[rows], start.labels(z[rows]), k)]
    return found


def _nearest(z: np.ndarray, metric: np.ndarray, k: int, n_init: int, seed: int) -> Member:
    """k-means of z @ metric, as a linear rule: the nearest centre c is where z · M c - |c|²/2 is largest."""
    scaled = z @ metric
    k = min(k, len(np.unique(scaled, axis=0)))
    return linear(metric, lloyd(scaled, k, n_init, seed, told=str).cluster_centers_)


def linear(metric: np.ndarray, centers: np.ndarray, share: float = 1.0) -> Member:
    """The nearest of these centres of z @ metric."""
    return Member(metric @ centers.T, -(centers**2).sum(1) / 2, share)


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

    labels : of each member, (n,)      copies : (m,) how often each counts, less than once where a vote is shared
    """
    chosen = np.random.default_rng([seed, 24]).permutation(len(labels[0]))[:COMPARED]
    some = [own[chosen] for own in labels]
    ari, own = rand_indices(some, some), np.minimum(copies, 1)
    mean = (ari @ copies - own) / np.maximum(copies.sum() - own, 1)
    weight = copies * np.maximum(mean, 0) ** 2
    total = weight.sum()
    return (weight * copies.sum() / total if total > 0 else copies.astype(float)), mean


def distinct(labels: list[np.ndarray], order: Iterable[int]) -> list[int]:
    """Which of these labelings (n,), gone through in this order, are unlike all before."""
    kept: list[int] = []
    alike = rand_indices(labels, labels)
    for i in order:
        if all(alike[i, j] < ALIKE for j in kept):
            kept.append(int(i))
    return kept


def rand_indices(some: list[np.ndarray], others: list[np.ndarray]) -> np.ndarray:
    """Adjusted Rand index (Hubert & Arabie 1985) of each labeling (n,) with each of the others, (s, o): one product for all."""
    ones, twos = ([np.eye(int(own.max()) + 1)[own] for own in side] for side in (some, others))
    tables = np.concatenate(ones, axis=1).T @ np.concatenate(twos, axis=1)
    rows, columns = (np.append(0, np.cumsum([one.shape[1] for one in side])) for side in (ones, twos))
    return np.array(
        [[_rand(tables[a:b, c:d]) for c, d in pairwise(columns.tolist())] for a, b in pairwise(rows.tolist())]
    ).reshape(len(some), len(others))


def _rand(table: np.ndarray) -> float:
    """Of a table of counts, with the bits of scikit-learn."""
    n, squares = int(table.sum()), int((table**2).sum())
    both, one, other = squares - n, int((table.sum(1) ** 2).sum()) - squares, int((table.sum(0) ** 2).sum()) - squares
    neither = n * (n - 1) - both - one - other
    if one == 0 and other == 0:
        return 1.0
    return 2.0 * (both * neither - one * other) / ((both + one) * (one + neither) + (both + other) * (other + neither))
