"""From scores to groups: k-means with restarts, micro-clusters, a merge tree, evidence for the level. Shared by methods.

scores : (n, d), what is near in them is alike. Everything is deterministic: same scores and seed, same bits.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from spaxel.cube.sampled_windows import Windows
from spaxel.linear.lloyd import lloyd
from spaxel.linear.silhouettes import distances, silhouettes
from spaxel.methods.centers.evidence import COMPARED, Evidence, weigh
from spaxel.methods.centers.keeping import kept_share
from spaxel.methods.centers.levels import Spaces, owner_of, through_levels, tree_by_levels
from spaxel.methods.centers.linkage import LINKAGES, Linkage, Parts, by_centroid
from spaxel.methods.centers.own_levels import Labelings, level_table
from spaxel.pace import paced
from spaxel.results.cut import component_table

NO_LABELINGS: Labelings = MappingProxyType({})
PER_MICRO = 20  # spectra of the sample that each micro-cluster should have at least


class Rules(NamedTuple):
    """How groups are made; the parameters of the same names of a method."""

    linkage: str | None = None
    n_micro: int = 40
    max_clusters: int = 24
    n_init: int = 10
    random_state: int = 0


class Groups(NamedTuple):
    """centers : (m, d)   micro : (n,)   tree, component, color : see spaxel.results.cut   levels : with a confidence.

    level_component : (l, m) the component of each part at each level, where levels need not be a cut of the tree
    kept : (m,) how probable it is that the right number leaves each part in its component, where that is known
    """

    centers: np.ndarray
    micro: np.ndarray
    sizes: np.ndarray
    tree: np.ndarray
    component: np.ndarray
    color: np.ndarray
    levels: np.ndarray
    evidence: Evidence
    level_component: np.ndarray | None = None
    kept: np.ndarray | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """What the state of a model keeps."""
        kept = {"centers": self.centers, "tree": self.tree, "component": self.component, "color": self.color}
        kept |= {"micro_size": self.sizes, "levels": self.levels}
        if self.level_component is not None:
            kept["level_component"] = self.level_component
        return kept | {f"evidence_{name}": curve for name, curve in self.evidence.curves.items()}


def find_groups(
    scores: np.ndarray, pairs: np.ndarray, number: int | None, rules: Rules,
    windows: Windows | None = None, labelings: Labelings = NO_LABELINGS,
) -> Groups:  # fmt: skip
    """Groups of scores. number : of components, None to find it      pairs : (m, 2, d) scores of neighbours, m may be 0.

    windows : small ones as scores, (w, side, side, d); with them it is seen whether components have interiors and borders
    labelings : at other numbers, see `level_table`
    """
    parts = _parts(scores, pairs, number, rules, windows)
    return groups_of(parts, number, rules, _linkage(rules.linkage), labelings)


def evidence_for(scores: np.ndarray, pairs: np.ndarray, rules: Rules, windows: Windows | None) -> Evidence:
    """The evidence for the number that `find_groups` would find, without groups."""
    parts, linkage = _parts(scores, pairs, None, rules, windows), _linkage(rules.linkage)
    return _evidence(parts, linkage.build(parts), None, rules, rare=linkage.rare)


def _parts(scores: np.ndarray, pairs: np.ndarray, number: int | None, rules: Rules, windows: Windows | None) -> Parts:
    centers, micro = micro_parts(scores, number, rules)
    neighbours = np.zeros((0, 2), int)
    if len(pairs):
        neighbours = distances(pairs.reshape(-1, pairs.shape[2]), centers).argmin(1).reshape(-1, 2)
    beside = (windows.spectra, windows.good) if windows is not None else ()
    return Parts(scores, micro, centers, neighbours, pairs, *beside)


def groups_of(
    parts: Parts, number: int | None, rules: Rules, linkage: Linkage, labelings: Labelings = NO_LABELINGS
) -> Groups:
    """Groups of micro-clusters that are known. number : of components, None to find it      labelings : see `level_table`"""
    sizes, tree = parts.sizes, linkage.build(parts)
    evidence = _evidence(parts, tree, number, rules, rare=linkage.rare)
    if linkage.refine is not None:
        tree = linkage.refine(parts, tree, evidence.level, rules.random_state)
    component, color = component_table(tree, sizes, evidence.level)
    levels = _levels(len(parts.centers), evidence, rules.max_clusters)
    table = level_table(parts, tree, levels, evidence.level, labelings)
    kept = kept_share(parts, component, labelings, evidence.number)
    return Groups(parts.centers, parts.micro, sizes, tree, component, color, levels, evidence, table, kept)


def groups_through(
    scores: np.ndarray, pairs: np.ndarray, middles: np.ndarray, told: Evidence | int, rules: Rules,
    spaces: Spaces = (), labelings: Labelings = NO_LABELINGS,
) -> Groups:  # fmt: skip
    """Groups of scores, one level of whose tree has these centres (k, d).

    told : evidence for the level at which it is cut; or the number that was asked for, then there are no finer parts
    spaces : of the same spectra, by which the other levels of the tree are made, see `tree_by_levels`
    labelings : at other numbers, see `level_table`
    """
    won = np.bincount(distances(scores, middles).argmin(1), minlength=len(middles))
    middles = middles[np.argsort(-won, kind="stable")[: max(1, int((won > 0).sum()))]]
    centers = middles if isinstance(told, int) else micro_parts(scores, None, rules)[0]
    micro = distances(scores, centers).argmin(1)
    neighbours = np.zeros((0, 2), int)
    if len(pairs):
        neighbours = distances(pairs.reshape(-1, pairs.shape[2]), centers).argmin(1).reshape(-1, 2)
    parts = Parts(scores, micro, centers, neighbours, pairs)
    tree = by_centroid(parts)
    evidence = _evidence(parts, tree, told, rules, rare=False) if isinstance(told, int) else told
    if 1 < len(middles) < len(centers):
        tree = tree_by_levels(parts, tree, owner_of(parts, middles), rules.random_state, spaces, labelings)
    level = min(evidence.level, len(centers))
    component, color = component_table(tree, parts.sizes, level)
    evidence = _up_to(evidence, len(centers))
    levels = evidence.levels if len(evidence.levels) else _levels(len(centers), evidence, rules.max_clusters)
    table = level_table(parts, tree, levels, level, labelings)
    kept, evidence = kept_share(parts, component, labelings, evidence.number), evidence._replace(level=level)
    return Groups(centers, micro, parts.sizes, tree, component, color, levels, evidence, table, kept)


def _linkage(name: str | None) -> Linkage:
    """How parts are merged. None : by centres, then through k-means at every level"""
    return LINKAGES[name] if name else Linkage(by_centroid, through_levels)


def best_silhouette(scores: np.ndarray, low: int, high: int, rules: Rules) -> tuple[int, dict[int, float]]:
    """Iterative k-means: every number from low to high by converged k-means++ with restarts; the highest mean silhouette.

    The silhouette is that of at most 3000 spectra.     returns : the number, {number: silhouette}
    Fails, in the sense of taking too few, where groups lie in groups: silhouettes prefer coarse partitions.
    """
    rng = np.random.default_rng([rules.random_state, 3])
    chosen = rng.permutation(len(scores))[:COMPARED]
    most = len(np.unique(scores, axis=0))
    numbers = range(low, min(high, most - 1) + 1)
    labels = [
        lloyd(scores, k, rules.n_init, rules.random_state, max_iter=1000, told=str).labels_[chosen]
        for k in paced(numbers, "number of components")
    ]
    curve = dict(zip(numbers, silhouettes(scores[chosen], labels).tolist(), strict=True)) if labels else {}
    known = {k: v for k, v in curve.items() if np.isfinite(v)}
    return (max(known, key=known.__getitem__) if known else min(low, most)), curve


def changed_share(one: Groups, other: Groups) -> float:
    """Share of spectra with another label, after the best matching of the components."""
    a, b = one.component[one.micro], other.component[other.micro]
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    return 1 - float(table[linear_sum_assignment(-table)].sum() / len(a))


def micro_parts(scores: np.ndarray, number: int | None, rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """Centres (m, d), largest first, and the part of each spectrum (n,), from k-means++ with restarts."""
    wanted = number or 1
    if number is None or rules.linkage is not None:
        wanted = max(number or 1, min(rules.n_micro, len(scores) // PER_MICRO))
    wanted = max(1, min(wanted, len(np.unique(scores, axis=0))))
    fit = lloyd(scores, wanted, rules.n_init, rules.random_state, max_iter=1000)
    order = np.argsort(-np.bincount(fit.labels_, minlength=wanted), kind="stable")
    centers = fit.cluster_centers_[order]
    micro = distances(scores, centers).argmin(1)
    alive = np.flatnonzero(np.bincount(micro, minlength=wanted))  # one may win nothing, by rounding
    return centers[alive], np.searchsorted(alive, micro)


def _evidence(parts: Parts, tree: np.ndarray, number: int | None, rules: Rules, *, rare: bool) -> Evidence:
    """Evidence for the number of components; where it was given, the curves stay and the sentence says so."""
    n_micro = len(tree) + 1
    if number is not None and n_micro <= number:
        asked = f"{n_micro} component{'s' * (n_micro > 1)}" + ", as asked." * (n_micro == number)
        short = "" if n_micro == number else f", not {number} as asked: there are too few different spectra."
        return Evidence(np.array([], int), {}, {}, n_micro, f"{asked}{short}")
    evidence = weigh(parts, tree, rules.max_clusters, seed=rules.random_state, rare=rare)
    if number is None:
        return evidence
    sentence = f"{number} components, as asked. Without that: {evidence.sentence}"
    return evidence._replace(level=number, sentence=sentence)


def _up_to(evidence: Evidence, most: int) -> Evidence:
    """Evidence without levels above `most`, which a tree of so many parts does not have."""
    held = evidence.levels <= most
    curves = {name: curve[held] for name, curve in evidence.curves.items()}
    return evidence._replace(levels=evidence.levels[held], curves=curves)


def _levels(n_micro: int, evidence: Evidence, max_clusters: int) -> np.ndarray:
    """Levels that get a map of confidence: those with evidence, or all below a given number."""
    top = min(n_micro, max_clusters)
    levels = np.arange(2, top + 1)
    return levels if len(evidence.levels) or top == n_micro else levels[:0]
