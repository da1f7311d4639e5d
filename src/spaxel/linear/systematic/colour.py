"""Noise that neighbouring channels share: its autocovariance from what k components leave, and a filter that makes it white."""

from __future__ import annotations

import numpy as np

from spaxel.linear.sparse.starts import subspace

ORDER = 8  # channels that the filter looks back


def residual(Y: np.ndarray, k: int) -> np.ndarray:
    """What k directions leave of Y (n, channel)."""
    if not k:
        return Y
    right = subspace(Y, k)[2]
    return Y - (Y @ right.T) @ right


def autocorrelation(rest: np.ndarray, lags: int) -> np.ndarray:
    """Correlation of channels 0, 1, … lags apart, over all samples: (lags + 1,)."""
    power = max(float((rest**2).sum()), 1e-300)
    d = rest.shape[1]
    return np.array([(rest[:, lag:] * rest[:, : d - lag]).sum() / power * d / (d - lag) for lag in range(lags + 1)])


def whitening(rest: np.ndarray, order: int = ORDER) -> np.ndarray:
    """A filter (order + 1,) that takes off what the channels before foretell, for noise like `rest` (n, channel).

    Yule-Walker: a solves R a = r with the autocorrelations of the residual.
    """
    from scipy.linalg import solve_toeplitz

    order = min(order, rest.shape[1] // 4)
    r = autocorrelation(rest, order)
    r[0] *= 1 + 1e-6
    return np.append(1.0, -solve_toeplitz(r[:order], r[1:])) if order else np.ones(1)


def whitened(Y: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Y (n, channel) through the filter; the first channels, which have too few before them, are left out."""
    d = Y.shape[1] - len(taps) + 1
    return sum(
        (tap * Y[:, len(taps) - 1 - i : len(taps) - 1 - i + d] for i, tap in enumerate(taps)), np.zeros((len(Y), d))
    )
