"""How many components: what speaks for each level of a merge tree, the votes, and how sure the choice is.

No single index may decide: silhouette, stability and Davies-Bouldin pick two clusters on nearly every real scene. So five
voices that look at different things each name a number, and the median is taken; how far they agree is how sure it is.

    silhouette   components are compact and apart (Rousseeuw 1987); likes few
    gap          the merge that would follow is much costlier than the one before
    valley       the two halves of a split have a gap of low density between them
    contact      the two halves of a split lie apart in the image too, which noise does not
    stability    two fits on different halves of the spectra give the same map (Ben-Hur et al. 2002)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from spaxel.granularity import cut_tree

COMPARED = 3000  # spectra in the silhouette
DEEP = 0.25  # depth of a valley, 0 = none, 1 = empty, from which a split counts as real
TOUCHING = 0.3  # kappa of neighbours from which a split counts as real
STABLE = 0.9  # agreement of two fits from which a level counts as stable


class Evidence(NamedTuple):
    """curves : {voice: (level,)}   votes : {voice: level}   level : the choice   sentence : it in words."""

    levels: np.ndarray
    curves: dict[str, np.ndarray]
    votes: dict[str, int]
    level: int
    sentence: str


def weigh(
    scores: np.ndarray, micro: np.ndarray, pairs: np.ndarray, tree: np.ndarray, most: int, seed: int = 0
) -> Evidence:
    """Evidence for 2 to `most` components.

    scores : (n, d) scaled spectra on principal components       micro : (n,) their micro parts
    pairs  : (m, 2) micro parts of neighbouring pixels, m = 0 for a table
    tree   : (n_micro - 1, 4), see spaxel.granularity
    Fails, in the sense of being unsure and saying so, where the data have no groups: all voices then scatter.
    """
    levels = np.arange(2, min(most, len(tree) + 1) + 1)
    if len(levels) == 0:
        return Evidence(levels, {}, {}, 1, "One component: there are too few different spectra to divide.")
    cuts = {int(k): cut_tree(tree, int(k)) for k in [1, *levels]}
    rng = np.random.default_rng([seed, 3])
    chosen = rng.permutation(len(scores))[:COMPARED]
    curves = {
        "silhouette": _silhouettes(scores[chosen], micro[chosen], cuts, levels),
        "gap": _gaps(tree, levels),
        "valley": np.array([_valley(scores, micro, cuts[int(k) - 1], cuts[int(k)]) for k in levels]),
        "stability": _stabilities(scores, levels, seed),
    }
    votes = {
        "silhouette": _top(levels, curves["silhouette"]),
        "gap": _top(levels, curves["gap"]),
        "valley": _last(levels, curves["valley"] - DEEP),
        "stability": _last(levels, curves["stability"] - STABLE),
    }
    if len(pairs):
        curves["contact"] = np.array([_contact(pairs, cuts[int(k) - 1], cuts[int(k)]) for k in levels])
        votes["contact"] = _last(levels, curves["contact"] - TOUCHING)
    level, sentence = _agree(votes)
    return Evidence(levels, curves, votes, level, sentence)


def _agree(votes: dict[str, int]) -> tuple[int, str]:
    values = np.array(list(votes.values()))
    level = int(np.median(values) + 0.5)
    near = np.abs(values - level) <= max(1, round(0.15 * level))
    sure = "sure" if near.mean() >= 0.8 else "fairly sure" if near.mean() >= 0.6 else "unsure"
    said = ", ".join(f"{name} {vote}" for name, vote in votes.items())
    advice = "" if sure == "sure" else " Look at the other levels before you trust it."
    return level, (
        f"{level} components, {sure}: {near.sum()} of {len(values)} voices lie at or beside it ({said}).{advice} "
        "Option n_clusters decides; cut shows any other level without fitting again."
    )


def _top(levels: np.ndarray, curve: np.ndarray) -> int:
    return int(levels[np.nanargmax(curve)]) if np.isfinite(curve).any() else int(levels[0])


def _last(levels: np.ndarray, excess: np.ndarray) -> int:
    """Where the running sum of (evidence - threshold) is highest: the end of a run of real splits; 1 if there is none."""
    total = np.cumsum(np.nan_to_num(excess, nan=0.0))
    return int(levels[total.argmax()]) if total.max() > 0 else 1


def _silhouettes(scores: np.ndarray, micro: np.ndarray, cuts: dict[int, np.ndarray], levels: np.ndarray) -> np.ndarray:
    def one(component: np.ndarray) -> float:
        labels = component[micro]
        return float(silhouette_score(scores, labels)) if 1 < len(np.unique(labels)) < len(labels) else np.nan

    return np.array([one(cuts[int(k)]) for k in levels])


def _gaps(tree: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Height of the merge that leaves level K over that of the merge that reaches it."""
    heights = np.append(tree[:, 2], [])
    n_micro = len(tree) + 1
    reach = np.array([heights[n_micro - k - 1] if k < n_micro else np.nan for k in levels])
    leave = np.array([heights[n_micro - k] for k in levels])
    return np.log(np.maximum(leave, 1e-300) / np.maximum(reach, 1e-300)).clip(-5, 5)


def _split(coarse: np.ndarray, fine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The micro parts of the two halves into which one component of the coarse level falls."""
    for parent in np.unique(coarse):
        children = np.unique(fine[coarse == parent])
        if len(children) == 2:
            return fine == children[0], fine == children[1]
    return np.zeros(len(fine), bool), np.zeros(len(fine), bool)


def _valley(scores: np.ndarray, micro: np.ndarray, coarse: np.ndarray, fine: np.ndarray) -> float:
    """1 - density at the lowest point between the halves / density at the lower of the two modes.

    Seen along the line that divides the halves best (Fisher's discriminant), in a histogram of 3 bins per robust sd.
    """
    left, right = (scores[half[micro]] for half in _split(coarse, fine))
    if min(len(left), len(right)) < 5:
        return np.nan
    within = np.cov(left.T, ddof=0) * len(left) + np.cov(right.T, ddof=0) * len(right)
    within = np.atleast_2d(within) / (len(left) + len(right))
    within += np.eye(len(within)) * (1e-6 * np.trace(within) / len(within) + 1e-300)
    axis = np.linalg.solve(within, left.mean(0) - right.mean(0))
    a, b = left @ axis, right @ axis
    low, high = np.median(b), np.median(a)
    sd = max(min(a.std(), b.std()), 1e-300)
    bins = int(np.clip((high - low) / sd * 2, 4, 24))
    edges = np.linspace(low - (high - low) / 2, high + (high - low) / 2, 2 * bins + 1)
    density = np.histogram(np.concatenate([a, b]), edges)[0].astype(float)
    density = np.convolve(density, [0.25, 0.5, 0.25], mode="same")
    middle = slice(bins // 2, len(density) - bins // 2)
    floor = middle.start + int(density[middle].argmin())
    modes = min(density[: floor + 1].max(), density[floor:].max())
    return float(1 - density[floor] / modes) if modes > 0 else np.nan


def _contact(pairs: np.ndarray, coarse: np.ndarray, fine: np.ndarray) -> float:
    """Cohen's kappa of the two halves over neighbouring pixels that both lie in them: 0 = mixed as by chance."""
    left, right = _split(coarse, fine)
    inside = (left | right)[pairs].all(1)
    if inside.sum() < 20:
        return np.nan
    first, second = left[pairs[inside, 0]], left[pairs[inside, 1]]
    share = (first.mean() + second.mean()) / 2
    chance = share**2 + (1 - share) ** 2
    return float(((first == second).mean() - chance) / max(1 - chance, 1e-12)) if chance < 1 else np.nan


def _stabilities(scores: np.ndarray, levels: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, 4])
    order = rng.permutation(len(scores))
    half = min(len(scores) // 2, 3000)
    first, second, judged = scores[order[:half]], scores[order[half : 2 * half]], scores[order[:2000]]

    def one(k: int) -> float:
        if half <= k:
            return np.nan
        fits = [KMeans(k, n_init=2, random_state=seed).fit(part) for part in (first, second)]
        return float(adjusted_rand_score(*(fit.predict(judged) for fit in fits)))

    return np.array([one(int(k)) for k in levels])
