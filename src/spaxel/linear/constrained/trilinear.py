"""Profiles that are the same in each run up to their height: what makes a factorisation of several runs unique."""

from __future__ import annotations

import numpy as np

from spaxel.linear.constrained.unimodal import unimodal

TURNS = 5  # of heights and shape, in each step


def in_runs(runs: np.ndarray) -> np.ndarray:
    """Rows of each run in their order, (run, time). runs : (n,) whole numbers, each as often"""
    return np.stack([np.flatnonzero(runs == run) for run in np.unique(runs)])


def alike_in_runs(a: np.ndarray, b: np.ndarray, y: np.ndarray, rows: np.ndarray, *, one_maximum: bool) -> np.ndarray:
    """A better profile y >= 0 (n,) that is heights (run,) times one shape (time,): it costs no more than the y that was given.

    a, b : (n,) linear term and curvature b >= 0 of the cost Σ ½ b y² - a y; where both are 0, y is to be 0
    rows : (run, time), see `in_runs`      one_maximum : of the shape
    Heights and shape in turn, each exactly. Carroll & Chang 1970 (PARAFAC), here of one component at a time.
    """
    a, b, grid = a[rows], b[rows], y[rows]
    free = b > 0
    shape = np.where(free.any(0), grid.sum(0), 0.0)
    if not shape.any():  # a component that is in no run comes back by what is left for it
        shape = np.maximum(np.where(free, a, 0.0).sum(0), 0.0)
    heights = np.zeros(len(rows))
    for _ in range(TURNS):
        heights = _ratio(a @ shape, b @ shape**2)
        if not heights.any():
            break
        top, bottom = heights @ a, heights**2 @ b
        shape = unimodal(top, bottom) if one_maximum else _ratio(top, bottom)
    out = np.empty(len(y))
    out[rows] = np.where(free, np.outer(heights, shape), 0.0)
    return out


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """The quotient, 0 where it is negative or there is nothing to divide by."""
    return np.where((bottom > 0) & (top > 0), top / np.where(bottom > 0, bottom, 1.0), 0.0)
