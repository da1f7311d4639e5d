"""Vertex component analysis, for comparison: its answer changes with the seed, so no method of spaxel builds on it."""

from __future__ import annotations

import numpy as np

from spaxel.linear.vertex import check_count, check_spectra, leading


def vca(X: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """Vertex component analysis: the extreme spectrum along a random direction off the span of those chosen, k times.

    X : (n, channel)      seed : of the directions      returns : (k,) row indices
    The data are projected on k directions of the raw moment and divided by their part along the mean (projective
    projection), or on k-1 principal components with a constant added if the signal-to-noise ratio is below
    15 + 10 log10 k dB. Nascimento & Dias 2005, doi:10.1109/TGRS.2005.844293
    Raises as `spa`. Fails under outliers, dark spectra (near-zero part along the mean), and without pure spectra;
    the answer changes with the seed: run several and keep the lowest unexplained variance.
    """
    X = check_spectra(X)
    check_count(X, k)
    rng = np.random.default_rng(seed)
    Y = _projected(X, k)
    chosen = np.zeros(k, dtype=np.intp)
    A = np.zeros((k, k))
    A[-1, 0] = 1.0
    for j in range(k):
        w = rng.standard_normal(k)
        off = w - A @ np.linalg.lstsq(A, w, rcond=None)[0]
        chosen[j] = i = int(np.abs(Y @ off).argmax())
        A[:, j] = Y[i]
    return chosen


def _projected(X: np.ndarray, k: int) -> np.ndarray:
    """What VCA walks on: (n, k)."""
    n, channels = X.shape
    mean = X.mean(0)
    centred = X - mean
    Y = centred @ leading(centred, k)
    total, signal = (X**2).sum() / n, (Y**2).sum() / n + mean @ mean
    noise = total - signal
    ratio = (signal - k / channels * total) / noise if noise > 1e-12 * total else np.inf
    if 10 * np.log10(max(ratio, 1e-30)) < 15 + 10 * np.log10(k):
        Y = Y[:, : k - 1]
        return np.column_stack([Y, np.full(n, np.sqrt((Y**2).sum(1).max()) or 1.0)])
    Y = X @ leading(X, k)
    along = Y @ Y.mean(0)
    floor = 1e-6 * np.abs(along).max()
    return Y / np.where(np.abs(along) < floor, np.inf, along)[:, None]
