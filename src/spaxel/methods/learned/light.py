"""How much of the lines of some light is what was simulated, as one of `redshift`s is found.

Of a mean spectrum m, without its smooth continuum: what is left of it beside all combinations of simulated stars and gas, over
all of it, with what noise adds taken off both:  r² = Σ_g (|m_g - P m_g|² - noise) / Σ_g (|m_g - Q m_g|² - noise), g groups of
like brightness. A redshift by such a fit: Bolton et al. 2012, doi:10.1088/0004-6256/144/5/144.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.methods.learned.sights import TINY, Light

GROUPS = 12  # of spectra
SMOOTH = 8  # degree of the polynomial that is the continuum
DIRECTIONS = 64  # of what was simulated
CLEAR = 3.0  # times its own noise: from which on there are lines
NOTHING = 1.0  # of the lines, if there are none, is what was simulated: as far as can be


class Grouped(NamedTuple):
    """Means of spectra. means : (group, bin), brightness 1      noise : (group,) variance in a bin."""

    means: np.ndarray
    noise: np.ndarray


def unlike(binned: np.ndarray, light: Light, basis: np.ndarray) -> float:
    """The share r of the lines of spectra (n, bin) that no simulated light has; 1 where there are no lines."""
    return share_off(grouped(binned, light), light, spaces(light, basis))


def grouped(binned: np.ndarray, light: Light) -> Grouped:
    """Means of groups of like brightness of spectra (n, bin)."""
    order = np.argsort(light.brightness(binned), kind="stable")
    parts = [part for part in np.array_split(order, GROUPS) if len(part)]
    means = np.stack([binned[part].mean(0) for part in parts])
    noise = np.array([(light.noise(binned[part]) ** 2).mean() / len(part) for part in parts])
    bright = np.maximum(light.brightness(means), TINY)
    return Grouped(means / bright[:, None], noise / bright**2)


class Spaces(NamedTuple):
    """smooth : (bin, q) of continua, both : of them and of simulated lines; orthonormal, in the bins that are covered."""

    smooth: np.ndarray
    both: np.ndarray


def spaces(light: Light, basis: np.ndarray) -> Spaces:
    """What may lie below lines, and in them. basis : (q, bin) as `directions` gives it"""
    smooth = _smooth(light)[light.covered]
    both = np.concatenate([smooth, basis[:, light.covered].T], axis=1)
    return Spaces(*(_orthonormal(columns) for columns in (smooth, both)))


def share_off(groups: Grouped, light: Light, spanned: Spaces) -> float:
    """As `unlike`, of groups."""
    means = groups.means[:, light.covered]
    lines, rest = (_left(means, space, groups.noise) for space in spanned)
    doubt = np.sqrt(2 * means.shape[1]) * float(np.sqrt((groups.noise**2).sum()))
    return float(np.sqrt(np.clip(rest / lines, 0, 1))) if lines > CLEAR * doubt else NOTHING


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    u, s, _ = np.linalg.svd(columns, full_matrices=False)
    return u[:, s > 1e-6 * s[0]]


def _left(means: np.ndarray, space: np.ndarray, noise: np.ndarray) -> float:
    """What of means lies beside a space: the sum of squares, less that of the noise."""
    off = means - (means @ space) @ space.T
    return float((off**2).sum() - noise.sum() * (means.shape[1] - space.shape[1]))


def _smooth(light: Light) -> np.ndarray:
    """Polynomials (bin, SMOOTH + 1) of wavelength, in bins whose noise is the same."""
    ends = np.concatenate([[0.0], np.cumsum(light.widths)])
    place = np.interp((ends[1:] + ends[:-1]) / 2, [0, ends[-1]], [-1.0, 1.0])
    return np.polynomial.legendre.legvander(place, SMOOTH) * np.sqrt(light.widths)[:, None]


def directions(pure: np.ndarray, light: Light) -> tuple[np.ndarray, np.ndarray]:
    """Mean (bin,) and directions (q, bin) of the lines of pure light (n, bin) per Angstrom, all bins covered."""
    u, _ = np.linalg.qr(_smooth(light))
    lines = pure * np.sqrt(light.widths)
    lines = lines - (lines @ u) @ u.T
    lines = lines / np.linalg.norm(lines, axis=1)[:, None]
    return lines.mean(0), np.linalg.svd(lines, full_matrices=False)[2][:DIRECTIONS]


def likeness(groups: Grouped, light: Light, spanned: Spaces, mean: np.ndarray) -> float:
    """How much of the mean of simulated lines (bin,) is in the lines of all groups together: their product."""
    lines, known = groups.means[:, light.covered].sum(0), mean[light.covered]
    lines = lines - spanned.smooth @ (spanned.smooth.T @ lines)
    return float(lines @ known / max(np.linalg.norm(known), TINY))
