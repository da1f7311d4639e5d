"""How much of a line there is: the sum over a window, less a straight line through the channels on both sides of it.

    net = Σ_in (y_i - b - c t_i) d_i,      b and c by least squares from the channels beside the window

A linear function of the spectrum, so one row of weights serves all pixels (Van Grieken and Markowicz 2002, ch. 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FEWEST = 3  # channels beside a window, on each side
FARTHER = (1.0, 2.0, 4.0)  # times the reach, if nearer ones are taken by other lines


class Window(NamedTuple):
    """Where a line is summed. name : of the line     position, low, high : in units of the axis."""

    name: str
    position: float
    low: float
    high: float


class Weights(NamedTuple):
    """What is read of a spectrum and by what it is multiplied. channels, values : (n,)."""

    channels: np.ndarray
    values: np.ndarray

    def of(self, spectra: np.ndarray) -> np.ndarray:
        """The net sum of spectra (…, channel) -> (…,) float64; a missing value is taken from its neighbours.

        nan where more than a third of the values are missing.
        """
        seen = spectra[..., self.channels].astype(np.float64)
        known = np.isfinite(seen)
        if not known.all():
            seen = _bridged(seen.reshape(-1, len(self.channels)), self.channels).reshape(seen.shape)
        return np.where(known.mean(-1) >= 2 / 3, seen @ self.values, np.nan)


def _bridged(rows: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """Rows with what is missing on straight lines between what is there."""
    for i in np.flatnonzero(~np.isfinite(rows).all(1)):
        known = np.isfinite(rows[i])
        rows[i] = np.interp(channels, channels[known], rows[i, known]) if known.any() else 0.0
    return rows


def apart(wanted: Sequence[tuple[str, float]], half: Sequence[float]) -> list[Window]:
    """Windows of these lines, each as wide as told (half of its width), but never beyond the middle to the next line.

    wanted : (name, position), positions all different      returns : by position
    """
    order = np.argsort([position for _, position in wanted], kind="stable")
    at = np.array([wanted[i][1] for i in order])
    middle = np.concatenate([[-np.inf], (at[1:] + at[:-1]) / 2, [np.inf]])
    return [
        Window(wanted[i][0], float(p), float(max(p - half[i], middle[k])), float(min(p + half[i], middle[k + 1])))
        for k, (i, p) in enumerate(zip(order, at, strict=True))
    ]


def net_weights(
    axis: np.ndarray,
    window: Window,
    taken: Sequence[tuple[float, float]],
    reach: float,
    steps: np.ndarray | None = None,
) -> Weights | None:
    """Weights of the net sum of a window. None where no channel lies in it, or too few lie beside it.

    axis  : (channel,), ascending      taken : (low, high) around other lines, which are no background
    reach : how far from the window background is looked for      steps : (channel,) d_i; None: 1, counts are summed
    A side that has no free channel within four times the reach is left out; the background is level then.
    """
    inside = (axis >= window.low) & (axis <= window.high)
    if not inside.any():
        return None
    free = ~inside
    for low, high in taken:
        free &= (axis < low) | (axis > high)
    sides = [_beside(axis, free & part, window, reach) for part in (axis < window.low, axis > window.high)]
    beside = np.concatenate(sides)
    if len(beside) < FEWEST:
        return None
    d = np.ones(int(inside.sum())) if steps is None else steps[inside]
    scale = window.high - window.low
    columns = [np.ones(len(axis)), (axis - window.position) / scale] if all(map(len, sides)) else [np.ones(len(axis))]
    basis = np.stack(columns, -1)
    below = -(d @ basis[inside]) @ np.linalg.pinv(basis[beside])
    channels = np.concatenate([np.flatnonzero(inside), beside])
    order = np.argsort(channels)
    return Weights(channels[order], np.concatenate([d, below])[order])


def _beside(axis: np.ndarray, free: np.ndarray, window: Window, reach: float) -> np.ndarray:
    """Free channels of one side, near the window; none if there are too few."""
    distance = np.maximum(window.low - axis, axis - window.high)
    for times in FARTHER:
        near = np.flatnonzero(free & (distance <= times * reach))
        if len(near) >= FEWEST:
            return near
    return np.zeros(0, int)
