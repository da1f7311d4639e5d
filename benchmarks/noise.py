"""The noise of an image, for benchmarks that put spots or light into real scenes."""

from __future__ import annotations

import numpy as np

from spaxel.errors import CubeError


def neighbour_noise(image: np.ndarray) -> np.ndarray:
    """Noise covariance (channel, channel) from differences of horizontal and vertical neighbours.

    image : (y, x, channel); a list of spectra in order of time is (1, n, channel)
    Σ = cov(x_p - x_q) / 2      Green et al. 1988, doi:10.1109/36.3001
    Raises CubeError for NaN or fewer than two pixels. Too large where the scene itself changes from pixel to pixel.
    """
    image = np.asarray(image, np.float64)
    if image.ndim != 3 or image.shape[0] * image.shape[1] < 2 or not np.isfinite(image).all():
        raise CubeError(f"image has shape {image.shape}, expected (y, x, channel), finite, with two pixels or more.")
    along = [np.diff(image, axis=axis).reshape(-1, image.shape[2]) for axis in (0, 1) if image.shape[axis] > 1]
    steps = np.concatenate(along)
    return steps.T @ steps / (2 * len(steps))
