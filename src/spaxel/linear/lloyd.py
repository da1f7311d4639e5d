"""k-means of scikit-learn whose restarts are told (spaxel.pace), with the same bits as without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus

from spaxel.pace import tell

TRIED = 128  # points that may become a new centre, of `growing`


def lloyd(
    scores: np.ndarray, k: int, n_init: int, seed: int, *, max_iter: int = 300, told: Callable[[int], Any] | None = None
) -> KMeans:
    """k-means++ with restarts, then Lloyd's steps: the fitted KMeans of scikit-learn with the least inertia.

    scores : (n, d)      told : called with the number of restarts that are done; if not given, they are told as "restarts"
    Sources: Lloyd 1982; Arthur & Vassilvitskii 2007. Fails, in the sense of a worse optimum, with too few restarts.
    """
    done = -1
    told = told or (lambda done: tell("restarts", done, n_init))

    def start(x: np.ndarray, k: int, random_state: np.random.RandomState) -> np.ndarray:
        nonlocal done
        done += 1
        told(done)
        return kmeans_plusplus(x, k, random_state=random_state)[0]

    found = KMeans(k, init=start, n_init=n_init, max_iter=max_iter, random_state=seed).fit(scores)
    told(n_init)
    return found


def growing(
    scores: np.ndarray, most: int, seed: int, rows: np.ndarray, labels: Mapping[int, np.ndarray] = MappingProxyType({})
) -> dict[int, np.ndarray]:
    """k-means at 2, 3, …, most: from the one before and the centre that lessens the sum of squares most, from k-means++, and
    from labels; that with the lowest sum of squares: {k: (k, d)}.

    scores : (n, d)      rows : of those that the runs see; all of them decide between the runs      labels : {k: of the rows}
    Equation: the new centre is argmax_c Σ_i max(d_i - |x_i - c|², 0), d_i the squared distance to the nearest centre so far.
    Source: Likas, Vlassis & Verbeek 2003 (fast global k-means). A few runs at each number find what many restarts find.
    Fails, in the sense of fewer numbers, where there are fewer different points.
    """
    some = scores[rows]
    tried = some[np.random.default_rng([seed, 29]).permutation(len(some))[:TRIED]]
    apart = _squares(some, tried)
    centers, found = some.mean(0, keepdims=True), {}
    for k in range(2, min(most, len(np.unique(some, axis=0))) + 1):
        gain = np.maximum(_squares(some, centers).min(1)[:, None] - apart, 0).sum(0)
        if not gain.max() > 0:
            break
        starts = [np.concatenate([centers, tried[gain.argmax()][None]]), "k-means++"]
        if k in labels and len(np.unique(labels[k])) == k:
            starts.append(np.stack([some[labels[k] == j].mean(0) for j in range(k)]))
        runs = [KMeans(k, init=start, n_init=1, random_state=seed + k).fit(some).cluster_centers_ for start in starts]
        found[k] = centers = min(runs, key=lambda run: float(_squares(scores, run).min(1).sum()))
    return found


def _squares(scores: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Squared distances (n, k)."""
    return np.maximum((scores**2).sum(1)[:, None] - 2 * scores @ centers.T + (centers**2).sum(1), 0)
