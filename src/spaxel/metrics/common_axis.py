"""Spectra of two instruments on one axis: units converted, the common range, resampled to the coarser of the two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.integrate import cumulative_trapezoid

from spaxel.errors import AxisError

LENGTHS = {"nm": 1e-9, "um": 1e-6, "Angstrom": 1e-10, "mm": 1e-3, "m": 1.0}
ENERGIES = {"eV": 1.0, "keV": 1e3, "meV": 1e-3, "MeV": 1e6}
FEWEST = 5  # channels that two axes must have in common
NEAR = 1.5  # channels of the common axis, within which each source must have a value


class Common(NamedTuple):
    """A common axis (channel,), both kinds of spectra on it, and the share of the first axis that it covers."""

    axis: np.ndarray
    first: np.ndarray
    second: np.ndarray
    share: float


def converted(axis: np.ndarray, units: str, wanted: str) -> np.ndarray:
    """Axis values in other units of the same kind (lengths, energies). Raises AxisError that says what differs."""
    if units == wanted:
        return axis
    for kind in (LENGTHS, ENERGIES):
        if units in kind and wanted in kind:
            return axis * (kind[units] / kind[wanted])
    raise AxisError(
        f"The run has its axis in {wanted}, the library in {units}: these are not converted. Try the option units, if one of "
        "them is wrong, or a library of the same kind."
    )


def on_common_axis(axis: np.ndarray, first: np.ndarray, other: np.ndarray, second: np.ndarray) -> Common:
    """Spectra first (n, channel) on `axis` and second (m, channel) on `other`, both increasing, brought on one axis.

    The axis is that of the coarser one, where the two overlap and both have values; a value there is the mean of the finer one
    over the width of the channel. Raises AxisError if fewer than 5 channels are left.
    """
    low, high = max(axis[0], other[0]), min(axis[-1], other[-1])
    steps = [_step(values, low, high) for values in (axis, other)]
    coarse = axis if steps[0] >= steps[1] else other
    target = coarse[(coarse >= low - 0.5 * max(steps)) & (coarse <= high + 0.5 * max(steps))]
    if len(target) >= FEWEST:
        width = np.gradient(target)
        target = target[(_distance(axis, target) <= NEAR * width) & (_distance(other, target) <= NEAR * width)]
    if len(target) < FEWEST:
        raise AxisError(
            f"The run covers {axis[0]:g} to {axis[-1]:g}, the library {other[0]:g} to {other[-1]:g}: they have {len(target)} "
            f"channels in common, and {FEWEST} are needed. Try another library."
        )
    inside = float(((axis >= target[0] - max(steps)) & (axis <= target[-1] + max(steps))).mean())
    return Common(target, resampled(axis, first, target), resampled(other, second, target), inside)


def resampled(axis: np.ndarray, spectra: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Mean of spectra (n, channel) over the width of each channel of a coarser axis; (n, target). Exact for straight lines.

    Where the axis is the target, the values are left as they are.
    """
    if len(axis) == len(target) and np.allclose(axis, target, rtol=0, atol=1e-6 * abs(target).max()):
        return np.asarray(spectra, np.float64)
    middle = (target[1:] + target[:-1]) / 2
    edges = np.concatenate([[2 * target[0] - middle[0]], middle, [2 * target[-1] - middle[-1]]])
    points = np.union1d(axis, edges)
    at = np.searchsorted(points, edges)
    found = np.empty((len(spectra), len(target)))
    for row, spectrum in zip(found, np.asarray(spectra, np.float64), strict=True):
        whole = cumulative_trapezoid(np.interp(points, axis, spectrum), points, initial=0.0)
        row[:] = np.diff(whole[at]) / np.diff(edges)
    return found


def _step(axis: np.ndarray, low: float, high: float) -> float:
    inside = axis[(axis >= low) & (axis <= high)]
    return (
        float(np.median(np.diff(inside)))
        if len(inside) > 1
        else float(np.median(np.diff(axis)) if len(axis) > 1 else 0)
    )


def _distance(axis: np.ndarray, target: np.ndarray) -> np.ndarray:
    """From each value of target to the nearest one of axis."""
    right = (
        np.clip(np.searchsorted(axis, target), 1, max(1, len(axis) - 1))
        if len(axis) > 1
        else np.zeros(len(target), int)
    )
    left = np.maximum(right - 1, 0)
    return np.minimum(np.abs(axis[right] - target), np.abs(target - axis[left]))
