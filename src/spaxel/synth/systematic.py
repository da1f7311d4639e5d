"""What instruments do to mixtures besides noise: seven systematic errors of a table of spectra, each as large as a bad day.

Every function takes a generator and spectra (n, channel) and gives spectra; positions along the axis run from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

TWINS = 0.99  # cosine of two components that are nearly alike


def drift(rng: np.random.Generator, x: np.ndarray, size: float = 0.05) -> np.ndarray:
    """A baseline of each sample: a polynomial of degree 3 with its own coefficients, `size` of the sample's rms on average."""
    t = np.linspace(-1, 1, x.shape[1])
    shape = rng.standard_normal((len(x), 4)) @ np.polynomial.legendre.legvander(t, 3).T
    shape -= shape.min(1, keepdims=True)
    shape /= np.sqrt((shape**2).mean())
    return x + size * np.sqrt((x**2).mean(1, keepdims=True)) * shape


def scatter(rng: np.random.Generator, x: np.ndarray, size: float = 0.3) -> np.ndarray:
    """A gain that falls as a power of the wavelength (1 to 2.5 along the axis), whose exponent varies by `size`."""
    wavelength = np.linspace(1.0, 2.5, x.shape[1])
    return x * wavelength ** (-size * rng.standard_normal((len(x), 1)))


def tilt(rng: np.random.Generator, x: np.ndarray, size: float = 0.1) -> np.ndarray:
    """A gain that rises or falls in a straight line, by `size` from the middle to the end."""
    return x * (1 + size * rng.standard_normal((len(x), 1)) * np.linspace(-1, 1, x.shape[1]))


def jitter(rng: np.random.Generator, x: np.ndarray, size: float = 0.5) -> np.ndarray:
    """Each spectrum shifted along the axis by up to `size` channels, up or down; between channels lie straight lines."""
    at, shifts = np.arange(x.shape[1]), rng.uniform(-size, size, len(x))
    return np.array([np.interp(at + shift, at, row) for row, shift in zip(x, shifts, strict=True)])


def widths(rng: np.random.Generator, x: np.ndarray, size: float = 2.0) -> np.ndarray:
    """Bands of each sample widened by a Gaussian of up to `size` channels (standard deviation)."""
    from scipy.ndimage import gaussian_filter1d

    return np.array(
        [
            gaussian_filter1d(row, max(s, 1e-3), mode="nearest")
            for row, s in zip(x, rng.uniform(0, size, len(x)), strict=True)
        ]
    )


def coloured(rng: np.random.Generator, shape: tuple[int, ...], memory: float = 0.7) -> np.ndarray:
    """Noise of standard deviation 1 whose neighbours along the axis are alike by `memory` (autoregressive)."""
    from scipy.signal import lfilter

    white = rng.standard_normal((shape[0], shape[1] + 100))
    return lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], white, axis=1)[:, 100:]


def twins(rng: np.random.Generator, pure: np.ndarray, cosine: float = TWINS) -> np.ndarray:
    """Spectra (k, channel) of norm 1 whose last is made nearly like the first: the cosine of the two is this."""
    first, last = pure[0], pure[-1]
    rest = last - (last @ first) * first
    made = cosine * first + np.sqrt(1 - cosine**2) * rest / np.linalg.norm(rest)
    made = np.maximum(made, 0)
    return np.vstack([pure[:-1], made / np.linalg.norm(made)])


ERRORS: dict[str, Callable[..., np.ndarray]] = {
    "drift": drift,
    "scatter": scatter,
    "tilt": tilt,
    "jitter": jitter,
    "widths": widths,
}
