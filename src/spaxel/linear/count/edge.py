"""The Marchenko-Pastur edge: how many components stand above white noise, and the weights of rows under which it is white."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc

from spaxel.linear.noise import Weights, eigenvalues, power_weights

QUANTILE = 3.27  # of Tracy-Widom (real), alpha = 0.001
WEAK = 20.0  # widths above the edge, below which a last component suggests that more are hidden
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Edge(NamedTuple):
    """n : components   noise : standard deviation   excess : (m,) of each eigenvalue over the edge, in its widths."""

    n: int
    noise: float
    excess: np.ndarray

    @property
    def p_last(self) -> float:
        """Chance that noise makes the last component counted: 1 if there is none."""
        return tail(self.excess[self.n - 1]) if self.n else 1.0

    @property
    def hidden(self) -> bool:
        """Whether the last component counted is so weak that more may hide below the edge."""
        return self.n > 1 and bool(self.excess[self.n - 1] < WEAK)

    @property
    def p_next(self) -> float:
        """Chance that noise makes an eigenvalue as large as the first one not counted."""
        return tail(self.excess[self.n]) if self.n < len(self.excess) else 1.0


def tail(x: float) -> float:
    """P(Tracy-Widom (real) > x), by the gamma law of Chiani 2014, doi:10.1016/j.jmva.2014.04.002."""
    return float(gammaincc(46.446, max(x + 9.84801, 0.0) / 0.186054))


def edge(values: np.ndarray, n: int, d: int) -> Edge:
    """Sequential test of squared singular values (m,) of an (n, d) table against white noise.

    s² = sum_(j>k) l_j / ((n-k)(d-k)),  µ = (√(n-k-½) + √(d-k-½))²,  w = √µ (1/√(n-k-½) + 1/√(d-k-½))^⅓
    the count is the first k with l_(k+1) < s² (µ + 3.27 w)      Johnstone 2001, doi:10.1214/aos/1009210544
    Fails near full rank (too few: no noise is left to measure) and under noise that is not white (too many, without limit).
    """
    m = len(values)
    k = np.arange(m)
    noise2 = np.cumsum(values[::-1])[::-1] / ((n - k) * (d - k))
    a, b = np.sqrt(n - k - 0.5), np.sqrt(d - k - 0.5)
    middle, width = (a + b) ** 2, (a + b) * (1 / a + 1 / b) ** (1 / 3)
    excess = (values / np.where(noise2 > 0, noise2, 1) - middle) / width
    excess = np.where(noise2 > 0, excess, -np.inf)
    below = np.flatnonzero(excess < QUANTILE)
    count = int(below[0]) if below.size else m - 1
    return Edge(count, float(np.sqrt(noise2[count])), excess)


def scan_powers(X: np.ndarray, powers: tuple[float, ...] = POWERS) -> tuple[Weights, Edge, dict[float, int]]:
    """The power p of row weights norm**-p under which the edge counts least: a wrong one only adds components.

    X : (n, channel)      returns : weights, edge, {p: count}; of equal counts the p nearest to
    the growth of the residual with the norm
    """
    trials = {}
    for p in powers:
        weights = power_weights(X, p)
        trials[p] = weights, edge(eigenvalues(weights.apply(X)), *X.shape)
    least = min(e.n for _, e in trials.values())
    tied = [p for p in powers if trials[p][1].n == least]
    fitted = tied[0] if len(tied) == 1 else _power(X, *trials[tied[-1]])
    p = min(tied, key=lambda q: abs(q - fitted))
    return *trials[p], {q: e.n for q, (_, e) in trials.items()}


def _power(X: np.ndarray, weights: Weights, found: Edge) -> float:
    """p with residual ~ norm**p over the rows, from the residual of the rank found under other weights."""
    Y = weights.apply(X)
    tall = len(Y) > Y.shape[1]
    top = np.linalg.eigh(Y.T @ Y if tall else Y @ Y.T)[1][:, min(Y.shape) - found.n :]
    if tall:
        rest = ((Y - (Y @ top) @ top.T) ** 2).sum(1)
    else:
        rest = ((Y - top @ (top.T @ Y)) ** 2).sum(1) / np.maximum(1 - (top**2).sum(1), 1e-6)
    norms = np.linalg.norm(X, axis=1)
    good = (rest > 0) & (norms > 0)
    if good.sum() < 3 or np.ptp(np.log(norms[good])) < 1e-3:
        return 0.0
    return weights.p + float(np.polyfit(np.log(norms[good]), np.log(rest[good]), 1)[0]) / 2
