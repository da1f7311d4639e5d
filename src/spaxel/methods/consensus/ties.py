"""Members that could as well be otherwise: where k-means has two optima that are nearly as good, the vote is shared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans as Lloyd

from spaxel.linear.silhouettes import distances
from spaxel.methods.consensus.members import ALIKE, TINY, Member, distinct, linear, rand_indices

LOOKED = 2000  # spectra on which labelings are compared and starts are tried
WORSE = 0.1  # part by which a sum of squares is higher where the vote is less by e
LEAST = 0.3  # of the vote of the best, below which an optimum has none
TOGETHER = 3  # optima that share a vote, at most
MOST = 1.2  # times the least sum of squares, above which an optimum has no vote
STEPS = 100


def shared(
    z: np.ndarray, metrics: list[np.ndarray], members: list[Member], others: list[np.ndarray], seed: int
) -> list[list[Member]]:
    """For each member of one scaling, if it is k-means, its optima and what share of its vote each has; else itself.

    z : (n, d) filtered scores      metrics : of the first members, which are k-means; those that follow stay as they are
    others : labels (n,) of members of all scalings, no two alike, from which each is started
    Equation: share ∝ exp(-(S / S₀ - 1) / 0.1), S the sum of squares of an optimum, S₀ the least of them.
    A seed decides which of two optima is the lower where they are near ties; so it would decide the map.
    Fails, in the sense of changing nothing, where no member found the other optimum.
    """
    some = np.random.default_rng([seed, 34]).permutation(len(z))[:LOOKED]
    found: list[list[Member]] = []
    for metric, member in zip(metrics, members, strict=False):
        own = member.labels(z)
        optima = _optima(z @ metric, own, others, some) if len(np.unique(own)) == len(member.bias) > 1 else []
        if len(optima) < 2:
            found.append([member])
            continue
        optima = sorted(optima, key=lambda one: one.sum)[:TOGETHER]
        share = np.exp((1 - np.array([one.sum for one in optima]) / max(optima[0].sum, TINY)) / WORSE)
        share = np.where(share < LEAST, 0, share) / share[share >= LEAST].sum()
        found.append(
            [linear(metric, one.centers, float(part)) for one, part in zip(optima, share, strict=True) if part]
        )
    return [*found, *([member] for member in members[len(metrics) :])]


def unlike(labels: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """Of labelings (n,), the first of all that are alike."""
    some = np.random.default_rng([seed, 34]).permutation(len(labels[0]))[:LOOKED]
    return [labels[i] for i in distinct([own[some] for own in labels], range(len(labels)))]


class _Optimum(NamedTuple):
    """sum : of squares, of the rows it was found on      centers : (k, d)      labels : of the rows that are compared."""

    sum: float
    centers: np.ndarray
    labels: np.ndarray


def _optima(x: np.ndarray, own: np.ndarray, starts: list[np.ndarray], some: np.ndarray) -> list[_Optimum]:
    """Optima of k-means of x (n, d), no two alike, that of the labels `own` (n,) first; the others begin at `starts`.

    They are tried on some rows; those that may have a share of the vote are then found on all.
    """
    k = int(own.max()) + 1
    first = _run(x, _middles(x, own, k), some)
    few, here = x[some], np.arange(len(some))
    least = float((distances(few, first.centers).min(1) ** 2).sum())
    found = [first]
    for labels in starts:
        if len(np.unique(labels[some])) == k:
            tried = _run(few, _middles(few, labels[some], k), here)
            if tried.sum <= MOST * least and _is_new(tried, found):
                whole = _run(x, tried.centers, some)
                found += [whole] if _is_new(whole, found) else []
    return found


def _run(x: np.ndarray, middles: np.ndarray, compared: np.ndarray) -> _Optimum:
    fit = Lloyd(len(middles), init=middles, n_init=1, max_iter=STEPS).fit(x)
    return _Optimum(float(fit.inertia_), fit.cluster_centers_, fit.labels_[compared])


def _middles(x: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    return np.stack([x[labels == j].mean(0) for j in range(k)])


def _is_new(one: _Optimum, known: list[_Optimum]) -> bool:
    return bool(rand_indices([one.labels], [other.labels for other in known]).max() < ALIKE)
