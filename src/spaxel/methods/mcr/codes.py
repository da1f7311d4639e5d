"""How much of each component new spectra hold: plain functions of spectra (n, channel), one for each kind of model.

Each gives abundances (n, k), and the spectra that these explain (n, channel); a row from its own spectrum alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.errors import CubeError
from spaxel.linear.abundances import fcls, nnls
from spaxel.linear.constrained.half_steps import Rules, Table, poisson
from spaxel.linear.sparse.factorise import encode

ROUNDS = 300  # of multiplicative steps of a new spectrum


def encode_scene(components: np.ndarray, normalisation: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Abundances of sum 1; under uneven light (normalisation "unit") whatever the brightness. x may hold NaN."""
    if normalisation != "unit":
        shares = by_holes(x, components, fcls)
        return shares, shares @ components
    amounts = by_holes(x, components, nnls)
    total = amounts.sum(1, keepdims=True)
    shares = np.divide(amounts, total, out=np.full_like(amounts, np.nan), where=total > 0)
    return shares, amounts @ components


def encode_table(
    components: np.ndarray, level: float, power: float, hottest: float, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sparse abundances, where the noise of a spectrum is level * norm**power."""
    norm = np.linalg.norm(x, axis=1)
    sigma = np.maximum(level * norm**power, 1e-9 * norm + 1e-300)
    amounts = encode(x, components, sigma, hottest=hottest) if level > 0 else nnls(x, components)
    return amounts, amounts @ components


def encode_constrained(
    components: np.ndarray, base: float, x: np.ndarray, *, closure: bool = False, loss: str = "gaussian"
) -> tuple[np.ndarray, np.ndarray]:
    """Abundances (n, k) of new spectra (n, channel), NaN = missing, and what these explain, the pedestal included."""
    x = x - base
    amounts = by_holes(x, components, fcls if closure else nnls)
    if loss == "poisson":
        known = np.isfinite(x)
        table = Table(np.where(known, np.maximum(x, 0), 0.0), known.astype(np.float64), np.ones(len(x)))
        begin = np.maximum(np.nan_to_num(amounts), 1e-3 * np.nanmean(amounts, axis=1, keepdims=True))
        begin = np.nan_to_num(begin)
        begin = begin / np.maximum(begin.sum(1, keepdims=True), 1e-300) if closure else begin
        better = poisson(table, components, begin, Rules(closed=closure), ROUNDS)
        amounts = np.where(np.isfinite(amounts), better, np.nan)
    return amounts, amounts @ components + base


def by_holes(x: np.ndarray, components: np.ndarray, solve: Any) -> np.ndarray:
    """Least squares over the channels that each spectrum has; nan where these do not tell the components apart."""
    known = np.isfinite(x)
    if known.all():
        return solve(x, components)
    out = np.full((len(x), len(components)), np.nan)
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        rows = which.ravel() == i
        try:
            out[rows] = solve(x[np.ix_(rows, pattern)], components[:, pattern])
        except CubeError:  # the channels that are left do not determine the abundances
            continue
    return out
