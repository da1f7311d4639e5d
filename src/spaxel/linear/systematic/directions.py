"""The leading directions of a table that changes little from round to round: those of the round before, turned a little."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.linear.sparse.starts import subspace

EXACT = 200  # samples or channels, up to which all directions are computed each time
SPARE = 8  # directions that are turned beside those that are wanted, so that these settle soon
FEW = 4  # times as many samples and channels as directions, at least, for turning to be quicker
TURNS = 30
SETTLED = 1e-6  # of the weakest direction's energy: what one more turn gains


class Leading(NamedTuple):
    """left : (n, k)      right : (k, channel)      near : (more, channel), where those of a table that is near begin."""

    left: np.ndarray
    right: np.ndarray
    near: np.ndarray


def leading(Y: np.ndarray, k: int, near: np.ndarray | None = None) -> Leading:
    """The k leading directions of Y (n, channel), from `near` those of a table that is nearly the same.

    A large table is turned: block power iteration with Rayleigh-Ritz until a turn gains nothing (Rutishauser 1969). Weak
    directions that are hardly stronger than the next are found up to their mixture, which explains as much.
    """
    if near is None or min(Y.shape) <= EXACT or FEW * (k + SPARE) > min(Y.shape):
        left, _, right = subspace(Y, k + SPARE)
        return Leading(left[:, :k], right[:k], right)
    basis, before = near[: k + SPARE], -np.inf
    for _ in range(TURNS):
        left, values, turned = np.linalg.svd(Y @ basis.T, full_matrices=False)
        energy = float((values[:k] ** 2).sum())
        if energy - before < SETTLED * values[k - 1] ** 2:
            break
        before = energy
        basis = np.linalg.qr((left.T @ Y).T)[0].T
    right = turned @ basis
    return Leading(left[:, :k], right[:k], right)
