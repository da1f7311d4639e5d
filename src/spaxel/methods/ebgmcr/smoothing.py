"""What makes components smooth: a matrix that spectra are multiplied by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spaxel.errors import ParameterError


def smoothing_kernel(channels: int, width: int | Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
    """What smooths components as a matrix (channel, channel) that spectra are multiplied by; None for a width below 2.

    width : of a triangular window, or a linear function of spectra (m, channel). Raises ParameterError if it is not linear.
    """
    if callable(width):
        return _matrix_of(width, channels)
    if width < 2:
        return None
    apart = np.abs(np.arange(channels)[:, None] - np.arange(channels))
    weight = np.maximum(0, 1 - apart / ((width + 1) / 2))
    return weight / weight.sum(0)


def _matrix_of(function: Callable[[np.ndarray], np.ndarray], channels: int) -> np.ndarray:
    matrix = np.asarray(function(np.eye(channels)), np.float64)
    probe = np.random.default_rng(0).normal(size=(3, channels))
    if matrix.shape != (channels, channels) or not np.allclose(function(probe), probe @ matrix, atol=1e-6):
        raise ParameterError(
            "smoothing must be a linear function of spectra, (m, channel) -> (m, channel). Try gaussian_filter1d along axis 1."
        )
    return matrix
