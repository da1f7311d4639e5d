"""What a simulated galaxy is made from, and the shape of its disc: all sources are Gaussians of the image plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spaxel.synth.fields import Fields
from spaxel.synth.ifu.light import Light

DISC = ((0.05, 0.25), (0.22, 0.6), (0.42, 1.2), (0.31, 2.2))  # weights and widths (scale lengths) of Gaussians: exp(-r)


@dataclass(frozen=True)
class Galaxy:
    """All that pixels are made from; small, whatever the size of the image. Lengths in pixels, speeds in km/s.

    edges : (channel + 1,) Angstrom      knots : (n, 4) of H II regions: y, x, width, flux      sky : (2, channel)
    """

    seed: int
    centre: tuple[float, float]
    angle: float
    inclination: float
    scale: float
    seeing: float
    redshift: float
    rotation: float
    agn: float
    edges: np.ndarray
    resolution: float
    knots: np.ndarray
    clumps: Fields
    sky: np.ndarray
    noise: float
    residual: float
    brightness: float
    light: Light


def plane(galaxy: Galaxy, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place in the plane of the disc, (h, w) pixels along and across its long axis."""
    down, right = y[:, None] - galaxy.centre[0], x[None] - galaxy.centre[1]
    along = np.cos(galaxy.angle) * right + np.sin(galaxy.angle) * down
    across = np.cos(galaxy.angle) * down - np.sin(galaxy.angle) * right
    return along, across / np.cos(galaxy.inclination)


def disc(galaxy: Galaxy, y: np.ndarray, x: np.ndarray, scale: float) -> np.ndarray:
    """An exponential disc of so many scale lengths, seen through the seeing: (h, w)."""
    along, across = plane(galaxy, y, x)
    flat, total = np.cos(galaxy.inclination), np.zeros(along.shape)
    for weight, size in DISC:
        size = size * scale * galaxy.scale
        wide, narrow = np.hypot(size, galaxy.seeing), np.hypot(size * flat, galaxy.seeing) / flat
        total += weight * size**2 / (wide * narrow) * np.exp(-((along / wide) ** 2 + (across / narrow) ** 2) / 2)
    return total


def blob(y: np.ndarray, x: np.ndarray, at_y: float, at_x: float, width: float, size: float) -> np.ndarray:
    """A Gaussian of `size` with height 1, seen with `width`: its light is kept."""
    down, along = np.exp(-(((y - at_y) / width) ** 2) / 2), np.exp(-(((x - at_x) / width) ** 2) / 2)
    return (size / width) ** 2 * down[:, None] * along[None]


def at_one_scale(galaxy: Galaxy) -> float:
    """Light of the stars at one scale length of the disc, at 5500 Angstrom."""
    return float(sum(weight * np.exp(-0.5 / (size * 0.8) ** 2) for weight, size in DISC)) + 0.12
