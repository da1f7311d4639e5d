"""What each split of a merge tree looks like: one cloud cut in two, a mixture of others, noise without interior, no border.

Scores are whitened by the noise that neighbouring pixels show, so that a distance of 1 is one standard deviation of it. Where
nothing is known of neighbours (a table), what asks for them has no value.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls
from scipy.special import gammaincinv, ndtri

from spaxel.methods.centers.linkage import Parts
from spaxel.pace import paced
from spaxel.results.trees import cut_tree

FEWEST = 30  # pairs of neighbours from which the noise is known, pixels from which an interior is
RUNS = 8  # runs of four pixels over a border from which it has a height
ROUNDS, KEPT = 4, 0.6  # of the covariance of the noise, and the share of differences that are taken for noise
RIDGE = 0.3  # added to the covariance within halves, in units of the noise
FLOOR = 1e-6  # of the mean variance of the scores, least variance of the noise
ALIKE = 0.15  # correlation of neighbours from which a principal component is no noise


class Splits(NamedTuple):
    """Of the splits that make 2, 3, … components, each (s,), nan where it cannot be told.

    excess  : by how much the halves explain more of the variance than those of one normal cloud cut in two
    apart   : ln of the distance of a half from the nearest mixture of the other components, in noise
    inside  : share of pixels of a half whose four neighbours are all in it, of the half with less
    height  : of the border between them over three pixels, as a share of the distance of the halves
    left    : (s + 1,) ln of the mean square that levels 1, 2, 3, … leave, in noise
    alike   : principal components in which neighbours are alike, -1 where it cannot be told
    windows : whether there were windows to look at
    """

    excess: np.ndarray
    apart: np.ndarray
    inside: np.ndarray
    height: np.ndarray
    left: np.ndarray
    alike: int
    windows: bool = False


def look_at_splits(parts: Parts, tree: np.ndarray, levels: np.ndarray) -> Splits:
    """Splits of a tree (m - 1, 4) into the levels 2, 3, … in order."""
    whiten, known = _whitener(parts)
    y = (parts.scores - parts.scores.mean(0)) @ whiten
    cuts = [cut_tree(tree, int(k)) for k in [1, *levels]]
    beside, found = parts.windows_micro, []
    for coarse, fine in paced(list(pairwise(cuts)), "number of components"):
        halves = halves_of(coarse, fine)
        place = np.where(halves[0], 0, np.where(halves[1], 1, -1))
        found.append((*_seen_in_scores(y, parts.micro, fine, place), *_seen_in_image(parts, beside, place, whiten)))
    excess, apart, inside, height = np.array(found, float).reshape(-1, 4).T
    apart = apart if known else np.full(len(apart), np.nan)
    left = np.array([_left(y, cut[parts.micro]) for cut in cuts]) if known else np.zeros(len(cuts))
    return Splits(excess, apart, inside, height, left, _alike(parts), len(parts.good) > 0)


def _whitener(parts: Parts) -> tuple[np.ndarray, bool]:
    """N^(-1/2) (d, d) for the noise covariance N of the scores, and whether it is known."""
    d = parts.scores.shape[1]
    floor = FLOOR * max(float(parts.scores.var(0).sum()) / d, 1e-300)
    known = len(parts.pairs) >= FEWEST
    noise = neighbour_noise(parts.pairs[:, 0] - parts.pairs[:, 1]) if known else np.zeros((d, d))
    values, vectors = np.linalg.eigh(noise + floor * np.eye(d))
    return (vectors / np.sqrt(np.maximum(values, floor))) @ vectors.T, known


def neighbour_noise(apart: np.ndarray) -> np.ndarray:
    """Covariance (d, d) of the noise of one pixel from differences of neighbours (m, d): those that cross borders left out."""
    d, kept = apart.shape[1], apart
    if not apart.any():
        return np.zeros((d, d))
    tiny = 1e-12 * max(float((apart**2).mean()), 1e-300) * np.eye(d)
    noise = tiny
    for _ in range(ROUNDS):
        noise = kept.T @ kept / len(kept) + tiny
        size = np.einsum("ij,ij->i", apart @ np.linalg.inv(noise), apart)
        noise = noise * max(float(np.median(size)) / (2 * gammaincinv(d / 2, 0.5)), 1e-12)  # median of chi²
        kept = apart[size <= np.quantile(size, KEPT)]
    return noise / 2


def halves_of(coarse: np.ndarray, fine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The micro-clusters of the two halves into which one component of the coarse level falls."""
    for parent in np.unique(coarse):
        children = np.unique(fine[coarse == parent])
        if len(children) == 2:
            return fine == children[0], fine == children[1]
    return np.zeros(len(fine), bool), np.zeros(len(fine), bool)


def _seen_in_scores(y: np.ndarray, micro: np.ndarray, fine: np.ndarray, place: np.ndarray) -> tuple[float, float]:
    own, side = fine[micro], place[micro]
    mine = np.flatnonzero(side >= 0)
    p = _along(y[mine], side[mine])
    if p is None:
        return np.nan, np.nan
    excess = beyond_one_cloud(p, side[mine])
    means = np.stack([y[own == k].mean(0) for k in range(own.max() + 1) if (own == k).any()])
    ours = [k for k, c in enumerate(np.unique(own)) if place[fine == c][0] >= 0]
    far = min(_from_mixtures(means, k) for k in ours)
    return excess, float(np.log(max(far, 1e-3)))


def beyond_one_cloud(p: np.ndarray, side: np.ndarray) -> float:
    """How much more of the variance of p (n,) its halves, side (n,) 0 or 1, explain than those of one normal cloud cut in two.

    Equation: s (1 - s) D² / var(p) - φ(z)² / (s (1 - s)), s the share of one half, D the distance of the means, z = Φ⁻¹(s).
    0 where a normal cloud was cut, 1 - 2/π for two points that have as many spectra each.
    """
    share, total = float((side == 0).mean()), float(p.var())
    gap = p[side == 0].mean() - p[side == 1].mean()
    return float(share * (1 - share) * gap**2 / max(total, 1e-300)) - of_one_cloud(share)


def of_one_cloud(share: float) -> float:
    """The part of its variance that two halves of one normal cloud explain, where one of them holds this share, 0 < s < 1.

    Equation: φ(Φ⁻¹(s))² / (s (1 - s)).
    """
    return float(np.exp(-(ndtri(share) ** 2)) / (2 * np.pi) / (share * (1 - share)))


def _along(y: np.ndarray, side: np.ndarray) -> np.ndarray | None:
    """Spectra along the axis that divides the halves best, learned on one half of them and applied to the other."""
    found = np.zeros(len(y))
    fold = np.random.default_rng([len(y), 23]).permutation(len(y)) % 2
    for learn in (0, 1):
        a, b = (y[(fold == learn) & (side == k)] for k in (0, 1))
        if min(len(a), len(b)) < 2 * (1 + RUNS):
            return None
        within = (np.cov(a.T, ddof=0) * len(a) + np.cov(b.T, ddof=0) * len(b)) / (len(a) + len(b))
        axis = np.linalg.solve(np.atleast_2d(within) + RIDGE * np.eye(y.shape[1]), a.mean(0) - b.mean(0))
        found[fold != learn] = y[fold != learn] @ (axis / max(float(np.linalg.norm(axis)), 1e-300))
    return found


def _from_mixtures(means: np.ndarray, k: int) -> float:
    """Distance of one mean from the nearest mixture (shares >= 0, sum 1) of the others."""
    others = np.delete(means, k, axis=0)
    if len(others) == 1:
        return float(np.linalg.norm(means[k] - others[0]))
    weight = 1e3 * max(float(np.abs(means).max()), 1.0)
    rows = np.vstack([others.T, np.full(len(others), weight)])
    shares, _ = nnls(rows, np.append(means[k], weight), maxiter=100 * len(others))
    return float(np.linalg.norm(means[k] - shares @ others))


def _seen_in_image(parts: Parts, beside: np.ndarray, place: np.ndarray, whiten: np.ndarray) -> tuple[float, float]:
    """Interior and border, in windows; from pairs of neighbours where there are no windows."""
    if not len(parts.good):
        sides = place[parts.neighbours]
        return (float(min(_stays(sides, half) for half in (0, 1))) if len(sides) else np.nan), np.nan
    side = np.where(parts.good, place[beside], -2)
    core = [_interior(side, parts.good, half) for half in (0, 1)]
    return (min(core) if np.isfinite(core).all() else np.nan), _height(parts, side, whiten)


def _stays(sides: np.ndarray, half: int) -> float:
    """Share of the neighbours of a half that are in it."""
    inside, touched = (sides == half).all(1).sum() * 2, (sides == half).sum()
    return inside / touched if touched >= FEWEST else np.nan


def _interior(side: np.ndarray, good: np.ndarray, half: int) -> float:
    middle, own = np.s_[:, 1:-1, 1:-1], side == half
    steps = [np.s_[:, 2:, 1:-1], np.s_[:, :-2, 1:-1], np.s_[:, 1:-1, 2:], np.s_[:, 1:-1, :-2]]
    looked = own[middle] & np.all([good[step] for step in steps], axis=0)
    if looked.sum() < FEWEST:
        return np.nan
    return float(np.all([own[step] for step in steps], axis=0)[looked].mean())


def _height(parts: Parts, side: np.ndarray, whiten: np.ndarray) -> float:
    """Mean of (p1 - p4) / (mean of p in A - mean in B) over runs of four pixels with the border in the middle."""
    own = side >= 0
    if not ((side == 0).any() and (side == 1).any()):
        return np.nan
    y = parts.windows @ whiten
    axis = y[side == 0].mean(0) - y[side == 1].mean(0)
    p, steps = y @ (axis / max(float(axis @ axis), 1e-300)), []
    for turn in (0, 1):
        s, o, q = (np.moveaxis(values, 1 + turn, -1) for values in (side, own, p))
        runs = np.stack([s[..., i : s.shape[-1] - 3 + i] for i in range(4)])
        known = np.stack([o[..., i : o.shape[-1] - 3 + i] for i in range(4)]).all(0)
        crossing = known & (runs[0] == runs[1]) & (runs[2] == runs[3]) & (runs[1] != runs[2])
        steps.append(((q[..., :-3] - q[..., 3:]) * np.where(runs[0] == 0, 1, -1))[crossing])
    found = np.concatenate(steps)
    return float(found.mean()) if len(found) >= RUNS else np.nan


def _left(y: np.ndarray, labels: np.ndarray) -> float:
    member = np.bincount(labels).astype(float)
    means = np.stack([np.bincount(labels, weights=column) for column in y.T], axis=1) / np.maximum(member, 1)[:, None]
    return float(np.clip(np.log(max(float(((y - means[labels]) ** 2).mean()), 1e-300)), -1, 4))


def _alike(parts: Parts) -> int:
    if len(parts.pairs) < FEWEST:
        return -1
    one, other = (parts.pairs[:, i] - parts.pairs.mean((0, 1)) for i in (0, 1))
    size = np.sqrt((one**2).sum(0) * (other**2).sum(0))
    return int(((one * other).sum(0) > ALIKE * np.maximum(size, 1e-300)).sum())
