"""Corners of a scene, midway between where its purest spectra lie and a simplex that also these lie in.

Purest spectra lie inside of their corners where none is pure; a simplex around all of them follows noise and what varies
within a material. Midway is nearer to the truth than either in nearly all scenes that were tried. Neither end hangs much on
the corners one starts from, so that other pixels of the same scene give nearly the same spectra.
"""

from __future__ import annotations

import numpy as np

from spaxel.errors import CubeError
from spaxel.linear.abundances import fcls
from spaxel.linear.scene.pool import DIRECTIONS, reduce

ROUNDS = 20
DARK = 0.02  # of the median brightness: darker spectra tell no direction
SOFT = 0.3  # of the median brightness, at which a spectrum has half of its weight
PUREST = 0.04  # of the amount of a component that lies in spectra purer than a first bound
NEARLY = (0.6, 0.4)  # of that bound, from which on a spectrum is among the purest: first + second times its weight


def refined_corners(X: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Corners (k, channel) midway, in angle, between the purest spectra and where iterated constrained endmembers end.

    X : (n, channel), no spectrum zero      corners : (k, channel), where it starts; as bright afterwards as before
    Spectra are divided by their part along the mean spectrum, so mixtures at any brightness are mixtures of sum 1. Squared
    residual and squared edges of the simplex are made small together, an edge as dear as the median residual of the given
    corners: the more noise and variation, the less they move. The purest spectra of a component are those with at
    least nine tenths, less for dark ones, of the abundance above which 4 % of it lie in this simplex; their mean is taken.
    Berman et al. 2004, doi:10.1109/TGRS.2004.835299, for the objective; weights, price, the purest and midway are ours.
    The corners come back as they were where there is one, where the mean spectrum is zero, or where they are dependent.
    """
    bright = _brightness(X, corners)
    if len(corners) < 2 or bright is None:
        return corners
    along, middle, axis = bright
    held = along > DARK * middle
    Y, start = X[held] / along[held, None], corners / (corners @ axis)[:, None]
    weight = along[held] / (along[held] + SOFT * middle)
    small = reduce(Y, max(DIRECTIONS, len(corners)))
    try:
        moved, shares = _iterated(small.scores, (start - small.mean) @ small.basis, weight / weight.mean())
    except (CubeError, np.linalg.LinAlgError):
        return corners
    if not shares.any(0).all():
        return corners
    purest = _purest(Y, shares, weight)
    size = np.linalg.norm(corners, axis=1, keepdims=True)
    midway = _unit(purest) + _unit(moved @ small.basis.T + small.mean)
    return _unit(midway if (corners < 0).any() else np.maximum(midway, 0.0)) * size


def _purest(Y: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The mean of the purest spectra of each component. Y : (n, channel)      shares : (n, k)      weight : (n,), 0 to 1

    Of a dark component more of them count: its abundances are noisier, and the highest would be the noisiest.
    """
    falling = -np.sort(-shares, axis=0)
    reached = np.cumsum(falling, axis=0) >= PUREST * shares.sum(0)
    bound = np.take_along_axis(falling, reached.argmax(0)[None], axis=0)
    light = (shares * weight[:, None]).sum(0) / shares.sum(0)
    pure = (shares >= (NEARLY[0] + NEARLY[1] * light) * bound) * weight[:, None]
    return pure.T @ Y / pure.sum(0)[:, None]


def _brightness(X: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Part of each spectrum along the mean one, its median, and that direction; None where some corner has none."""
    axis = X.mean(0)
    size = float(np.linalg.norm(axis))
    if size == 0:
        return None
    axis = axis / size
    along = X @ axis
    middle = float(np.median(along))
    return (along, middle, axis) if middle > 0 and (corners @ axis > 0).all() else None


def _iterated(Y: np.ndarray, T: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least sum of weight |y - c T|² / n and price times the squared edges, c >= 0 of sum 1, by turns from T (k, d).

    Returns T, and c (n, k).
    """
    n, k = len(Y), len(T)
    spread = np.eye(k) - 1 / k
    C = fcls(Y, T)
    edges = float(((T - T.mean(0)) ** 2).sum())
    price = float(np.median(weight * ((Y - C @ T) ** 2).sum(1))) / max(edges, 1e-300)
    for _ in range(ROUNDS):
        heavy = (C * weight[:, None]).T
        T = np.linalg.solve(heavy @ C / n + price * spread + 1e-12 * np.eye(k), heavy @ Y / n)
        C = fcls(Y, T)
    return T, C


def _unit(S: np.ndarray) -> np.ndarray:
    return S / np.maximum(np.linalg.norm(S, axis=1, keepdims=True), 1e-300)
