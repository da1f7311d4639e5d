"""Spectra to start a factorisation from: (k, channel), norm 1."""

from __future__ import annotations

import warnings

import numpy as np

from spaxel.linear.sparse.codes import Problem

ROUNDING = 1e-12  # of the largest energy: what is left of a sample that is explained


def subspace(y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores u (n, k), singular values (k,) and directions (k, channel) of rank k, by the smaller Gram matrix."""
    tall = len(y) > y.shape[1]
    vectors = np.linalg.eigh(y.T @ y if tall else y @ y.T)[1][:, ::-1][:, :k]
    if tall:
        left = y @ vectors
        values = np.linalg.norm(left, axis=0)
        return left / np.maximum(values, 1e-300), values, vectors.T
    right = vectors.T @ y
    values = np.linalg.norm(right, axis=1)
    return vectors, values, right / np.maximum(values, 1e-300)[:, None]


def farthest(points: np.ndarray, k: int) -> list[int]:
    """Rows of (n, d) farthest from the span of those before (successive projection): k, or as many as are left.

    Unlike `vertex.spa` it does not refuse points of lower rank: what is left of a deflated table is often degenerate.
    """
    points = points.astype(np.float64, copy=False)
    energy = np.einsum("ij,ij->i", points, points)
    basis, chosen, least = np.zeros((min(k, len(points)), points.shape[1])), [], ROUNDING * energy.max(initial=0)
    for i, direction in enumerate(basis):
        j = int(energy.argmax())
        if energy[j] <= least:
            break
        chosen.append(j)
        direction += points[j]
        for _ in range(2):  # once leaves rounding errors of the near dependent
            direction -= (basis[:i] @ direction) @ basis[:i]
        direction /= np.linalg.norm(direction)
        energy -= (points @ direction) ** 2
        energy[j] = 0
    return chosen


def starts(problem: Problem, k: int, n_starts: int, seed: int) -> list[np.ndarray]:
    """Up to n_starts different starts, the best bet first.

    non-negative : purest samples of the whitened scores over the total intensity, then extremes along random directions
    signed       : purest samples by score over first score, by norm, independent components, then random directions
    """
    left, values, right = subspace(problem.y, k)
    rng = np.random.default_rng([seed, 7])
    total = left @ (values * right.sum(1))
    level = np.median(np.abs(total))
    if problem.signed:
        first = np.where(np.abs(left[:, 0]) > 1e-2 * np.abs(left[:, 0]).max(), left[:, 0], np.inf)
        length = np.maximum(np.linalg.norm(left * values, axis=1), 1e-300)
        clouds = [left / first[:, None], left * values / length[:, None], left]
        found = [_spectra(problem, farthest(cloud, k), left, values, right) for cloud in clouds]
        found.insert(1, _independent(problem, left, values, right, rng))
        cloud = clouds[1]
    else:
        cloud = left / np.maximum(total, 1e-2 * level)[:, None]
        found = [_spectra(problem, farthest(cloud, k), left, values, right)]
    while len(found) < n_starts:
        found.append(_spectra(problem, _extremes(cloud, k, rng), left, values, right))
    return found[:n_starts]


def _spectra(problem: Problem, rows: list[int], left: np.ndarray, values: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Samples without the noise off the subspace, as spectra."""
    s = (left[rows] * values) @ right
    return normalised(s if problem.signed else np.maximum(s, 0))


def normalised(s: np.ndarray) -> np.ndarray:
    """Rows of norm 1; rows of zeros are left out."""
    norms = np.linalg.norm(s, axis=1)
    return s[norms > 0] / norms[norms > 0, None]


def _extremes(points: np.ndarray, k: int, rng: np.random.Generator) -> list[int]:
    """Rows extreme along random directions off the span of those chosen (the idea of VCA)."""
    chosen: list[int] = []
    basis = np.empty((0, points.shape[1]))
    for _ in range(k):
        drawn = rng.standard_normal(points.shape[1])
        direction = drawn - basis.T @ (basis @ drawn)
        along = np.abs(points @ direction)
        along[chosen] = -1
        j = int(along.argmax())
        chosen.append(j)
        new = points[j] - basis.T @ (basis @ points[j])
        size = float(np.linalg.norm(new))
        if size > 1e-12:
            basis = np.vstack([basis, new / size])
    return chosen


def _independent(
    problem: Problem, left: np.ndarray, values: np.ndarray, right: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Spectra of independent components (FastICA, cubic), signs so that concentrations are skewed upwards."""
    from sklearn.decomposition import FastICA  # slow to import, and for signed spectra alone

    k = left.shape[1]
    turn = np.linalg.qr(rng.standard_normal((k, k)))[0]
    ica = FastICA(k, whiten="unit-variance", fun="cube", max_iter=200, tol=1e-6, w_init=turn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a start need not have settled
        source = ica.fit_transform(left)
    source = source * np.where((source**3).mean(0) < 0, -1, 1)
    source -= np.quantile(source, 0.1, axis=0)
    return normalised(np.linalg.lstsq(source, (left * values) @ right, rcond=None)[0])
