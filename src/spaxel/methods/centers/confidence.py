"""Confidence as a margin between centres, at one level. At many in one pass: `at_levels`."""

from __future__ import annotations

import numpy as np


def margins(far: np.ndarray, component: np.ndarray) -> np.ndarray:
    """1 - d1 / d2: d1 to the nearest centre, d2 to the nearest one of another component; 1 if there is none.

    far : (n, m) distances      component : (m,)      returns : (n,) in 0..1
    """
    if component.max() < 1:
        return np.ones(len(far))
    first, second = np.partition(nearest_of_each(far, component), 1, axis=1)[:, :2].T
    return ratio(first, second)


def nearest_of_each(far: np.ndarray, component: np.ndarray) -> np.ndarray:
    """Distance to the nearest centre of each component, (n, component). far : (n, m)      component : (m,)"""
    return np.stack([far[:, component == k].min(1) for k in range(component.max() + 1)], axis=1)


def ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """1 - first / second, 0 where both are 0."""
    return np.where(second > 0, 1 - first / np.maximum(second, 1e-300), 0.0)
