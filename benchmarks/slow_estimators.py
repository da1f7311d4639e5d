"""Slower ways to count components of a table, for comparison: right as often as the edge, where that is right."""

from __future__ import annotations

import numpy as np

from spaxel.errors import CubeError
from spaxel.linear.noise import check_table


def parallel_analysis(Y: np.ndarray, seed: int = 0, flips: int = 2) -> int:
    """Deflated parallel analysis: components whose next is no larger than that of the residual with random signs.

    Y : (n, channel)      seed, flips : of the signs. For a count k the rank-k residual is sign-flipped; its largest
    eigenvalue, corrected for the degrees of freedom lost, is what noise can do. The smallest k that passes, by bisection.
    After Hong, Sheng & Dobriban 2020, arXiv:2012.02985. Raises CubeError for NaN. Misses components among much stronger ones
    without deflation; with it, errors of one.
    """
    Y = check_table(Y)
    n, d = Y.shape
    left, values, right = np.linalg.svd(Y, full_matrices=False)
    rng = np.random.default_rng([seed, 5])

    def enough(k: int) -> bool:
        rest = (left[:, k:] * values[k:]) @ right[k:]
        tops = []
        for _ in range(flips):
            flipped = rest * rng.choice([-1.0, 1.0], rest.shape)
            tops.append(np.linalg.eigvalsh(flipped @ flipped.T if n < d else flipped.T @ flipped)[-1])
        edge_k, edge_0 = (np.sqrt(n - k) + np.sqrt(d - k)) ** 2, (np.sqrt(n) + np.sqrt(d)) ** 2
        return values[k] ** 2 < max(tops) * edge_k / edge_0 * n * d / ((n - k) * (d - k))

    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def bi_cross_validation(Y: np.ndarray, seed: int = 0) -> tuple[int, np.ndarray]:
    """Rank that best predicts a quarter of the table from the other three: count, and the error of rank 0, 1, …

    Y : (n, channel)      A ≈ B D_k⁺ C over a random 2 x 2 split, each block once      seed : of the split
    Owen & Perry 2009, doi:10.1214/08-AOAS227. Raises CubeError for NaN or fewer than four samples or channels. Cannot count
    beyond half of min(n, channel), and is off by many near it.
    """
    Y = check_table(Y)
    if min(Y.shape) < 4:
        raise CubeError(f"The table has shape {Y.shape}; cross-validation needs four samples and channels.")
    rng = np.random.default_rng([seed, 6])
    rows, columns = (np.array_split(rng.permutation(size), 2) for size in Y.shape)
    most = min(len(rows[1]), len(columns[1]))
    error = np.zeros(most + 1)
    for i in range(2):
        for j in range(2):
            error += _held_out(Y, (rows[i], rows[1 - i]), (columns[j], columns[1 - j]), most)
    return int(error.argmin()), error


def _held_out(Y: np.ndarray, rows: tuple, columns: tuple, most: int) -> np.ndarray:
    left, values, right = np.linalg.svd(Y[np.ix_(rows[1], columns[1])], full_matrices=False)
    rest = Y[np.ix_(rows[0], columns[0])].copy()
    sides = Y[np.ix_(rows[0], columns[1])] @ right.T
    tops = left.T @ Y[np.ix_(rows[1], columns[0])]
    error = np.full(most + 1, np.inf)
    error[0] = (rest**2).sum()
    for k in range(most):
        if values[k] <= 1e-12 * values[0]:
            error[k + 1 :] = error[k]
            break
        step = tops[k] / values[k]
        along = sides[:, k] @ rest @ step
        error[k + 1] = error[k] - 2 * along + (sides[:, k] @ sides[:, k]) * (step @ step)
        rest -= np.outer(sides[:, k], step)
    return error
