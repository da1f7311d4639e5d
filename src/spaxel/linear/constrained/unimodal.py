"""Shapes of a profile along the order of its samples: one maximum per run."""

from __future__ import annotations

from math import log

import numpy as np


def unimodal(a: np.ndarray, b: np.ndarray, *, counts: bool = False) -> np.ndarray:
    """The profile y >= 0 with one maximum (it rises, then falls; either part may be empty) that costs least.

    a, b : (n,) linear term and curvature b >= 0      returns : (n,)
    cost Σ ½ b y² - a y (least squares to a / b at weights b), or with `counts` Σ b y - a log y (Kullback-Leibler, a >= 0)
    Exact: adjacent violators are pooled for every place of the maximum, O(n). Stout 2008, doi:10.1016/j.csda.2008.08.005
    """
    b = np.maximum(b, 1e-300)
    up, down = _pool(a, b, counts=counts)[0], _pool(a[::-1], b[::-1], counts=counts)[0]
    top = int((up + down[::-1]).argmin())
    rising = _pool(a[:top], b[:top], counts=counts)[1]
    falling = _pool(a[top:][::-1], b[top:][::-1], counts=counts)[1][::-1]
    values = np.append(rising, falling)
    return np.maximum(values, 0.0)


def unimodal_in_runs(a: np.ndarray, b: np.ndarray, runs: np.ndarray, *, counts: bool = False) -> np.ndarray:
    """`unimodal` in each run. runs : (n,) of each sample, whole numbers; the samples of a run lie in order of time."""
    out = np.empty(len(a))
    for run in np.unique(runs):
        rows = runs == run
        out[rows] = unimodal(a[rows], b[rows], counts=counts)
    return out


def _pool(a: np.ndarray, b: np.ndarray, *, counts: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rising fits: cost of the best one to the first 0, 1 … n values, and the values of that to all, (n,)."""
    stack: list[tuple[float, float, int, float]] = []  # of each pool: sums of a and b, length, cost up to its end
    costs = [0.0]
    for one_a, one_b in zip(a.tolist(), b.tolist(), strict=True):
        sum_a, sum_b, length = one_a, one_b, 1
        while stack and stack[-1][0] * sum_b >= sum_a * stack[-1][1]:
            last_a, last_b, last_length, _ = stack.pop()
            sum_a, sum_b, length = sum_a + last_a, sum_b + last_b, length + last_length
        cost = 0.0 if sum_a <= 0 else -0.5 * sum_a * sum_a / sum_b
        if counts and sum_a > 0:
            cost = sum_a - sum_a * (log(sum_a) - log(sum_b))
        costs.append(cost + (stack[-1][3] if stack else 0.0))
        stack.append((sum_a, sum_b, length, costs[-1]))
    values = [sum_a / sum_b for sum_a, sum_b, _, _ in stack]
    return np.array(costs), np.repeat(values, [length for _, _, length, _ in stack])
