"""How amounts and spectra become a spectrum: plain functions f(c, S, θ) -> x, the plug-ins for non-linear mixing.

Each works on NumPy arrays and on tensors alike: c (n, k) >= 0 gated amounts, S (k, channel) spectra of norm 1, θ (p,) raw
parameters, x (n, channel). Nothing of size n x k x channel or k x k x channel is made. Data are scaled so that their
largest value is 1 before a plug-in sees them. A plug-in of one's own is such a function, or "module:function"; it begins
at θ = (-3,) and should be near linear there.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from spaxel.errors import ParameterError
from spaxel.methods.ebgmcr.curves import FREE, bend, bent_at, unbend

START = -3.0  # of θ for a plug-in of one's own


class Aggregate(NamedTuple):
    """mix : f(c, S, θ) -> x   start : θ at which it is near linear   grid : θ to try from the data alone, near linear first

    inverse : x, θ -> y with f = g(y), y = c S, where it acts on each value alone; None else
    strength : θ -> the parameter as people write it, and its name
    """

    name: str
    mix: Callable[[Any, Any, Any], Any]
    start: tuple[float, ...]
    grid: tuple[tuple[float, ...], ...] = ()
    inverse: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    strength: Callable[[np.ndarray], dict[str, float]] = lambda theta: {"theta": float(theta[0])}

    @property
    def linear(self) -> bool:
        """Whether there is nothing to learn."""
        return not self.start


def _exp(x: Any) -> Any:
    return np.exp(x) if isinstance(x, np.ndarray) else x.exp()


def linear(c: Any, S: Any, theta: Any) -> Any:
    """x = c S."""
    return c @ S


def saturation(c: Any, S: Any, theta: Any) -> Any:
    """x = y / (1 + a y), y = c S, a = exp θ: dead time of a counter, saturating detectors."""
    y = c @ S
    return y / (1 + _exp(theta) * y)


def absorbance(c: Any, S: Any, theta: Any) -> Any:
    """x = (1 - exp(-a y)) / a, y = c S, a = exp θ: light that is absorbed approaches 1 / a."""
    a = _exp(theta)
    return (1 - _exp(-a * (c @ S))) / a


def bilinear(c: Any, S: Any, theta: Any) -> Any:
    """x = c S + θ √channel / Σc · Σ_(k<l) c_k c_l s_k s_l: light that meets two materials.

    Fan et al. 2009, doi:10.1080/01431160802558659, for shares of sum 1; written so that brightness is free. The sum over
    pairs is ((c S)² - c² S²) / 2.
    """
    y = c @ S
    total = c.sum(1)[:, None]
    pairs = (y * y - (c * c) @ (S * S)) / 2
    return y + theta * (S.shape[1] ** 0.5) * pairs / (total + 1e-30)


def monotone(c: np.ndarray, S: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """x = f(y), y = c S, f any rising curve (see curves); of arrays only, so that no net trains it."""
    return bend(c @ S, np.asarray(theta, np.float64))


def _undo_saturation(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """y = x / (1 - a x), below the reach of the detector."""
    a = np.exp(theta)
    x = np.minimum(x, 0.98 / a)
    return x / (1 - a * x)


def _undo_absorbance(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
    a = np.exp(theta)
    return -np.log1p(-np.minimum(a * x, 0.98)) / a


def _strength(theta: np.ndarray) -> dict[str, float]:
    return {"a": float(np.exp(theta[0]))}


_A = tuple((float(np.log(a)),) for a in (1e-3, 0.03, 0.06, 0.12, 0.18, 0.25, 0.33, 0.42, 0.5, 0.6, 0.7, 0.8, 0.88))

AGGREGATES = {
    "linear": Aggregate("linear", linear, ()),
    "saturation": Aggregate("saturation", saturation, _A[0], _A, _undo_saturation, _strength),
    "absorbance": Aggregate("absorbance", absorbance, _A[0], _A, _undo_absorbance, _strength),
    "bilinear": Aggregate("bilinear", bilinear, (0.05,), (), None, lambda theta: {"gamma": float(theta[0])}),
}


MONOTONE = Aggregate("monotone", monotone, (0.0,) * len(FREE), (), unbend, bent_at)
NAMED = AGGREGATES | {"monotone": MONOTONE}


def find_aggregate(mixing: str | Callable[[Any, Any, Any], Any]) -> Aggregate:
    """The plug-in of a name, of "module:function", or of a function. Raises ParameterError if there is none."""
    if callable(mixing):
        return Aggregate(getattr(mixing, "__name__", "own"), mixing, (START,))
    if mixing in NAMED:
        return NAMED[mixing]
    module, colon, name = mixing.partition(":")
    if not colon:
        raise ParameterError(
            f"mixing is {mixing!r}, expected one of {', '.join(NAMED)}, auto, a function or module:function."
        )
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ParameterError(f"mixing is {mixing!r}, but there is no such function: {error}.") from error
    return Aggregate(mixing, function, (START,))
