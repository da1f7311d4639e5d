"""How large the noise is, how it depends on the signal, and the weights that make it even. Arrays (n, channel)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import CubeError

SMALL = 1e-13  # of the largest eigenvalue, below which an eigenvalue is rounding


class Weights(NamedTuple):
    """row[:, None] * X * channel has even noise.   row : (n,)   channel : (d,)   p : row = norm**-p, nan if not a power."""

    row: np.ndarray
    channel: np.ndarray
    p: float

    def apply(self, X: np.ndarray) -> np.ndarray:
        """The weighted samples: (n, channel)."""
        return X * self.row[:, None] * self.channel


def check_table(X: np.ndarray, what: str = "The samples") -> np.ndarray:
    """X as float64 (n, channel). Raises CubeError if it is not a finite, non-empty table of real numbers."""
    X = np.asarray(X)
    if X.dtype.kind not in "biuf":
        raise CubeError(f"{what} have dtype {X.dtype}, expected real numbers. Try numpy.asarray(X, float).")
    if X.ndim != 2 or 0 in X.shape:
        raise CubeError(f"{what} have shape {X.shape}, expected (n, channel) with at least one of each. Try reshape.")
    X = np.array(X, dtype=np.float64, order="C")
    if not np.isfinite(X).all():
        rows = int((~np.isfinite(X).all(1)).sum())
        raise CubeError(f"{what} hold NaN or infinite values in {rows} rows. Try without them.")
    return X


def power_weights(X: np.ndarray, p: float) -> Weights:
    """Rows divided by their norm to the power p: 0 for even noise, 0.5 for counts, 1 for a fixed signal-to-noise ratio."""
    norms = np.linalg.norm(X, axis=1)
    safe = np.where(norms > 0, norms / np.median(norms[norms > 0]) if norms.any() else 1.0, 1.0)
    return Weights(safe**-p, np.ones(X.shape[1]), float(p))


def biwhiten(X: np.ndarray, n_iterations: int = 200, tolerance: float = 1e-6) -> Weights:
    """Weights of rows and channels that make Poisson noise even with variance 1.

    X : (n, channel) counts >= 0      sqrt(u) X sqrt(v), where u X v has row sums `channel` and column sums n (Sinkhorn)
    Landa, Zhang & Kluger 2022, doi:10.1137/21M1456807      p is nan
    Raises CubeError for negative values. Rows or channels without counts keep weight 0. Fails, by slow convergence, on very
    sparse tables (far below one count per channel).
    """
    X = check_table(X)
    if (X < 0).any():
        raise CubeError("Biwhitening needs counts, but there are negative values. Try weights of rows, p = 0 … 1.")
    rows, columns = X.any(1), X.any(0)
    part = X[rows][:, columns]
    n, d = part.shape
    u, v = np.ones(n), np.ones(d)
    for _ in range(n_iterations):
        u = d / (part @ v)
        columns_now = v * (u @ part)
        v = n / (u @ part)
        if np.abs(columns_now / n - 1).max(initial=0) < tolerance:
            break
    row, channel = np.zeros(len(X)), np.zeros(X.shape[1])
    row[rows], channel[columns] = np.sqrt(u), np.sqrt(v)
    return Weights(row, channel, float("nan"))


def eigenvalues(X: np.ndarray) -> np.ndarray:
    """Squared singular values of X (n, channel), largest first: (min(n, channel),); rounding errors are set to 0."""
    gram = X @ X.T if len(X) <= X.shape[1] else X.T @ X
    values = np.maximum(np.linalg.eigvalsh(gram)[::-1], 0)
    return np.where(values > SMALL * len(gram) * values[0], values, 0.0)
