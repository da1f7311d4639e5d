"""How far a result is disputed: what k-means of other scalings puts together although the result tells it apart.

No scaling is right on all data, and a component that several of them tell from the others is seldom wrong.
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans as Lloyd

from spaxel.cube.sampling import Sample
from spaxel.linear.pca import fit_pca
from spaxel.methods.centers.groups import Groups
from spaxel.preprocess.scaling import fit_scaling

OTHERS = ("unit", "none", "zscore"), ("unit", "counts", "hellinger")  # scalings, for values and for photon counts
LOOKED = 1200  # spectra from which it is told
RESTARTS = 2


def disputes(spectra: np.ndarray, groups: Groups, seed: int, *, counts: bool) -> np.ndarray:
    """What a model keeps of it: (m, m) float32.

    spectra : (n, channel) that the groups are made of      counts : of photons
    Equation: D_ab = mean over scalings of Σ_l n_al n_bl / n_l, n_al the spectra of part a with label l of k-means in that
    scaling at the number of components of the result, n_l all with this label: of the spectra of part a, how many a scaling
    would put into part b if it drew one with the same label. Rows sum to the spectra of a part. Joining parts never makes
    them more disputed; levels of a tree that are finer than the result are disputed where they divide its components.
    """
    some = np.random.default_rng([seed, 29]).permutation(len(spectra))[:LOOKED]
    x, micro, m = np.asarray(spectra[some], np.float64), groups.micro[some], len(groups.centers)
    k, found = int(groups.component.max()) + 1, np.zeros((m, m))
    for name in OTHERS[counts]:
        scores, labels = _scores(name, x, seed), np.zeros(len(x), int)
        if 1 < k < len(np.unique(scores, axis=0)):
            labels = Lloyd(k, n_init=RESTARTS, random_state=seed).fit(scores).labels_
        found += together(micro, labels, m) / len(OTHERS[counts])
    return found.astype(np.float32)


def together(parts: np.ndarray, labels: np.ndarray, m: int) -> np.ndarray:
    """(m, m) Σ_l n_al n_bl / n_l of parts (n,) and labels (n,), see `disputes`."""
    table = np.zeros((m, int(labels.max()) + 1))
    np.add.at(table, (parts, labels), 1)
    return (table / np.maximum(table.sum(0), 1)) @ table.T


def _scores(name: str, spectra: np.ndarray, seed: int) -> np.ndarray:
    """Principal components (n, d) of spectra by one scaling."""
    rows = fit_scaling(name, Sample(spectra, np.zeros((0, 2, spectra.shape[1])), 1.0))(spectra)
    projection = fit_pca(rows, None, seed)
    return (rows - projection.mean) @ projection.basis
