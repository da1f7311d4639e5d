"""How much of the lines of some light is what was simulated.

Groups of like brightness g are cut into two halves, whose means m and n have noise of their own, so that it cancels:
r² = f Σ_g w_g m·R n / Σ_g w_g m·H n. H takes away the smooth continuum, R also all combinations of the lines of simulated stars
and gas, w_g is 1 without noise, f is 1 over what R would leave of lines at random places. A redshift by such a fit: Bolton et
al. 2012, doi:10.1088/0004-6256/144/5/144.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.methods.learned.sights import TINY, Light

GROUPS = 12  # of spectra
SMOOTH = 8  # degree of the polynomial that is the continuum
DIRECTIONS = 64  # of what was simulated
CLEAR = 3.0  # times its own noise: from which on there are lines
INSIDE = 0.1  # of a direction, at least, lies in the bins that are covered; else it is none there
SLIGHT = 1e-5  # of all light: less is no line, but rounding
NOTHING = 1.0  # of the lines, if there are none, is what was simulated: as far as can be


class Grouped(NamedTuple):
    """Means of the two halves of groups, (group, bin) each, of about brightness 1."""

    first: np.ndarray
    second: np.ndarray


def unlike(binned: np.ndarray, light: Light, basis: np.ndarray) -> float:
    """The share r of the lines of spectra (n, bin) that no simulated light has; 1 where there are no lines."""
    return share_off(of_brightness_1(*halves(binned), light), light, spaces(light, basis))


def halves(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means (group, channel) of every second one of spectra (n, channel) of like brightness, and of the others."""
    order = np.argsort(np.einsum("ij,ij->i", spectra, spectra), kind="stable")
    parts = np.array_split(order, max(1, min(GROUPS, len(order) // 2)))
    first, second = (
        np.stack([spectra[part[i::2] if len(part) > 1 else part].mean(0) for part in parts]) for i in (0, 1)
    )
    return first, second


def of_brightness_1(first: np.ndarray, second: np.ndarray, light: Light) -> Grouped:
    """Halves (group, bin) over the brightness of both."""
    bright = np.maximum(light.brightness((first + second) / 2), TINY)[:, None]
    return Grouped(first / bright, second / bright)


class Spaces(NamedTuple):
    """smooth : (bin, q) of continua, both : of them and of simulated lines; orthonormal, in the bins that are covered."""

    smooth: np.ndarray
    both: np.ndarray


def spaces(light: Light, basis: np.ndarray) -> Spaces:
    """What may lie below lines, and in them. basis : (q, bin) as `directions` gives it"""
    smooth = np.linalg.qr(_smooth(light)[light.covered])[0]
    lines = _without(basis[:, light.covered], smooth).T
    u, s, _ = np.linalg.svd(lines, full_matrices=False)
    return Spaces(smooth, np.concatenate([smooth, u[:, s > INSIDE]], axis=1))


def share_off(groups: Grouped, light: Light, spanned: Spaces) -> float:
    """As `unlike`, of groups."""
    first, second = (half[:, light.covered] for half in groups)
    lines = _without(first, spanned.smooth), _without(second, spanned.smooth)
    rest = _without(first, spanned.both), _without(second, spanned.both)
    noise = ((lines[0] - lines[1]) ** 2).sum(1) / 2  # of the mean of a half, over all bins; the brightness is 1 in each
    weight = 1 / (1 + noise**2)
    total, left = (float(weight @ (one * other).sum(1)) for one, other in (lines, rest))
    doubt = float(np.sqrt((weight * noise) @ (weight * noise) / max(1, first.shape[1])))
    there = total > CLEAR * doubt + SLIGHT * first.shape[1] * weight.sum()
    fair = _free(spanned.smooth) / max(1, _free(spanned.both))  # many directions in few bins fit anything
    return float(np.sqrt(np.clip(fair * left / total, 0, 1))) if there else NOTHING


def _free(space: np.ndarray) -> int:
    return space.shape[0] - space.shape[1]


def _without(means: np.ndarray, space: np.ndarray) -> np.ndarray:
    return means - (means @ space) @ space.T


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
    lines, known = (groups.first + groups.second)[:, light.covered].sum(0), mean[light.covered]
    lines = lines - spanned.smooth @ (spanned.smooth.T @ lines)
    return float(lines @ known / max(np.linalg.norm(known), TINY))
