"""What an error does to a spectrum m (channel,): a few numbers of each sample, and how the spectrum depends on them.

drift : m + b P, P polynomials up to degree 3      gain : m exp(a P'), P' of degrees 1 to 3
moves : m seen through a kernel of five channels that sums to 1, so shifted, widened, or both
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

DRIFT, GAIN = 3, 3  # degrees
STEEP = 0.7  # largest logarithm of a gain
REACH = 2  # channels, of the kernel by which a spectrum is moved or widened
TAPS = (-2, -1, 1, 2)


class Kinds(NamedTuple):
    """Which errors a table may have."""

    drift: bool = False
    gain: bool = False
    moves: bool = False


def polynomials(channels: int, degree: int) -> np.ndarray:
    """Orthonormal polynomials along the axis, constant first: (degree + 1, channel)."""
    degree = min(degree, channels - 2)
    return np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, channels), degree))[0].T


def gains(channels: int) -> np.ndarray:
    """Shapes of a logarithmic gain, degrees 1 to 3, of rms 1: (3, channel)."""
    return polynomials(channels, GAIN)[1:] * np.sqrt(channels)


def distorted(m: np.ndarray, theta: np.ndarray, kinds: Kinds) -> np.ndarray:
    """Spectra m (n, channel) with a gain, and moved. theta : (n, q), gain first, then the kernel."""
    out, at = m, 0
    if kinds.gain:
        shapes = gains(m.shape[1])
        at = len(shapes)
        out = out * np.exp(np.clip(theta[:, :at] @ shapes, -STEEP, STEEP))
    if kinds.moves:
        out = _moved(out, theta[:, at:])
    return out


def _moved(m: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Spectra through the kernel of theta (n, 4), one neighbour after the other: no array is larger than they are."""
    held, channels = _held(m), m.shape[1]
    out = m * (1 - theta.sum(1, keepdims=True))
    for tap, share in zip(TAPS, theta.T, strict=True):
        out += share[:, None] * held[:, REACH + tap : REACH + tap + channels]
    return out


def slopes(m: np.ndarray, kinds: Kinds) -> np.ndarray:
    """How spectra change with each number of the error: (q, n, channel)."""
    parts = [m[None] * gains(m.shape[1])[:, None]] if kinds.gain else []
    parts += [_neighbours(m)] if kinds.moves else []
    return np.concatenate(parts) if parts else np.empty((0, *m.shape))


def _neighbours(m: np.ndarray) -> np.ndarray:
    """Spectra as their neighbours in the kernel see them, less themselves, ends held: (4, n, channel)."""
    held = _held(m)
    return np.array([held[:, REACH + tap : REACH + tap + m.shape[1]] - m for tap in TAPS])


def _held(m: np.ndarray) -> np.ndarray:
    """Spectra with their first and last values held beyond the ends: (n, channel + 4)."""
    return np.pad(m, ((0, 0), (REACH, REACH)), mode="edge")
