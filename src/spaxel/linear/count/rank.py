"""How many components a table holds, with the evidence: the edge of the noise decides where the noise fits its model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.count import estimators
from spaxel.linear.count.edge import QUANTILE, Edge, edge, scan_powers
from spaxel.linear.count.knee import Knee, knee, knee_words, shares_noise
from spaxel.linear.noise import Weights, biwhiten, check_table, eigenvalues, power_weights

UNEVEN = 2.0  # spread of residuals, in that of white noise, up to which the noise counts as even


@dataclass(frozen=True)
class Count:
    """n : components      sure : 0 … 1      sentence : why      fits : the noise is even and white after weighting

    estimates : {estimator: count}      curves : {"singular", "edge", "mdl", "gap", …: values at 0, 1, … or 1, 2, …}
    weights : that made the noise even      noise : its standard deviation in the weighted table
    """

    n: int
    sure: float
    sentence: str
    fits: bool
    estimates: dict[str, int]
    curves: dict[str, np.ndarray]
    weights: Weights
    noise: float


@dataclass(frozen=True)
class Whiteness:
    """Residual of rank k against white noise: spread of rows and channels (1 is right), correlation of neighbour channels."""

    rows: float
    channels: float
    neighbours: float
    fits: bool


def count_components(X: np.ndarray, *, power: float | str | None = None) -> Count:
    """Number of components of mixed spectra, how sure, and why.

    X : (n, channel)      power : noise of a sample ~ norm**power, "counts" for biwhitening, None: the scan decides
    The edge decides where the residual of its rank is even and white. Where neighbouring channels share their noise, the
    number is where the singular values break off (`knee.py`). Elsewhere the median of the estimators is taken, at most the
    edge: little sure.
    Raises CubeError for NaN, an empty table or one without signal; ParameterError for another power.
    Fails for more components than samples or channels (only the rank is seen), and where spectra are so alike that
    some drown in the noise: then too few.
    """
    X = check_table(X)
    X = X[X.any(1)]
    if not len(X):
        raise CubeError("All samples are zero: there is nothing to count.")
    if not (power is None or power == "counts" or (isinstance(power, (int, float)) and 0 <= power <= 2)):
        raise ParameterError(f'power is {power!r}, expected a number from 0 to 2, "counts" or None.')
    weights, found, scan = _weigh(X, power)
    if min(X.shape) == 1:
        what = "sample" if len(X) == 1 else "channel"
        said = f"1 component: there is one {what}, and nothing to measure the noise by."
        return Count(1, 0.0, said, False, {"edge": found.n}, {}, weights, found.noise)
    Y = weights.apply(X)
    values = eigenvalues(Y)
    estimates, curves = _ask(values, found, X.shape)
    curves["powers"] = np.array([[p, k] for p, k in scan.items()])
    white = whiteness(Y, found.n, found.noise)
    if power is None and shares_noise(Y, found):
        broken = knee(X)
        estimates["knee"], curves["knee"] = broken.n, broken.breaks
        return Count(
            broken.n,
            broken.sure,
            _explain_knee(broken, found, estimates),
            False,
            estimates,
            curves,
            weights,
            found.noise,
        )
    n, sure = _decide(found, estimates, white, X.shape)
    sentence = _explain(n, sure, found, estimates, white, weights)
    return Count(n, sure, sentence, white.fits, estimates, curves, weights, found.noise)


def whiteness(Y: np.ndarray, k: int, noise: float) -> Whiteness:
    """How white the residual of rank k is. Y : (n, channel)      noise : its standard deviation."""
    (n, d), m = Y.shape, min(Y.shape)
    if noise <= 0 or m - k < 2:
        return Whiteness(1.0, 1.0, 0.0, m - k >= 1 and m > 1)
    left, values, right = np.linalg.svd(Y, full_matrices=False)
    rest = (left[:, k:] * values[k:]) @ right[k:] / noise
    rows = _spread((rest**2).sum(1), 1 - (left[:, :k] ** 2).sum(1), d - k)
    channels = _spread((rest**2).sum(0), 1 - (right[:k] ** 2).sum(0), n - k)
    neighbours = float((rest[:, 1:] * rest[:, :-1]).sum() / (rest**2).sum()) if d > 1 else 0.0
    fits = rows < UNEVEN and channels < UNEVEN and abs(neighbours) < 0.1 + k / d
    return Whiteness(rows, channels, neighbours, bool(fits))


def _spread(energy: np.ndarray, free: np.ndarray, dof: int) -> float:
    """Robust spread of chi2 over its degrees of freedom, in that of white noise."""
    good = free > 0.05
    if good.sum() < 4:
        return 1.0
    ratio = energy[good] / (free[good] * dof)
    low, high = np.quantile(ratio, [0.16, 0.84])
    return float((high - low) / 2 / np.sqrt(2 / dof))


def _weigh(X: np.ndarray, power: float | str | None) -> tuple[Weights, Edge, dict[float, int]]:
    if power is None:
        return scan_powers(X)
    weights = biwhiten(X) if power == "counts" else power_weights(X, float(power))
    found = edge(eigenvalues(weights.apply(X)), *X.shape)
    return weights, found, {weights.p: found.n}


def _ask(values: np.ndarray, found: Edge, shape: tuple[int, ...]) -> tuple[dict[str, int], dict[str, np.ndarray]]:
    n, d = shape
    estimates, curves = {"edge": found.n}, {"singular": np.sqrt(values), "edge": found.excess}
    estimates["mdl"], curves["mdl"] = estimators.mdl(values, n, d)
    estimates["hard threshold"] = estimators.gavish_donoho(values, n, d)
    estimates["gap"], curves["gap"] = estimators.largest_gap(values)
    return estimates, curves


def _decide(found: Edge, estimates: dict[str, int], white: Whiteness, shape: tuple[int, int]) -> tuple[int, float]:
    if white.fits:
        near = QUANTILE - found.excess[found.n] if found.n < len(found.excess) else np.inf
        above = found.excess[found.n - 1] - QUANTILE if found.n else np.inf
        sure = 0.99 if min(near, above) > 1 else 0.9
        if found.hidden:
            sure = 0.7
        if found.n > 0.8 * min(shape):
            sure = 0.5
        if sure > 0.9 and abs(estimates["mdl"] - found.n) > max(1, 0.02 * found.n):
            sure = 0.9
        return found.n, sure
    asked = [*estimates.values()]
    n = min(int(np.median(asked)), found.n)
    agree = np.mean([abs(k - n) <= max(1, 0.05 * n) for k in asked])
    return n, round(float(0.8 * agree), 2)


def _explain_knee(broken: Knee, found: Edge, estimates: dict[str, int]) -> str:
    noun = "component" if broken.n == 1 else "components"
    others = ", ".join(f"{name} {k}" for name, k in estimates.items() if name not in ("edge", "knee"))
    return (
        f"{broken.n} {noun} (probability {100 * broken.sure:.0f} %): {knee_words(broken, found.n)}. Others: {others}."
    )


def _explain(n: int, sure: float, found: Edge, estimates: dict[str, int], white: Whiteness, weights: Weights) -> str:
    how = "biwhitened" if np.isnan(weights.p) else f"samples weighted by norm^-{weights.p:g}"
    others = ", ".join(f"{name} {k}" for name, k in estimates.items() if name != "edge")
    noun = "component" if n == 1 else "components"
    if white.fits:
        values = "singular value stands" if found.n == 1 else "singular values stand"
        last = f"the last {found.excess[found.n - 1] - QUANTILE:.0f} widths above" if found.n else "none above"
        why = f"{found.n} {values} above the edge of the noise ({last}), which is even and white ({how})"
    else:
        why = (
            f"the noise is not even and white ({how}; spread of samples {white.rows:.1f}, of channels "
            f"{white.channels:.1f} instead of 1, correlation of neighbours {white.neighbours:.2f}), so its edge, "
            f"{found.n}, is only an upper bound and the median of all estimators is taken"
        )
    if white.fits and found.hidden:
        why += ", but so little that more may hide below it"
    return f"{n} {noun} (probability {100 * sure:.0f} %): {why}. Others: {others}."
