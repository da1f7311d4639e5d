"""The pattern of an element in a fluorescence spectrum: its K, L and M lines as a detector shows them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spaxel.lines.peaks import steps
from spaxel.lines.xray import line_energies

RESOLUTION = 0.14  # keV, full width at half maximum of a detector at 5.9 keV
GREEK = {"a": "α", "b": "β", "g": "γ", "l": "l", "n": "η"}
LOWEST = 0.9  # keV: softer lines do not leave air


class Series(NamedTuple):
    """Lines of one shell as a detector tells them apart. element, names : 'Fe', ('Kα', 'Kβ')     energy, share : (line,)."""

    element: str
    names: tuple[str, ...]
    energy: np.ndarray
    share: np.ndarray


def detector_width(energy: np.ndarray, resolution: float = RESOLUTION) -> np.ndarray:
    """Standard deviation of a peak of a silicon detector, keV. energy : keV      resolution : FWHM at 5.9 keV

    FWHM² = noise² + 2.355² F ε E with F = 0.115, ε = 3.65 eV
    """
    slope = 2.3548**2 * 0.115 * 3.65e-3
    noise = max(resolution**2 - slope * 5.895, 0.0)
    return np.sqrt(noise + slope * np.maximum(energy, 0)) / 2.3548


@lru_cache(maxsize=512)
def series(element: str, resolution: float = RESOLUTION) -> tuple[Series, ...]:
    """The K, L and M series of an element above 0.9 keV, lines that a detector does not separate made one.

    share : of the strongest line. Raises ParameterError for an unknown element.
    """
    found = []
    for shell in "KLM":
        lines = [line for line in line_energies(element) if line.name[0] == shell and line.energy > LOWEST]
        groups: list[list] = []
        for line in lines:
            near = 1.5 * detector_width(np.array(line.energy), resolution)
            if groups and line.energy - groups[-1][-1].energy < near:
                groups[-1].append(line)
            else:
                groups.append([line])
        if not groups:
            continue
        total = np.array([sum(line.intensity for line in group) for group in groups])
        energy = np.array([sum(x.energy * x.intensity for x in g) for g in groups]) / np.maximum(total, 1e-12)
        strongest = [max(group, key=lambda line: line.intensity).name for group in groups]
        names = [shell + GREEK.get(name[1:2], name[1:2]) for name in strongest]
        kept = np.flatnonzero(total > 0.02 * total.max())
        found.append(Series(element, tuple(names[i] for i in kept), energy[kept], total[kept] / total.max()))
    return tuple(found)


def drawn(axis: np.ndarray, one: Series, resolution: float = RESOLUTION) -> np.ndarray:
    """A series on an axis, (channel,): Gaussians with areas by share, the strongest about 1 high."""
    width = np.hypot(detector_width(one.energy, resolution), np.interp(one.energy, axis, steps(axis)) / np.sqrt(12))
    t = (axis - one.energy[:, None]) / width[:, None]
    return (one.share / width) @ np.exp(-np.minimum(t**2, 200) / 2) * width[one.share.argmax()]
