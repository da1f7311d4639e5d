"""How micro-clusters are merged into a tree: by their spectra, by neighbours in score space, by neighbours in the image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans as Lloyd

from spaxel.linear.silhouettes import distances
from spaxel.results.cut import centroid_tree, component_table, connectivity_tree, contact_tree, tree_through

NONE = np.zeros(0)
NEAR = 11  # spectra, itself included, whose links count for connectivity


class Parts(NamedTuple):
    """Micro-clusters of a sample.

    scores : (n, d)      micro : (n,) the part of each      centers : (m, d)
    neighbours : (p, 2) parts of neighbouring pixels, p = 0 for a table      pairs : (p, 2, d) their scores
    windows, good : (w, side, side, d) scores of small windows, and which of their pixels hold data; w = 0 where there are none
    """

    scores: np.ndarray
    micro: np.ndarray
    centers: np.ndarray
    neighbours: np.ndarray
    pairs: np.ndarray = NONE.reshape(0, 2, 0)
    windows: np.ndarray = NONE.reshape(0, 0, 0, 0)
    good: np.ndarray = NONE.reshape(0, 0, 0)

    @property
    def sizes(self) -> np.ndarray:
        """How many spectra each part has, (m,)."""
        return np.bincount(self.micro, minlength=len(self.centers))

    @property
    def windows_micro(self) -> np.ndarray:
        """The part of each pixel of the windows, (w, side, side)."""
        flat = self.windows.reshape(-1, self.centers.shape[1])
        return distances(flat, self.centers).argmin(1).reshape(self.good.shape)

    @property
    def contact(self) -> np.ndarray:
        """(m, m) counts of neighbouring pixels, the left one in the part of the row."""
        counts = np.zeros((len(self.centers), len(self.centers)))
        np.add.at(counts, tuple(self.neighbours.T), 1)
        return counts


class Linkage(NamedTuple):
    """How parts are merged.

    build  : parts -> tree (m - 1, 4), see spaxel.results.trees
    refine : (parts, tree, level, seed) -> tree, once the level is known; None: the tree stays as it is
    rare   : the number of components may be higher than the checks agree on, see `weigh`
    """

    build: Callable[[Parts], np.ndarray]
    refine: Callable[[Parts, np.ndarray, int, int], np.ndarray] | None = None
    rare: bool = False


def by_centroid(parts: Parts) -> np.ndarray:
    """The two whose centres are nearest merge first."""
    return centroid_tree(parts.centers, parts.sizes)


def by_contact(parts: Parts) -> np.ndarray:
    """The two with most of their borders in common merge first."""
    return contact_tree(parts.centers, parts.sizes, parts.contact)


def by_connectivity(parts: Parts) -> np.ndarray:
    """The two whose spectra are most often near to each other merge first."""
    from sklearn.neighbors import NearestNeighbors  # slow to import, and for this linkage alone

    scores, micro = parts.scores, parts.micro
    near = NearestNeighbors(n_neighbors=min(NEAR, len(scores))).fit(scores).kneighbors(return_distance=False)
    links = np.zeros((len(parts.centers), len(parts.centers)))
    np.add.at(links, (np.repeat(micro, near.shape[1]), micro[near].ravel()), 1)
    return connectivity_tree(links, parts.sizes)


def refined(parts: Parts, tree: np.ndarray, level: int, seed: int, *, contact: bool = False) -> np.ndarray:
    """The tree rebuilt through k-means at the chosen level, started from its components.

    contact : both halves are contact trees, else centroid trees
    On simulated worlds this lifts the mean ARI at the true number from 0.83 to 0.87 and from 0.80 to 0.82.
    """
    centers, sizes = parts.centers, parts.sizes
    if not 1 < level < len(centers):
        return tree
    component, _ = component_table(tree, sizes, level)
    share = (component == np.arange(level)[:, None]) * sizes
    start = share @ centers / share.sum(1, keepdims=True)
    fit = Lloyd(level, init=start, n_init=1, max_iter=1000, random_state=seed).fit(parts.scores)
    component = distances(centers, fit.cluster_centers_).argmin(1)
    if len(np.unique(component)) < level:
        return tree
    return tree_through(centers, sizes, component, parts.contact if contact else None)


LINKAGES = {  # of methods that make their micro-clusters by k-means
    "centroid": Linkage(by_centroid, refined),
    "contact": Linkage(by_contact, partial(refined, contact=True)),
    "connectivity": Linkage(by_connectivity),
}
