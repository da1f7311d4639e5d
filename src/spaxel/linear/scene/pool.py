"""Corners of a scene, looked for in several views of its spectra, judged by one measure: what they leave of the spectra.

At raw brightness a shadow can pass for a material; at unit norm the noise and the haze of a dark material can. Neither is right
for all scenes, and what a start finds depends on its chance. So corners are gathered from views between the two, and those are
taken whose non-negative mixtures, at whatever brightness, leave least of the raw spectra.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.abundances import nnls
from spaxel.linear.pca import fit_pca
from spaxel.linear.vertex import nfindr
from spaxel.pace import paced

SOFTNESS = (np.inf, 1.0, 0.3, 0.0)  # of the views: raw, two between, unit norm
GROUPS = (3, 5)  # k-means centres per component, in turn: few are smoother, more reach further into the corners
STARTS = 4  # in each view
NEAR = 1.05  # times the least residual: corners that fit as well
DIRECTIONS = 12  # principal components of a view that are looked at


class Reduced(NamedTuple):
    """A view on its principal components. scores : (n, d)      mean : (channel,)      basis : (channel, d)"""

    scores: np.ndarray
    mean: np.ndarray
    basis: np.ndarray


class Pool(NamedTuple):
    """The corners that fit best, and how far others that fit as well are from them.

    spectra : (k, channel), means of the raw spectra of a group      apart : (k,) rad, 0 where all starts agree
    """

    spectra: np.ndarray
    apart: np.ndarray


def view(X: np.ndarray, softness: float) -> np.ndarray:
    """x / (|x| + softness · median |x|): unit norm at 0, raw at infinity; between, dark spectra are dark but not lost."""
    if np.isinf(softness):
        return X
    norm = np.linalg.norm(X, axis=1, keepdims=True)
    return X / (norm + softness * np.median(norm))


def reduce(V: np.ndarray, d: int = DIRECTIONS) -> Reduced:
    """Scores on d principal components: the noise off them does not blur the comparison. V : (n, channel)"""
    projection = fit_pca(V, min(d, *V.shape))
    scores = (V - projection.mean) @ projection.basis
    scores[np.abs(scores) < 1e-12 * np.abs(V).max()] = 0.0  # rounding is no direction
    return Reduced(scores, projection.mean, projection.basis)


def pooled_corners(X: np.ndarray, k: int, seed: int = 0, starts: int = STARTS) -> Pool:
    """Of several views and starts, the k group means whose non-negative mixtures leave least of the spectra unexplained.

    X : (n, channel), no spectrum zero. In each view: centres of 3 k or 5 k groups, the largest simplex among them (N-FINDR),
    the mean raw spectra of these groups. Raises ParameterError if the spectra span fewer directions than k - 1.
    """
    found: list[tuple[float, np.ndarray]] = []
    for softness in paced(SOFTNESS, "restarts") if starts == STARTS else SOFTNESS:
        scores = reduce(view(X, softness), max(DIRECTIONS, k)).scores
        for i in range(starts):
            try:
                corners = _corners(X, scores, k, GROUPS[i % 2] * k, seed * STARTS + i)
                found.append((float(((X - nnls(X, corners) @ corners) ** 2).sum()), corners))
            except (CubeError, ParameterError):  # too few directions in this view, or two corners alike
                continue
    if not found:
        raise ParameterError(f"The spectra span only few directions, and have no {k} corners. Try fewer components.")
    least = min(residual for residual, _ in found)
    best = next(corners for residual, corners in found if residual == least)
    rounding = 1e-12 * float((X**2).sum())
    return Pool(best, _apart(best, [corners for residual, corners in found if residual <= NEAR * least + rounding]))


def _corners(X: np.ndarray, scores: np.ndarray, k: int, groups: int, seed: int) -> np.ndarray:
    distinct, which = np.unique(scores, axis=0, return_inverse=True)
    if len(distinct) < k:
        raise ParameterError(f"The spectra span only {len(distinct) - 1} directions. Try fewer components.")
    centers, group = distinct, which.ravel()
    if len(distinct) > groups:
        fitted = KMeans(groups, n_init=1, max_iter=100, random_state=seed % 2**31).fit(scores)
        centers, group = fitted.cluster_centers_, fitted.labels_
    return np.stack([X[group == i].mean(0) for i in nfindr(centers, k).indices])


def _apart(best: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """For each spectrum of the best, the angle to the one that stands for it in each other set: the largest. -> (k,) rad"""
    unit = best / np.linalg.norm(best, axis=1, keepdims=True)
    apart = np.zeros(len(best))
    for other in others:
        cosine = unit @ (other / np.linalg.norm(other, axis=1, keepdims=True)).T
        angle = np.arccos(np.clip(cosine, -1, 1))
        mine, its = linear_sum_assignment(angle)
        apart[mine] = np.maximum(apart[mine], angle[mine, its])
    return np.where(apart < 1e-6, 0.0, apart)
