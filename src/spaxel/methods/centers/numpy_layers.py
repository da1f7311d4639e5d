"""Layers of a net in NumPy, float32, as PyTorch defines them, so that a saved model predicts without it."""

from __future__ import annotations

import numpy as np

SELU_SCALE, SELU_ALPHA = np.float32(1.0507009873554805), np.float32(1.6732632423543772)
ERFC = tuple(np.float32(v) for v in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))
ERFC_RATE, ROOT_HALF = np.float32(0.3275911), np.float32(0.7071067811865476)


def gelu(x: np.ndarray) -> np.ndarray:
    """x Φ(x), Φ the normal distribution, float32 and right to 5e-7: max(x, 0) - |x|/2 erfc(|x|/√2).

    erfc by the rational approximation of Hastings (Abramowitz and Stegun 7.1.26), a quarter of the time of an exact one.
    """
    size = np.abs(x)
    half = size * ROOT_HALF
    t = 1 / (1 + ERFC_RATE * half)
    tail = ERFC[0] * t
    for weight in ERFC[1:]:
        tail += weight
        tail *= t
    tail *= np.exp(-np.square(half))
    tail *= size * np.float32(0.5)
    return np.maximum(x, np.float32(0)) - tail


def selu(x: np.ndarray) -> np.ndarray:
    """Scaled exponential linear unit."""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Rows (n, width) to mean 0 and variance 1, then times weight and plus bias (width,)."""
    n = np.float32(x.shape[1])
    centred = x - x.sum(1, keepdims=True) / n
    scale = np.sqrt(np.einsum("ij,ij->i", centred, centred)[:, None] / n + np.float32(1e-5))
    centred *= 1 / scale
    return centred * weight + bias
