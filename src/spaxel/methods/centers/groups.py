"""From scores to groups: k-means with restarts, micro-clusters, a merge tree, evidence for the level. Shared by methods.

scores : (n, d), what is near in them is alike. Everything is deterministic: same scores and seed, same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans as Lloyd
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

from spaxel.methods.centers.assign import distances
from spaxel.methods.centers.evidence import COMPARED, Evidence, weigh
from spaxel.results.cut import centroid_tree, component_table, connectivity_tree, contact_tree, tree_through
from spaxel.results.trees import border_tree

Divide = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

PER_MICRO = 20  # spectra of the sample that each micro-cluster should have at least


class Rules(NamedTuple):
    """How groups are made; the parameters of the same names of a method."""

    linkage: str | None = None
    n_micro: int = 40
    max_clusters: int = 24
    n_init: int = 10
    random_state: int = 0


class Groups(NamedTuple):
    """centers : (m, d)   micro : (n,)   tree, component, color : see spaxel.results.cut   levels : with a confidence."""

    centers: np.ndarray
    micro: np.ndarray
    sizes: np.ndarray
    tree: np.ndarray
    component: np.ndarray
    color: np.ndarray
    levels: np.ndarray
    evidence: Evidence

    def arrays(self) -> dict[str, np.ndarray]:
        """What the state of a model keeps."""
        kept = {"centers": self.centers, "tree": self.tree, "component": self.component, "color": self.color}
        kept |= {"micro_size": self.sizes, "levels": self.levels}
        return kept | {f"evidence_{name}": curve for name, curve in self.evidence.curves.items()}


def find_groups(scores: np.ndarray, pairs: np.ndarray, number: int | None, rules: Rules) -> Groups:
    """Groups of scores. number : of components, None to find it      pairs : (m, 2, d) scores of neighbours, m may be 0."""
    centers, micro = _micro_parts(scores, number, rules)
    return groups_of(scores, micro, centers, pairs, number, rules, refined=True)


def groups_of(
    scores: np.ndarray, micro: np.ndarray, centers: np.ndarray, pairs: np.ndarray, number: int | None, rules: Rules,
    refined: bool = False, contact: np.ndarray | None = None, rare: float = 0.0, spectra: np.ndarray | None = None,
    divide: Divide | None = None,
) -> Groups:  # fmt: skip
    """Groups of micro-clusters that are known. micro : (n,) of scores      centers : (m, d)      pairs : as in `find_groups`

    refined : the tree is rebuilt through k-means at the level that is chosen
    contact : (m, m) counts of neighbouring pixels, if they are known better than by the pairs
    rare    : share of the spectra; smaller parts first join the nearest larger one (linkage contact or border)
    spectra, divide : (n, channel) not scaled, and a function of (tree, mean spectra of the parts, sizes, contact) -> tree that
                      gives mixed parts of a border to one side
    """
    sizes = np.bincount(micro, minlength=len(centers))
    neighbours = np.zeros((0, 2), int)
    if len(pairs):
        neighbours = distances(pairs.reshape(-1, pairs.shape[2]), centers).argmin(1).reshape(-1, 2)
    if contact is None:
        contact = np.zeros((len(centers), len(centers)))
        np.add.at(contact, tuple(neighbours.T), 1)
    tree = _tree(scores, centers, micro, sizes, contact, rules.linkage, rare)
    if spectra is not None and divide is not None:
        means = np.stack([spectra[micro == i].sum(0, dtype=np.float64) for i in range(len(centers))])
        tree = divide(tree, means / np.maximum(sizes, 1)[:, None], sizes, contact)
    evidence = _evidence(scores, micro, neighbours, tree, number, rules)
    if refined:
        tree = _refined(scores, centers, sizes, tree, evidence.level, contact, rules)
    component, color = component_table(tree, sizes, evidence.level)
    levels = _levels(len(centers), evidence, rules.max_clusters)
    return Groups(centers, micro, sizes, tree, component, color, levels, evidence)


def best_silhouette(scores: np.ndarray, low: int, high: int, rules: Rules) -> tuple[int, dict[int, float]]:
    """Iterative k-means: every number from low to high by converged k-means++ with restarts; the highest mean silhouette.

    The silhouette is that of at most 3000 spectra.     returns : the number, {number: silhouette}
    Fails, in the sense of taking too few, where groups lie in groups: silhouettes prefer coarse partitions.
    """
    rng = np.random.default_rng([rules.random_state, 3])
    chosen = rng.permutation(len(scores))[:COMPARED]
    most = len(np.unique(scores, axis=0))
    curve = {}
    for k in range(low, min(high, most - 1) + 1):
        labels = (
            Lloyd(k, n_init=rules.n_init, max_iter=1000, random_state=rules.random_state).fit(scores).labels_[chosen]
        )
        few = len(np.unique(labels)) < 2 or len(np.unique(labels)) >= len(labels)
        curve[k] = float("nan") if few else float(silhouette_score(scores[chosen], labels))
    known = {k: v for k, v in curve.items() if np.isfinite(v)}
    return (max(known, key=known.__getitem__) if known else min(low, most)), curve


def changed_share(one: Groups, other: Groups) -> float:
    """Share of spectra with another label, after the best matching of the components."""
    a, b = one.component[one.micro], other.component[other.micro]
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    return 1 - float(table[linear_sum_assignment(-table)].sum() / len(a))


def _micro_parts(scores: np.ndarray, number: int | None, rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """Centres (m, d), largest first, and the part of each spectrum (n,), from k-means++ with restarts."""
    wanted = number
    if number is None or rules.linkage is not None:
        wanted = max(number or 1, min(rules.n_micro, len(scores) // PER_MICRO))
    wanted = max(1, min(wanted, len(np.unique(scores, axis=0))))
    fit = Lloyd(wanted, n_init=rules.n_init, max_iter=1000, random_state=rules.random_state).fit(scores)
    order = np.argsort(-np.bincount(fit.labels_, minlength=wanted), kind="stable")
    centers = fit.cluster_centers_[order]
    return centers, distances(scores, centers).argmin(1)


def _tree(
    scores: np.ndarray,
    centers: np.ndarray,
    micro: np.ndarray,
    sizes: np.ndarray,
    contact: np.ndarray,
    linkage: str | None,
    rare: float = 0.0,
) -> np.ndarray:
    if linkage in ("contact", "border"):
        large = np.flatnonzero(sizes >= rare * sizes.sum())
        make = contact_tree if linkage == "contact" else border_tree
        if 1 < len(large) < len(centers):
            owner = distances(centers, centers[large]).argmin(1)
            return tree_through(centers, sizes, owner, contact, linkage == "border")
        return make(centers, sizes, contact)
    if linkage != "connectivity":
        return centroid_tree(centers, sizes)
    near = NearestNeighbors(n_neighbors=min(11, len(scores))).fit(scores).kneighbors(return_distance=False)
    links = np.zeros((len(centers), len(centers)))
    np.add.at(links, (np.repeat(micro, near.shape[1]), micro[near].ravel()), 1)
    return connectivity_tree(links, sizes)


def _refined(
    scores: np.ndarray, centers: np.ndarray, sizes: np.ndarray, tree: np.ndarray, level: int, contact: np.ndarray,
    rules: Rules,
) -> np.ndarray:  # fmt: skip
    """The tree rebuilt through k-means at the chosen level, started from its components; connectivity stays as it is.

    On simulated worlds this lifts the mean ARI at the true number from 0.83 to 0.87 and from 0.80 to 0.82.
    """
    if rules.linkage == "connectivity" or not 1 < level < len(centers):
        return tree
    component, _ = component_table(tree, sizes, level)
    share = (component == np.arange(level)[:, None]) * sizes
    start = share @ centers / share.sum(1, keepdims=True)
    fit = Lloyd(level, init=start, n_init=1, max_iter=1000, random_state=rules.random_state).fit(scores)
    component = distances(centers, fit.cluster_centers_).argmin(1)
    if len(np.unique(component)) < level:
        return tree
    return tree_through(centers, sizes, component, contact if rules.linkage == "contact" else None)


def _evidence(
    scores: np.ndarray, micro: np.ndarray, neighbours: np.ndarray, tree: np.ndarray, number: int | None, rules: Rules
) -> Evidence:
    """Evidence for the number of components; where it was given, the curves stay and the sentence says so."""
    n_micro = len(tree) + 1
    if number is not None and n_micro <= number:
        asked = f"{n_micro} component{'s' * (n_micro > 1)}" + ", as asked." * (n_micro == number)
        short = "" if n_micro == number else f", not {number} as asked: there are too few different spectra."
        return Evidence(np.array([], int), {}, {}, n_micro, f"{asked}{short}")
    rare = rules.linkage == "border"
    evidence = weigh(scores, micro, neighbours, tree, rules.max_clusters, rules.random_state, rare)
    if number is None:
        return evidence
    sentence = f"{number} components, as asked. Without that: {evidence.sentence}"
    return evidence._replace(level=number, sentence=sentence)


def _levels(n_micro: int, evidence: Evidence, max_clusters: int) -> np.ndarray:
    """Levels that get a map of confidence: those with evidence, or all below a given number."""
    top = min(n_micro, max_clusters)
    levels = np.arange(2, top + 1)
    return levels if len(evidence.levels) or top == n_micro else levels[:0]
