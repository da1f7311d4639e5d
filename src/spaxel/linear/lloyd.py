"""k-means of scikit-learn whose restarts are told (spaxel.pace), with the same bits as without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus

from spaxel.pace import tell


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
