"""Levels that are no cut of the tree: at each number, the finest parts grouped as the map told that number would have them.

A map of 6 is not a map of 5 with one component divided, so that no tree holds both. The finest parts do: almost every map of
few components is one of their groupings, whatever the number at which they were made (docs/notes/consensus.md).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.linkage import Parts
from spaxel.results.cut import component_tables

MOST = 12  # components, up to which levels are groupings of their own
LOOKED = 2000  # spectra that are labelled at each number
Labelings = Mapping[int, tuple[np.ndarray, np.ndarray]]  # {number: rows of the sample, their labels from 0 on}


def looked_at(n: int, seed: int) -> np.ndarray:
    """The rows of a sample of n spectra that are labelled at each number."""
    return np.random.default_rng([seed, 26]).permutation(n)[:LOOKED]


def level_table(
    parts: Parts, tree: np.ndarray, levels: np.ndarray, found: int, labelings: Labelings
) -> np.ndarray | None:
    """The component of each part at each level (l, m), largest first; None where every level is a cut of the tree.

    found : the level that stays the cut of the tree that it is
    """
    own = {k: grouped(parts, *labelings[k], k) for k in map(int, levels) if k in labelings and k != found}
    known = {k: owner for k, owner in own.items() if owner is not None}
    if not known:
        return None
    tables = component_tables(tree, parts.sizes, [int(k) for k in levels], known)
    return np.stack([tables[int(k)][0] for k in levels]).astype(np.int32)


def grouped(parts: Parts, rows: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray | None:
    """The label (m,) that most spectra of each part have, none of the k left without a part; None where that cannot be.

    rows, labels : spectra of the sample and what they are; a part without any takes the label of the nearest one that has some
    """
    m = len(parts.centers)
    table = np.zeros((m, k))
    np.add.at(table, (parts.micro[rows], labels), 1)
    seen = np.flatnonzero(table.sum(1))
    owner = table[seen].argmax(1)[distances(parts.centers, parts.centers[seen]).argmin(1)]
    for empty in np.setdiff1d(np.arange(k), owner):  # it has most of no part: it gets that of which it has most
        free = table[:, empty] * (np.bincount(owner, minlength=k)[owner] > 1)
        if not free.any():
            return None
        owner[free.argmax()] = empty
    return np.asarray(owner)
