"""Confidence as a margin between centres: at one level, at many of a tree in one pass, at levels that are no cut of it."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spaxel.results.parts import alike
from spaxel.results.trees import cut_tree


class Ladder(NamedTuple):
    """The upper part of a tree, from its finest level that gets a confidence up to one component, as lookups.

    levels : (l,) that get a confidence, at most k
    order, starts : the micro-clusters sorted by component at level k (m,), and where each of these begins (k,)
    merges : (k - 1, 2) the two nodes of each merge; 0..k-1 are those components, k + i what merge i makes
    beside : (m, k - 1) which node a part leaves when the tree is gone down, from level 2 on; 2k - 1 if it is not concerned
    """

    levels: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    merges: np.ndarray
    beside: np.ndarray


def ladder(tree: np.ndarray, levels: np.ndarray) -> Ladder:
    """What `level_margins` needs to know of a tree (m - 1, 4) and some of its levels, in 1..m."""
    m, k = len(tree) + 1, int(max(levels, default=1))
    finest = cut_tree(tree, k)
    order, parts = np.argsort(finest, kind="stable"), [np.array([i]) for i in range(m)]
    merges, beside = np.zeros((k - 1, 2), int), np.full((m, k - 1), 2 * k - 1)
    node = dict(enumerate(finest))
    for step, (left, right) in enumerate(tree[:, :2].astype(int)):
        parts.append(np.concatenate([parts[left], parts[right]]))
        above = step - (m - k)
        node[m + step] = node[left] if above < 0 else k + above
        if above >= 0:
            merges[above] = node[left], node[right]
            beside[parts[left], k - 2 - above], beside[parts[right], k - 2 - above] = merges[above, ::-1]
    return Ladder(np.asarray(levels, int), order, np.searchsorted(finest[order], np.arange(k)), merges, beside)


class Apart(NamedTuple):
    """Levels that are no cut of the tree, as lookups.

    rows : (r,) their places among the levels      component : (r, m) of each micro-cluster
    order, starts : the micro-clusters sorted by what they are in at all of these levels (m,), where each such block begins (b,)
    blocks : (r, b) the component of each block
    """

    rows: np.ndarray
    component: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    blocks: np.ndarray


def apart_of(tree: np.ndarray, levels: np.ndarray, table: np.ndarray | None) -> Apart | None:
    """What `apart_margins` needs. table : (l, m) the component of each micro-cluster at each level; None: all are cuts."""
    if table is None:
        return None
    rows = [i for i, level in enumerate(levels) if not alike(table[i], cut_tree(tree, int(level)))]
    if not rows:
        return None
    component = table[rows]
    order = np.lexsort(component[::-1])
    sorted_ = component[:, order]
    starts = np.append(0, 1 + np.flatnonzero((sorted_[:, 1:] != sorted_[:, :-1]).any(0)))
    return Apart(np.array(rows), component, order, starts, sorted_[:, starts])


def apart_margins(far: np.ndarray, micro: np.ndarray, apart: Apart) -> np.ndarray:
    """`margins` at these levels, (n, r). far : (n, m) distances      micro : (n,) the nearest centre"""
    here = np.arange(len(far))
    least = np.minimum.reduceat(far.T[apart.order], apart.starts, axis=0)
    first, second = far[here, micro], np.empty((len(apart.rows), len(far)))
    for blocks, component, row in zip(apart.blocks, apart.component, second, strict=True):
        order = np.argsort(blocks, kind="stable")
        each = np.minimum.reduceat(least[order], np.searchsorted(blocks[order], np.arange(blocks.max() + 1)), axis=0)
        each[component[micro], here] = np.inf
        each.min(0, out=row)
    return _ratio(first, second).T


def margins(far: np.ndarray, component: np.ndarray) -> np.ndarray:
    """1 - d1 / d2: d1 to the nearest centre, d2 to the nearest one of another component; 1 if there is none.

    far : (n, m) distances      component : (m,)      returns : (n,) in 0..1
    """
    if component.max() < 1:
        return np.ones(len(far))
    first, second = np.partition(nearest_of_each(far, component), 1, axis=1)[:, :2].T
    return _ratio(first, second)


def nearest_of_each(far: np.ndarray, component: np.ndarray) -> np.ndarray:
    """Distance to the nearest centre of each component, (n, component). far : (n, m)      component : (m,)"""
    return np.stack([far[:, component == k].min(1) for k in range(component.max() + 1)], axis=1)


def level_margins(far: np.ndarray, micro: np.ndarray, rungs: Ladder) -> np.ndarray:
    """`margins` at the levels of a ladder, (n, level).

    Going down the tree, the component of a spectrum sheds other components; d2 is the least distance to what it has shed.
    far : (n, m) distances      micro : (n,) the nearest centre
    """
    if not len(rungs.levels):
        return np.zeros((len(far), 0))
    n, k = len(far), len(rungs.starts)
    least = np.empty((2 * k, n))
    np.minimum.reduceat(far.T[rungs.order], rungs.starts, axis=0, out=least[:k])
    least[-1] = np.inf
    for i, (left, right) in enumerate(rungs.merges):
        np.minimum(least[left], least[right], out=least[k + i])
    second = np.full((k, n), np.inf)
    np.take(least, rungs.beside[micro].T * n + np.arange(n), out=second[1:], mode="clip")
    for above, here in pairwise(second):  # faster than np.minimum.accumulate along the first axis
        np.minimum(above, here, out=here)
    return _ratio(least[2 * k - 2], second[rungs.levels - 1]).T


def _ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.where(second > 0, 1 - first / np.maximum(second, 1e-300), 0.0)
