"""Tables with holes: which entries are known and what they weigh, and a low rank that fills the others."""

from __future__ import annotations

import numpy as np

from spaxel.errors import CubeError
from spaxel.linear.noise import check_table

ROUNDS = 200
HIDDEN = 0.1  # of the known entries, to see what rank predicts them
SETTLED = 1e-6  # change of the filled entries, relative to the table, at which they stay


def known_entries(X: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """(x, w): the table with 0 wherever the weight is 0, and its weights, None where all are 1.

    X : (n, channel), NaN = missing      weights : (n, channel) >= 0, or (channel,) or (n, 1); 0 = missing, None = 1
    What stands under a weight of 0 has no influence at all. Raises CubeError for infinite values, a wrong shape, negative
    weights, no known entry, or a channel without any.
    """
    X = np.asarray(X)
    if X.ndim != 2 or 0 in X.shape or X.dtype.kind not in "biuf":
        raise CubeError(f"Expected real spectra (n, channel), got {X.dtype} of shape {X.shape}. Try reshape.")
    X = X.astype(np.float64)
    w = np.ones(X.shape) if weights is None else _weights(weights, X.shape)
    w[np.isnan(X)] = 0.0
    x = np.where(w > 0, X, 0.0)
    if not np.isfinite(x).all():
        raise CubeError("There are infinite values. Try NaN, which counts as missing.")
    if blind := int((~w.any(0)).sum()):
        raise CubeError(f"{blind} of {X.shape[1]} channels have no known value. Try without them (spaxel.preprocess).")
    return x, (None if (w == 1).all() else w)


def _weights(weights: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    given = np.asarray(weights, np.float64)
    try:
        w = np.array(np.broadcast_to(given, shape))
    except ValueError:
        raise CubeError(f"The weights have shape {given.shape}, the table {shape}. Try one per entry.") from None
    if not (np.isfinite(w).all() and (w >= 0).all()):
        raise CubeError("The weights must be finite and not negative. Try 1 / variance, and 0 for missing.")
    return w


def filled(x: np.ndarray, w: np.ndarray | None, rank: int, rounds: int = ROUNDS) -> np.ndarray:
    """The table, missing entries by the best `rank` directions of the whole (n, channel); known entries stay as they are.

    x, w : of `known_entries`      Alternates a singular value decomposition and its values at the holes (Kurucz et al.
    2007; hard impute of Mazumder et al. 2010). Fails where a row or channel has fewer known entries than `rank`: they come
    near the mean spectrum.
    """
    if w is None or (w > 0).all():
        return x
    holes = w == 0
    weight = (~holes).sum(0)
    table = np.where(holes, x.sum(0) / np.maximum(weight, 1), x)
    size = max(float(np.sqrt((table**2).mean())), 1e-300)
    for _ in range(rounds):
        left, values, right = np.linalg.svd(table, full_matrices=False)
        new = ((left[:, :rank] * values[:rank]) @ right[:rank])[holes]
        change = np.abs(new - table[holes]).max()
        table[holes] = new
        if change < SETTLED * size:
            break
    return table


def holes_filled(X: np.ndarray) -> np.ndarray:
    """A sample (n, channel) without holes, for pictures and scenes: NaN by the leading ten directions of the whole."""
    x, w = known_entries(X)
    return filled(x, w, min(10, *x.shape))


def pedestal(X: np.ndarray, width: float = 3.0) -> float:
    """The constant that all samples stand on: the least value of their mean spectrum, smoothed by a Gaussian. X may hold NaN.

    X : (n, channel) -> a number >= 0 in its units      width : standard deviation of the Gaussian in channels
    Right where some channel has signal of no component; else what all have in common there is taken too, and spectra lose
    a constant. Raises CubeError as `known_entries`.
    """
    x, w = known_entries(X)
    mean = x.sum(0) / (len(x) if w is None else w.sum(0))
    return max(0.0, float(_smooth(mean, width).min()))


def _smooth(y: np.ndarray, width: float) -> np.ndarray:
    reach = min(int(4 * width), len(y) - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return np.convolve(y, kernel, "same") / np.convolve(np.ones(len(y)), kernel, "same")


def rank_of_holes(X: np.ndarray, most: int = 12, seed: int = 0) -> int:
    """The rank that best predicts known entries that are hidden: a table with holes cannot be counted before it is filled.

    X : (n, channel), NaN = missing; of more than 300 samples so many are looked at      seed : of what is hidden, a tenth
    The smallest rank within 2 % of the least error (a rank too many hardly hurts, one too few does).
    """
    rng = np.random.default_rng([seed, 14])
    x, w = known_entries(X[np.sort(rng.permutation(len(X))[:300])])
    known = np.ones(x.shape, bool) if w is None else w > 0
    hidden = known & (rng.random(x.shape) < HIDDEN)
    shown = (known & ~hidden).astype(np.float64)
    errors: list[float] = []
    for rank in range(1, min(most, *(size - 1 for size in x.shape)) + 1):
        guess = filled(np.where(shown > 0, x, 0.0), shown, rank, 30)
        errors.append(float(((guess - x)[hidden] ** 2).sum()))
        if len(errors) > 2 and min(errors[-2:]) > min(errors):
            break
    return 1 + int(np.argmax(np.array(errors) <= 1.02 * min(errors))) if errors else 1


def filled_with_noise(X: np.ndarray, rank: int, seed: int = 0) -> np.ndarray:
    """A table without holes to count components in: `filled`, with noise as large as that of the known entries.

    X : (n, channel), NaN = missing      Without the noise a low rank would make holes look too good.
    """
    x, w = known_entries(X)
    if w is None:
        return x
    table = filled(x, w, rank)
    left, values, right = np.linalg.svd(table, full_matrices=False)
    rest = (table - (left[:, :rank] * values[:rank]) @ right[:rank])[w > 0]
    n, d = x.shape
    sigma = np.sqrt((rest**2).sum() / max(len(rest) * (1 - rank / n) * (1 - rank / d), 1))
    noise = sigma * np.random.default_rng([seed, 11]).standard_normal(table.shape)
    return check_table(np.where(w > 0, table, table + noise))
