"""One tree whose levels are what k-means finds at each number, as far as nested levels can be.

k-means at 5 is not k-means at 6 with two components joined, so that no tree has both; `own_levels` has, for the maps of few
components. The tree says what is split or merged by hand, and what levels above those are. It passes through k-means at the
level that was found, and below and above it merges whatever leaves the next level most like k-means at its own number.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from sklearn.cluster import KMeans as Lloyd

from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.linkage import Parts, refined
from spaxel.methods.centers.own_levels import Labelings
from spaxel.pace import paced
from spaxel.results.cut import component_table

MOST = 24  # levels that are guided by k-means of their own
GUIDED = 2500  # spectra from which that is learned
RESTARTS = 4
Spaces = Sequence[tuple[float, np.ndarray]]
NEXT = 0.5  # how much less each coarser level counts than the one after it


def through_levels(parts: Parts, tree: np.ndarray, level: int, seed: int) -> np.ndarray:
    """The tree rebuilt through k-means started from its cut at the chosen level, and near k-means at all other levels."""
    whole = 1 < level < len(parts.centers)
    owner = component_table(refined(parts, tree, level, seed), parts.sizes, level)[0] if whole else None
    return tree_by_levels(parts, tree, owner, seed)


def tree_by_levels(
    parts: Parts, tree: np.ndarray, owner: np.ndarray | None, seed: int, spaces: Spaces = (),
    labelings: Labelings = MappingProxyType({}),
) -> np.ndarray:  # fmt: skip
    """A tree (m - 1, 4) near k-means at every number. tree : any, kept where there is nothing to learn from

    owner  : (m,) component of each part at a level that it passes through
    spaces : (weight, (n, d')) in which k-means is done at each number, all heard by weight; none: in the scores of the parts
    labelings : at some numbers, in place of k-means; then k-means at the others is that of the space of most weight alone
    Equation: of K + 1 groups those two are merged for which n_a n_b (2 M_ab - 1) is largest, which is how much the number of
    pairs of spectra (Rand 1971) grows on which level K and k-means agree; M_ab, the share of pairs that k-means puts
    together, is a mean over k-means at K, K - 1, … with weights 1, 1/2, ….
    """
    m = len(parts.centers)
    spaces = spaces or [(1.0, parts.scores)]
    guides = _guides(parts, [max(spaces, key=lambda space: space[0])] if labelings else spaces, seed, labelings)
    if not guides:
        return tree
    return _merged(guides, parts, np.zeros(m, int) if owner is None else owner)


def _some(scores: np.ndarray, seed: int) -> np.ndarray:
    """The spectra from which levels are learned; the same ones of each array of as many rows."""
    return scores[np.random.default_rng([seed, 26]).permutation(len(scores))[:GUIDED]]


def _guides(parts: Parts, spaces: Spaces, seed: int, labelings: Labelings) -> dict[int, np.ndarray]:
    """{number: (m, number of all components) share of each part in each component of k-means at that number}.

    Beside each other for all spaces, times the root of the weight of each.
    """
    m, total = len(parts.centers), sum(weight for weight, _ in spaces)
    place, found = _some(parts.micro, seed), {}
    some = [(weight / total, _some(scores, seed)) for weight, scores in spaces if weight > 0]
    most = min(MOST, m - 1, *(len(np.unique(scores, axis=0)) - 1 for _, scores in some))
    for k in paced(range(2, most + 1), "levels of the tree"):
        if k in labelings:
            rows, labels = labelings[k]
            found[k] = _shares(parts.micro[rows], labels, (m, k))
            continue
        tables = []
        for weight, scores in some:
            labels = Lloyd(k, n_init=RESTARTS, random_state=seed).fit(scores).labels_
            tables.append(np.sqrt(weight) * _shares(place, labels, (m, k)))
        found[k] = np.concatenate(tables, axis=1)
    return found


def _shares(place: np.ndarray, labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The share of each part in each component, (m, k). place, labels : (n,) the part and the component of spectra"""
    table = np.full(shape, 1e-6)  # nothing is known of parts that were not drawn
    np.add.at(table, (place, labels), 1)
    return np.asarray(table / table.sum(1, keepdims=True))


def owner_of(parts: Parts, middles: np.ndarray) -> np.ndarray:
    """Which of the components with these centres (k, d) has most spectra of each part, (m,).

    By the centres of the parts where a component would be left empty.
    """
    k = len(middles)
    table = np.zeros((len(parts.centers), k))
    np.add.at(table, (parts.micro, distances(parts.scores, middles).argmin(1)), 1)
    for owner in (table.argmax(1), distances(parts.centers, middles).argmin(1)):
        if len(np.unique(owner)) == k:
            return np.asarray(owner)
    return np.zeros(len(table), int)


def _merged(guides: dict[int, np.ndarray], parts: Parts, owner: np.ndarray) -> np.ndarray:
    """Merges inside each owner first, then of these. Groups live in the row of their first part."""
    m, sizes, centers = len(owner), np.maximum(parts.sizes.astype(float), 1e-9), parts.centers.astype(float).copy()
    tables = {k: share * sizes[:, None] for k, share in guides.items()}
    owner, alive, name, count = owner.copy(), np.arange(m), np.arange(m), np.ones(m)
    tree = np.zeros((m - 1, 4))
    for step in range(m - 1):
        gain = _gain(tables, sizes, alive)
        inside = np.where(owner[alive][:, None] == owner[alive], gain, -np.inf)
        inside, gain = (np.where(np.tri(len(alive), dtype=bool), -np.inf, values) for values in (inside, gain))
        best = inside if np.isfinite(inside).any() else gain
        a, b = alive[list(np.unravel_index(best.argmax(), best.shape))]
        tree[step] = name[a], name[b], np.linalg.norm(centers[a] - centers[b]), count[a] + count[b]
        centers[a] = (sizes[a] * centers[a] + sizes[b] * centers[b]) / (sizes[a] + sizes[b])
        for table in tables.values():
            table[a] += table[b]
        sizes[a], count[a], name[a] = sizes[a] + sizes[b], count[a] + count[b], m + step
        alive = alive[alive != b]
    tree[:, :2].sort(axis=1)
    tree[:, 2] = np.maximum.accumulate(tree[:, 2])
    return tree


def _gain(tables: dict[int, np.ndarray], sizes: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """How much each merge adds to the agreement with k-means at the next levels, (g, g)."""
    level = len(alive) - 1
    together, total = np.zeros((len(alive), len(alive))), 0.0
    for k in [k for k in tables if k <= level] or [min(tables)]:
        weight = NEXT ** max(level - k, 0) if level <= max(tables) else 1.0
        share = tables[k][alive] / sizes[alive, None]
        together, total = together + weight * (share @ share.T), total + weight
    return np.outer(sizes[alive], sizes[alive]) * (2 * together / total - 1)
