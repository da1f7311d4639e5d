"""A mixing law that is learned from the data: any rising curve that acts on each value alone, x = f(y), y = c S.

The curve is given by its inverse h, whose slope is positive whatever θ is: ln h'(x) is a broken line through θ over ln(x + ε),
0 at the anchor. A power is a straight line there; saturation and absorbance bend at the end.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.optimize import minimize

from spaxel.linear.count.edge import edge
from spaxel.linear.noise import eigenvalues

EPSILON = 0.003  # of the largest value: what is smaller has one slope
KNOTS = np.log(np.array([0.0, 0.02, 0.08, 0.25, 0.55, 1.0]) + EPSILON)
ANCHOR = 3  # the knot at which the slope is 1
FREE = [i for i in range(len(KNOTS)) if i != ANCHOR]
BEYOND = 1.6  # times the largest value, to which the curve goes on
STEEPEST = 3.0  # |ln h'| at most
GRID = np.concatenate([np.linspace(0, 0.02, 60), np.geomspace(0.02, BEYOND, 240)[1:]])
ROUGH = 0.01  # how much a bend of the line costs
BELOW = (1.0, 0.8, 0.65)  # parts of a rank, whose fits are compared
TIMES, MOST = 2, 200  # searches, and curves that one looks at


def curve(theta: np.ndarray) -> np.ndarray:
    """h at GRID: the amount of light, say, of each reading, scaled so that readings of a quarter have slope 1."""
    slopes = np.zeros(len(KNOTS))
    slopes[FREE] = np.clip(theta, -STEEPEST, STEEPEST)
    slope = np.exp(np.interp(np.log(GRID + EPSILON), KNOTS, slopes))
    return cumulative_trapezoid(slope, GRID, initial=0.0)


def bend(y: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """f(y); below zero as it begins there, beyond the end of the curve straight on."""
    return _along(y, curve(theta), GRID)


def unbend(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """h(x), the inverse of `bend`."""
    return _along(x, GRID, curve(theta))


def _along(x: np.ndarray, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    first, last = (values[1] - values[0]) / (at[1] - at[0]), (values[-1] - values[-2]) / (at[-1] - at[-2])
    inside = np.interp(x, at, values)
    return inside + np.minimum(x, 0) * first + np.maximum(x - at[-1], 0) * last


def bent_at(theta: np.ndarray) -> dict[str, float]:
    """How readings of a tenth and of a half of what the largest one was made of compare with a straight line; 1: linear."""
    whole = unbend(np.ones(1), theta)[0]
    return {f"at {part:g}": float(bend(np.array([part * whole]), theta)[0] / part) for part in (0.1, 0.5)}


def learn_curve(X: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """θ for which the curve of a low rank explains most.   X : (n, channel), largest value 1      sigma : (n,)

    What ranks below that of a straight line leave of X is compared in the space of X, so that a stretch does not count; then
    again with the ranks below that which the curve found leaves. Starts: a straight line, powers, saturations.
    """
    line = KNOTS[FREE] - KNOTS[ANCHOR]
    starts = [np.zeros(len(FREE)), 0.4 * line, -0.3 * line]
    starts += [-2 * (np.log1p(-a * np.exp(KNOTS)) - np.log1p(-a * np.exp(KNOTS[ANCHOR])))[FREE] for a in (0.2, 0.45)]
    bounds = [(-STEEPEST, STEEPEST)] * len(FREE)
    best, last = starts[0], 0
    for _ in range(TIMES):
        rank = rank_of(X, sigma, best)
        if rank == last:
            break
        last, ranks = rank, sorted({max(1, round(part * rank)) for part in BELOW})

        def cost(theta: np.ndarray, ranks: list[int] = ranks) -> float:
            return float(np.log(left(X, sigma, theta, ranks)).sum()) + ROUGH * float(np.square(theta).mean())

        best = min([*starts, best], key=cost)
        found = minimize(cost, best, method="Powell", bounds=bounds, options={"maxfev": MOST, "ftol": 1e-4})
        best = found.x if found.fun < cost(best) else best
    return best


def rank_of(X: np.ndarray, sigma: np.ndarray, theta: np.ndarray) -> int:
    """How many components stand above the noise with the curve undone."""
    Y = unbend(X, theta) / _wide(X, sigma, theta)
    return max(1, edge(eigenvalues(Y), *Y.shape).n)


def left(X: np.ndarray, sigma: np.ndarray, theta: np.ndarray, ranks: list[int]) -> np.ndarray:
    """Mean square of X less the curve of each rank, in units of the noise, (rank,)."""
    wide = _wide(X, sigma, theta)
    Y = unbend(X, theta) / wide
    tall = len(Y) > Y.shape[1]
    vectors = np.linalg.eigh(Y.T @ Y if tall else Y @ Y.T)[1]
    found = []
    for rank in ranks:
        top = vectors[:, -rank:]
        low = (Y @ top) @ top.T if tall else top @ (top.T @ Y)
        found.append((((X - bend(low * wide, theta)) / sigma[:, None]) ** 2).mean())
    return np.maximum(found, 1e-12)


def _wide(X: np.ndarray, sigma: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """The noise with the curve undone, (n, 1)."""
    step = 0.1 * sigma[:, None]
    return np.sqrt(((unbend(X + step, theta) - unbend(X, theta)) ** 2).mean(1, keepdims=True)) / 0.1
