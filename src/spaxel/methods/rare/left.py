"""What mixtures of components leave of spectra."""

from __future__ import annotations

import numpy as np

from spaxel.linear.abundances import nnls


def left_over(spectra: np.ndarray, components: np.ndarray) -> np.ndarray:
    """|x - c S| / |x| of each spectrum (n, channel) that a non-negative mixture of components (k, channel) leaves: (n,).

    nan for a spectrum of zeros, or one that is not finite.
    """
    out, norm = np.full(len(spectra), np.nan), np.linalg.norm(spectra, axis=1)
    held = np.isfinite(norm) & (norm > 0)
    x = spectra[held].astype(np.float64)
    if len(x):
        out[held] = np.linalg.norm(x - nnls(x, components) @ components, axis=1) / norm[held]
    return out
