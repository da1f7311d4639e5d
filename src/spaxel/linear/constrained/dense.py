"""Tables whose samples hold most components: what fits leaves a choice; the least volume that fits nearly as well is taken.

Starts are the purest samples and the purest variables, which depend on no seed; how far they end apart is told.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from spaxel.linear.constrained.checks import Conditions
from spaxel.linear.constrained.factorise import Constrained, Search, constrain
from spaxel.linear.sparse.starts import normalised

VOLUME = 0.3  # price of the volume that components span; 1 = as likely as the noise says
OFFSET = 0.05  # of the largest mean, below which a variable counts as noise
AS_WELL = 1.05  # residual over the best, up to which a start fits as well


class Dense(NamedTuple):
    """components (k, channel) and concentrations (n, k), most abundant first      apart : (k,) rad, between starts that fit as
    well.
    """

    components: np.ndarray
    concentrations: np.ndarray
    apart: np.ndarray


def dense_components(X: np.ndarray, k: int) -> Dense:
    """k non-negative components of a dense table X (n, channel) >= 0 up to noise, with a small price on their volume.

    Each start (purest samples, purest variables, extreme samples) is solved on its own; the lowest cost is taken, the first of
    equals. Same table, same bits: nothing is drawn. Raises CubeError as `constrain`.
    Fails where no sample and no variable comes near to being pure: all starts then agree on spectra that are mixed.
    """
    conditions = Conditions(min_volume=VOLUME)
    begun = [Search(start, only=True) for start in (purest_samples(X, k), purest_variables(X, k))] + [Search()]
    found = [constrain(X, k, conditions, search=search) for search in begun]
    best = min(found, key=lambda one: float(one.objective[-1]))
    return Dense(best.components, best.concentrations, _apart(best, found))


def _apart(best: Constrained, found: list[Constrained]) -> np.ndarray:
    """Largest angle (k,) of each component to its match of other starts that fit as well."""
    apart, left = np.zeros(len(best.components)), 1 - best.explained
    for other in found:
        if 1 - other.explained <= AS_WELL * left + 1e-12:
            apart = np.maximum(apart, between(best.components, other.components))
    return apart


def between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angle (k,), rad, of each component of one (k, channel) to its match in the other, of as many."""
    cosine = _unit(one) @ _unit(other).T
    rows, columns = linear_sum_assignment(-cosine)
    return np.arccos(np.clip(cosine[rows, columns], -1, 1))


def purest_samples(X: np.ndarray, k: int) -> np.ndarray:
    """Spectra of the k purest samples (k, channel), norm 1. X : (n, channel)."""
    x = np.maximum(X, 0)
    return normalised(x[purest(x.T, k)])


def purest_variables(X: np.ndarray, k: int) -> np.ndarray:
    """Spectra (k, channel), norm 1, whose concentrations are the k purest channels of X (n, channel)."""
    x = np.maximum(X, 0)
    return normalised(np.maximum(np.linalg.lstsq(x[:, purest(x, k)], X, rcond=None)[0], 0))


def purest(x: np.ndarray, k: int) -> list[int]:
    """The k columns of x (n, m) >= 0 that vary most for their mean, each off the span of those before.

    Windig & Guilment 1991 (SIMPLISMA), doi:10.1021/ac00014a016
    """
    mean, spread = x.mean(0), x.std(0)
    offset = OFFSET * mean.max()
    rest = x / np.maximum(np.sqrt(spread**2 + (mean + offset) ** 2), 1e-300)
    purity, chosen = spread / np.maximum(mean + offset, 1e-300), []
    for _ in range(min(k, x.shape[1])):
        j = int(((rest**2).sum(0) * purity).argmax())
        size = float(np.linalg.norm(rest[:, j]))
        if size <= 1e-12:
            break
        chosen.append(j)
        direction = rest[:, j] / size
        rest = rest - np.outer(direction, direction @ rest)
    return chosen


def _unit(s: np.ndarray) -> np.ndarray:
    return s / np.maximum(np.linalg.norm(s, axis=1, keepdims=True), 1e-300)
