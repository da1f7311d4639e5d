"""A simplex of small volume around spectra, for comparison: after SISAL (Bioucas-Dias 2009), with its own solver."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from spaxel.linear.vertex import leading
from vca import vca

SHARP = 200.0  # how sharply an abundance below zero costs
PRICE = 30.0  # of the mean of what abundances lie below zero, beside the logarithm of the volume
ROUNDS = 300


def smallest_simplex(X: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """Spectra (k, channel) of the corners: ln volume + PRICE k mean soft hinge of negative abundances is least.

    X : (n, channel)      seed : of the VCA that it starts from
    Abundances are Q [scores; 1], their sum fixed to 1, scores on k - 1 principal directions; L-BFGS over Q.
    No pure spectra are needed. Fails with much noise (a few spectra push the corners out) and for uneven light.
    """
    mean = X.mean(0)
    basis = leading(X - mean, k - 1)
    scores = (X - mean) @ basis
    size = scores.std() or 1.0
    Y = np.column_stack([scores / size, np.ones(len(X))])
    start = Y[vca(X, k, seed)]  # (k, k), rows are corners
    Q0 = np.linalg.inv(start.T)
    last = np.zeros(k)
    last[-1] = 1.0

    def whole(free: np.ndarray) -> np.ndarray:
        top = free.reshape(k - 1, k)
        return np.vstack([top, last - top.sum(0)])

    def cost(free: np.ndarray) -> tuple[float, np.ndarray]:
        Q = whole(free)
        sign, volume = np.linalg.slogdet(Q)
        if sign == 0:
            return np.inf, np.zeros_like(free)
        below = -(Y @ Q.T) * SHARP
        soft = np.logaddexp(0, below) / SHARP
        slope = 1 / (1 + np.exp(-np.clip(below, -500, 500)))
        grad = -np.linalg.inv(Q).T - PRICE * k / soft.size * (slope.T @ Y)
        return float(-volume + PRICE * k * soft.mean()), (grad[:-1] - grad[-1]).ravel()

    found = minimize(cost, Q0[:-1].ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}).x
    corners = np.linalg.inv(whole(found)).T  # rows: corners, their last entry 1
    corners = corners / corners[:, -1:]
    return corners[:, :-1] * size @ basis.T + mean
