"""How many components: what speaks for each level of a merge tree, what each check names, and how probable each number is.

No single index may decide: silhouette, stability and Davies-Bouldin pick two clusters on nearly every real scene. So five
checks that look at different things each name a number. How probable each number then is, and whether there is anything to
divide at all, was learned on simulated worlds, from these checks and from what each split looks like (`number`, `splits`).
Border trees may take more, see `rare` in `weigh`.

    silhouette   components are compact and apart (Rousseeuw 1987)
    valley       the two halves of every split have a gap of low density between them
    elbow        further components explain little of the variance (the corner of the curve)
    log elbow    the same seen in ratios, log variance against log number
    contact      every component has an interior: most neighbours of its pixels belong to it, which borders and noise lack

The checks, their thresholds and the median were chosen on 48 simulated worlds (benchmarks/evidence.py): stability of two
fits, Calinski-Harabasz and the largest gap of the tree were tried too, and missed the number by more.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from spaxel.linear.silhouettes import silhouette, sums_of_distances
from spaxel.methods.centers.linkage import Parts
from spaxel.methods.centers.number import ONE, Number, doubtful, doubts_of, in_words, number_of
from spaxel.methods.centers.splits import halves_of, look_at_splits
from spaxel.results.cut import cut_tree

COMPARED = 3000  # spectra in the silhouette
DEEP = 0.6  # depth of a valley, 0 = none, 1 = empty, from which a split counts as real
INSIDE = 0.6  # share of neighbours in the same component from which it has an interior


class Evidence(NamedTuple):
    """curves : {check: (level,)}   votes : {check: the level that it names}   level : the choice   sentence : it in words.

    number : how probable each number is; None where there is nothing to choose from
    doubts : {why: the numbers of components whose split is doubtful for it}, of all levels
    """

    levels: np.ndarray
    curves: dict[str, np.ndarray]
    votes: dict[str, int]
    level: int
    sentence: str
    number: Number | None = None
    doubts: Mapping[str, list[int]] = MappingProxyType({})


def weigh(parts: Parts, tree: np.ndarray, most: int, *, seed: int = 0, rare: bool = False) -> Evidence:
    """Evidence for 2 to `most` components.

    parts  : micro-clusters of scaled spectra on principal components
    tree   : (n_micro - 1, 4), see spaxel.results.cut
    rare   : the number is at least that up to which each split leaves a valley and interiors. Silhouette and elbows weigh
             by pixels, so that a component of a fiftieth of them counts little, however clear it is; these two do not
    Fails, in the sense of small probabilities, where the data have no groups: all checks then scatter.
    """
    scores, micro, pairs = parts.scores, parts.micro, parts.neighbours
    levels = np.arange(2, min(most, len(tree) + 1) + 1)
    if len(levels) == 0:
        return Evidence(levels, {}, {}, 1, "One component: there are too few different spectra to divide.")
    cuts = {int(k): cut_tree(tree, int(k)) for k in [1, *levels]}
    rng = np.random.default_rng([seed, 3])
    chosen = rng.permutation(len(scores))[:COMPARED]
    variance = _within(scores, micro, cuts)
    curves = {
        "silhouette": _silhouettes(scores[chosen], micro[chosen], cuts, levels),
        "valley": np.array([_valley(scores, micro, cuts[int(k) - 1], cuts[int(k)]) for k in levels]),
        "elbow": _elbow(variance, np.append(1, levels).astype(float)),
        "log elbow": _elbow(np.log(np.maximum(variance, 1e-300)), np.log(np.append(1, levels))),
    }
    votes = {
        "silhouette": _top(levels, curves["silhouette"]),
        "valley": _last(levels, curves["valley"] - DEEP),
        "elbow": _top(levels, curves["elbow"]),
        "log elbow": _top(levels, curves["log elbow"]),
    }
    if len(pairs):
        curves["contact"] = np.array([_interior(cuts[int(k)][pairs]) for k in levels])
        votes["contact"] = _last(levels, curves["contact"] - INSIDE)
    splits = look_at_splits(parts, tree, levels)
    number = number_of(votes, splits)
    level, why = _chosen(votes, number, _clear(levels, curves) if rare else 0)
    found = doubtful(splits)
    doubts = doubts_of(found, level)
    said = ", ".join(f"{name} {vote}" for name, vote in votes.items())
    sentence = (
        f"{in_words(number, level)}. The checks name: {said}{why}.{f' In doubt: {doubts}.' if doubts else ''} Option "
        "n_clusters decides; cut shows any other level without fitting again."
    )
    return Evidence(levels, curves, votes, level, sentence, number, found)


def _clear(levels: np.ndarray, curves: dict[str, np.ndarray]) -> int:
    """The level up to which every split leaves a valley and interiors; 1 if the first does not, or in a table."""
    inside = curves.get("contact", np.zeros(len(levels)))
    clear = (np.nan_to_num(curves["valley"], nan=0.0) >= DEEP) & (inside >= INSIDE)
    return 1 + int(np.append(clear, False).argmin())


def _chosen(votes: dict[str, int], number: Number, clear: int) -> tuple[int, str]:
    """The level, and why if it is not the likeliest. clear : as `_clear`; 0 where rare components are not looked for"""
    if number.of(1) >= ONE and clear <= 1:
        return 1, ""
    median = max(2, int(np.median(list(votes.values())) + 0.5))
    if not clear:
        return number.divided, ""
    if clear <= median:
        return median, ""
    why = (
        f"; their median is {median}, but every split up to {clear} leaves a clear gap and components with an interior"
    )
    return clear, why


def _top(levels: np.ndarray, curve: np.ndarray) -> int:
    return int(levels[np.nanargmax(curve)]) if np.isfinite(curve).any() else int(levels[0])


def _last(levels: np.ndarray, excess: np.ndarray) -> int:
    """Where the running sum of (evidence - threshold) is highest: the end of a run of real splits; 1 if there is none."""
    total = np.cumsum(np.nan_to_num(excess, nan=0.0))
    return int(levels[total.argmax()]) if total.max() > 0 else 1


def _silhouettes(scores: np.ndarray, micro: np.ndarray, cuts: dict[int, np.ndarray], levels: np.ndarray) -> np.ndarray:
    """Mean silhouette at each level, from sums of distances to micro-clusters, which are added up to those to components."""
    total = sums_of_distances(scores, np.eye(len(cuts[1]))[micro])
    found = []
    for component in (cuts[int(k)] for k in levels):
        found.append(silhouette(total @ np.eye(component.max() + 1)[component], component[micro]))
    return np.array(found)


def _within(scores: np.ndarray, micro: np.ndarray, cuts: dict[int, np.ndarray]) -> np.ndarray:
    """Sum of squares within the components of each level, (1 + level,), from one component on."""
    n_micro = len(cuts[1])
    size = np.bincount(micro, minlength=n_micro).astype(float)
    total = np.stack([np.bincount(micro, weights=column, minlength=n_micro) for column in scores.T], axis=1)
    square = float((scores**2).sum())

    def one(component: np.ndarray) -> float:
        member = component[None, :] == np.arange(component.max() + 1)[:, None]
        return square - float((((member @ total) ** 2).sum(1) / np.maximum(member @ size, 1)).sum())

    return np.maximum([one(cut) for cut in cuts.values()], 0.0)


def _elbow(curve: np.ndarray, number: np.ndarray) -> np.ndarray:
    """How far a falling curve bends below its chord at each level from the second on (Satopää et al. 2011), scaled to 0..1."""
    fall, run = np.ptp(curve), np.ptp(number)
    if fall <= 0:
        return np.full(len(curve) - 1, np.nan)
    return (1 - (curve - curve.min()) / fall - (number - number.min()) / run)[1:]


def _valley(scores: np.ndarray, micro: np.ndarray, coarse: np.ndarray, fine: np.ndarray) -> float:
    """1 - density at the lowest point between the halves / density at the lower of the two modes.

    Seen along the line that divides the halves best (Fisher's discriminant), in a histogram of 3 bins per robust sd.
    """
    left, right = (scores[half[micro]] for half in halves_of(coarse, fine))
    if min(len(left), len(right)) < 5:
        return np.nan
    within = np.cov(left.T, ddof=0) * len(left) + np.cov(right.T, ddof=0) * len(right)
    within = np.atleast_2d(within) / (len(left) + len(right))
    apart = left.mean(0) - right.mean(0)
    within += np.eye(len(within)) * (1e-6 * np.trace(within) / len(within) + 1e-30 * (apart @ apart) + 1e-300)
    axis = np.linalg.solve(within, apart)
    a, b = left @ axis, right @ axis
    low, high = np.median(b), np.median(a)
    if high <= low:  # the means are the other way round than the medians: no two modes
        return 0.0
    sd = max(min(a.std(), b.std()), 1e-3 * (high - low), 1e-300)
    bins = int(np.clip((high - low) / sd * 2, 4, 24))
    edges = np.linspace(low - (high - low) / 2, high + (high - low) / 2, 2 * bins + 1)
    density = np.histogram(np.concatenate([a, b]), edges)[0].astype(float)
    density = np.convolve(density, [0.25, 0.5, 0.25], mode="same")
    middle = slice(bins // 2, len(density) - bins // 2)
    floor = middle.start + int(density[middle].argmin())
    modes = min(density[: floor + 1].max(), density[floor:].max())
    return float(1 - density[floor] / modes) if modes > 0 else np.nan


def _interior(pairs: np.ndarray) -> float:
    """Of the component with the least: the share of its neighbour relations that stay in it. pairs : (m, 2) components."""
    inside = np.bincount(pairs[pairs[:, 0] == pairs[:, 1], 0], minlength=pairs.max() + 1) * 2
    touched = np.bincount(pairs.ravel(), minlength=pairs.max() + 1)
    return float((inside / np.maximum(touched, 1))[touched > 0].min())
