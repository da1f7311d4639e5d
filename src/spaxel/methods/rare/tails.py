"""How often the scene alone reaches a score: the upper tail as it is measured, continued by a generalised Pareto law.

No law of the noise is trusted: real scenes have heavier tails than normal ones. The law is fitted to the scores above
the 90 % quantile; of the highest 1 %, in which targets may lie, only their number is used (Pickands 1975, censored).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

START, TOP = 0.10, 0.01  # shares of the pixels above the threshold, and above which values are not looked at
LOW, HIGH, STEP = -25.0, 65.0, 1 / 64  # logarithms of scores that are told apart
SHAPES = np.linspace(0.0, 1.5, 61)  # of the law; 0: exponential, as that of normal noise
SCALES = np.linspace(-3.0, 3.0, 121)  # logarithms of its scale, over that of the mean excess
LEAST = 1e-30  # chance that is told apart from 0
PARTS = 12  # of what lies between the threshold and the highest values


class Tail(NamedTuple):
    """edges : (m,) scores, and share : (m,) of the pixels above each; above `start` a law of this scale and shape."""

    edges: np.ndarray
    share: np.ndarray
    start: float
    above: float
    scale: float
    shape: float

    def chance(self, scores: np.ndarray) -> np.ndarray:
        """That the scene has at least this score, of each; 1 where there is none (nan)."""
        scores = np.nan_to_num(np.asarray(scores, np.float64), nan=-np.inf)
        measured = np.interp(scores, self.edges, self.share)
        if not self.scale:
            return np.maximum(measured, LEAST)
        excess = np.maximum(scores - self.start, 0)
        law = self.above * survival(excess, self.scale, self.shape)
        return np.maximum(np.where(scores > self.start, law, measured), LEAST)


def survival(excess: np.ndarray, scale: np.ndarray | float, shape: np.ndarray | float) -> np.ndarray:
    """Chance that a generalised Pareto variable exceeds `excess`."""
    scale, shape = np.asarray(scale), np.asarray(shape)
    flat = np.abs(shape) < 1e-9
    safe = np.where(flat, 1.0, shape)
    inside = np.maximum(1 + safe * excess / scale, 1e-300)
    return np.where(flat, np.exp(-excess / scale), np.exp(-np.log(inside) / safe))


def histogram(scores: np.ndarray) -> np.ndarray:
    """How many scores lie in each step of their logarithm, (n_steps,) int; nan is left out. Sums over parts are exact."""
    values = scores[np.isfinite(scores)].astype(np.float64)
    steps = np.floor((np.log(np.maximum(values, 1e-300)) - LOW) / STEP)
    n = int((HIGH - LOW) / STEP)
    return np.bincount(np.clip(steps, 0, n - 1).astype(int), minlength=n)


def fit_tail(counts: np.ndarray) -> Tail:
    """The tail of scores from their histogram. Where there are too few for a law (200), the measured shares stand."""
    total = max(int(counts.sum()), 1)
    edges = np.exp(LOW + STEP * np.arange(len(counts) + 1))
    share = np.append(counts[::-1].cumsum()[::-1], 0) / total
    if total < 200 or (counts > 0).sum() < PARTS:
        return Tail(edges, np.maximum(share, 1 / total), np.inf, 1.0, 0.0, 0.0)
    first = int(np.flatnonzero(share <= START)[0])
    last = max(first + 1, int(np.flatnonzero(share <= TOP)[0]))
    places = np.unique(np.rint(np.linspace(first, last, PARTS + 1)).astype(int))
    excess = edges[places] - edges[first]
    inside = share[places][:-1] - share[places][1:]
    scale, shape = _fitted(excess, inside, share[last])
    return Tail(edges, share, float(edges[first]), float(share[first]), scale, shape)


def _fitted(excess: np.ndarray, inside: np.ndarray, beyond: float) -> tuple[float, float]:
    """Scale and shape under which these shares between (and beyond) excesses are likeliest, on a grid."""
    mean = float((inside * (excess[1:] + excess[:-1]) / 2).sum() + beyond * excess[-1]) / max(
        float(inside.sum() + beyond), 1e-300
    )
    mean = max(mean, 1e-300)
    scales, shapes = mean * np.exp(SCALES)[:, None, None], SHAPES[None, :, None]
    reach = survival(excess[None, None], scales, shapes)
    chance = np.maximum(reach[..., :-1] - reach[..., 1:], 1e-12)
    likely = (inside * np.log(chance)).sum(-1) + beyond * np.log(np.maximum(reach[..., -1], 1e-12))
    at = np.unravel_index(int(likely.argmax()), likely.shape)
    return float(mean * np.exp(SCALES[at[0]])), float(SHAPES[at[1]])
