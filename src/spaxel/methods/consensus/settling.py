"""The labeling on which members agree most: k-means of places from several starts, and the one nearest to all members."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans as Lloyd

from spaxel.methods.consensus.members import distinct, rand_indices

STARTS = 6  # members, no two alike, from which k-means is started, at most: those that count most
COMPARED = 2000  # spectra on which labelings are compared with members
ROUNDS = 100  # of k-means


def settled(
    scores: np.ndarray, labels: list[np.ndarray], weight: np.ndarray, k: int, n_init: int, seed: int
) -> np.ndarray:
    """Centres (k, d) of places (n, d): of k-means from several starts, the one whose labels agree most with the members'.

    labels : of each member, (n,)      weight : (m,) of members
    Starts are `n_init` of k-means++ and the labels of the members that count most. The least sum of squares does not decide:
    it likes components of equal size, and where members agree on a small one, a large one would be cut instead.
    """
    k = max(1, min(k, len(np.unique(scores, axis=0))))
    fits = [Lloyd(k, n_init=1, max_iter=ROUNDS, random_state=seed + i).fit(scores) for i in range(n_init)]
    some = np.random.default_rng([seed, 25]).permutation(len(scores))[:COMPARED]
    chosen = [own[some] for own in labels]
    for i in distinct(chosen, np.argsort(-weight, kind="stable"))[:STARTS]:
        if len(np.unique(labels[i])) == k:
            member = np.unique(labels[i], return_inverse=True)[1]
            start = np.stack([scores[member == j].mean(0) for j in range(k)])
            fits.append(Lloyd(k, init=start, n_init=1, max_iter=ROUNDS, random_state=seed).fit(scores))
    alike = rand_indices([fit.labels_[some] for fit in fits], chosen)
    agreed = [sum(w * own for w, own in zip(weight, row, strict=True)) for row in alike]
    return np.asarray(fits[int(np.argmax(agreed))].cluster_centers_)
