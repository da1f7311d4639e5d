"""Is the light even? By how the brightness of nearly pure spectra spreads, and what freeing the brightness explains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import ParameterError
from spaxel.linear.abundances import fcls, nnls
from spaxel.linear.scene.pool import pooled_corners

NUMBERS = (3, 4, 6)  # of components at which the light is looked at: the middle of what they say
STARTS = 2
PURE = 0.8  # share from which on a spectrum counts as nearly pure
FEW = 10  # nearly pure spectra from which on a component tells of the light
UNEVEN = 0.11  # spread of the light from which on it is uneven
GAIN = (
    0.04  # spread of the light x what freeing the brightness takes off the residual, at least, for that: noise has none
)


class Light(NamedTuple):
    """light : spread of the brightness within nearly pure spectra, 1 = the brightness itself      relief : residual at fixed
    brightness over that at free brightness, at least 1"""

    light: float
    relief: float

    @property
    def uneven(self) -> bool:
        """Whether abundances need a free brightness."""
        return self.light > UNEVEN and self.light * (self.relief - 1) > GAIN


def light_of(X: np.ndarray) -> Light:
    """The light of a scene, once for all numbers of components and seeds. X : (n, channel), no spectrum zero.

    The median spread over 3, 4 and 6 components, so that the verdict does not hang on their number: with two, what tells
    materials apart passes for light, and with too many the light stays.
    Fails where light and material go together (each material on its own slope).
    """
    said = []
    for number in NUMBERS:
        try:
            said.append(_at(X, pooled_corners(X, number, starts=STARTS).spectra))
        except ParameterError:  # no such corners
            break
    if not said:
        return Light(0.0, 1.0)
    return sorted(said)[len(said) // 2]


def pure_scale(X: np.ndarray, S: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How bright each component is where it is nearly alone: (k,); brightness (n,) and shares (n, k) at that scale.

    The weighted median of the brightness, each spectrum with the eighth power of its share as weight.
    """
    S = S / np.linalg.norm(S, axis=1, keepdims=True)
    C = nnls(X, S)
    total = C.sum(1)
    order = np.argsort(total)
    weight = (C / np.maximum(total, 1e-300)[:, None])[order] ** 8
    middle = (np.cumsum(weight, axis=0) >= weight.sum(0) / 2).argmax(0)
    scale = np.maximum(total[order][middle], 1e-300)
    C = C / scale
    brightness = C.sum(1)
    return scale, brightness, C / np.maximum(brightness, 1e-300)[:, None]


def _at(X: np.ndarray, S: np.ndarray) -> Light:
    scale, brightness, shares = pure_scale(X, S)
    spreads = []
    for share in shares.T:
        pure = brightness[share > PURE]
        if len(pure) >= FEW:
            low, middle, high = np.percentile(pure, [16, 50, 84])
            spreads.append((high - low) / 2 / max(middle, 1e-300))
    fixed = min(_residual(X, fcls(X, corners), corners) for corners in _scaled(S, scale))
    free = _residual(X, nnls(X, S), S)
    relief = fixed / max(free, 1e-12 * float((X**2).sum()))
    spread = float(np.median(spreads)) if spreads else float(brightness.std() / brightness.mean())
    return Light(spread, max(float(relief), 1.0))


def _scaled(S: np.ndarray, scale: np.ndarray) -> list[np.ndarray]:
    return [S, S / np.linalg.norm(S, axis=1, keepdims=True) * scale[:, None]]


def _residual(X: np.ndarray, C: np.ndarray, S: np.ndarray) -> float:
    return float(((X - C @ S) ** 2).sum())
