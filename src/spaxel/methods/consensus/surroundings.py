"""What the neighbours of a pixel tell: noise that they average out, and what varies within a component. Scores, no cubes.

All of it is linear in the scores of a pixel and those of the mean of its neighbours, so that it maps tile by tile.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SMOOTH = 0.7  # share of differences of pixels, the smallest, that are taken for those within a component
FEWEST = 100  # of them, below which nothing is known of neighbours
NOISELESS = 1e-9  # of the variance, below which the noise is none


class Filter(NamedTuple):
    """z' = z @ own + around @ beside, scores (n, d) of pixels and of the means of their neighbours. own, beside : (d, d)."""

    own: np.ndarray
    beside: np.ndarray

    def __call__(self, z: np.ndarray, around: np.ndarray) -> np.ndarray:
        """Scores with less noise, (n, d)."""
        return z @ self.own + around @ self.beside


def differences(scores: np.ndarray, good: np.ndarray, apart: int) -> np.ndarray:
    """Differences of scores (w, side, side, d) of pixels so far apart in rows and columns, both good: (m, d)."""
    found = []
    for axis in (1, 2):
        s, g = np.moveaxis(scores, axis, 1), np.moveaxis(good, axis, 1)
        both = g[:, apart:] & g[:, :-apart]
        found.append((s[:, apart:] - s[:, :-apart])[both])
    return np.concatenate(found)


def within(apart: np.ndarray) -> np.ndarray:
    """Covariance (d, d) of the scores within components, from differences (m, d): the mean of δ δᵀ / 2 of the 70 % smallest."""
    size = (apart**2).sum(1)
    same = apart[size <= np.quantile(size, SMOOTH)]
    return same.T @ same / (2 * len(same))


def wiener(z: np.ndarray, around: np.ndarray, noise: np.ndarray) -> Filter:
    """The linear estimate of scores without noise from those of a pixel and of its neighbours (Wiener 1949).

    z, around : (n, d)      noise : (d, d) covariance of one pixel's
    Along each axis of the covariance of noise-whitened scores, f = (z, around): z' = f C⁻¹ c, C = E[f fᵀ], c its first row
    with the noise, 1, taken off the first entry.
    """
    d, mean = z.shape[1], z.mean(0)
    total = np.trace(np.cov(z.T).reshape(d, d))
    if np.trace(noise) <= NOISELESS * total:
        return Filter(np.eye(d), np.zeros((d, d)))
    whiten, back = _roots(noise + NOISELESS * total / d * np.eye(d))
    turned = np.linalg.eigh(np.cov(((z - mean) @ whiten).T).reshape(d, d))[1]
    forth, back = whiten @ turned, turned.T @ back
    own, beside = np.ones(d), np.zeros(d)
    for i, (a, b) in enumerate(zip(((z - mean) @ forth).T, ((around - mean) @ forth).T, strict=True)):
        moments = np.array([[a @ a, a @ b], [a @ b, b @ b]]) / len(a)
        if not moments.any():  # nothing varies along this axis
            continue
        signal = np.array([max(moments[0, 0] - 1, 0), moments[0, 1]])
        own[i], beside[i] = np.linalg.solve(moments + 1e-9 * np.trace(moments) * np.eye(2), signal)
    return Filter((forth * own) @ back, (forth * beside) @ back)


def nearby(spread: np.ndarray, floor: float) -> np.ndarray:
    """A metric (d, d) that counts little what varies within components: (S + floor tr(S)/d I)^(-1/2). spread : S (d, d)."""
    d = len(spread)
    mean = np.trace(spread) / d
    return _roots(spread + floor * mean * np.eye(d))[0] if mean > 0 else np.eye(d)


def _roots(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """matrix^(-1/2) and matrix^(1/2), symmetric."""
    values, vectors = np.linalg.eigh(matrix)
    root = np.sqrt(np.maximum(values, 1e-300))
    return (vectors / root) @ vectors.T, (vectors * root) @ vectors.T
