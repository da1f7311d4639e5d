"""Light on a leaf: a gradient, shadows with bluish light in them, highlights of the glossy skin; and the camera's noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from spaxel.synth.fields import Fields, draw_fields

DIFFUSE = 0.25  # light that reaches a full shadow, as a share of all
STRIPES = 0.3  # of a push-broom camera: offsets of its columns, as a share of the noise


@dataclass(frozen=True)
class Light:
    """The light of one scene. direction : (2,) y, x from where it comes      slope : log brightness, centre to corner

    folds : (n_leaves,) one half of a blade is lighter      shadows : 0 … 1, how dark a full shadow is
    """

    direction: np.ndarray
    slope: float
    center: np.ndarray
    reach: float
    folds: np.ndarray
    shadows: float
    gloss: float
    clouds: Fields
    skin: Fields

    def gradient(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Brightness without shadows: (h, w), 1 in the middle."""
        down, along = (y - self.center[0]) * self.direction[0], (x - self.center[1]) * self.direction[1]
        return np.exp(self.slope / self.reach * (down[:, None] + along[None]))

    def shade(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Shadows of what stands around, 0 … 1: (h, w)."""
        return expit((self.clouds.at(y, x)[..., 0] - 0.4) * 9)

    def highlights(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Light that the skin of a leaf mirrors, as reflectance: (h, w)."""
        return self.gloss * expit((self.skin.at(y, x)[..., 0] - 1.6) * 5)


def draw_light(
    rng: np.random.Generator, image: tuple[int, int], n_leaves: int, *, slope: float, shadows: float, gloss: float
) -> Light:
    """The light over an image (height, width) with some leaves."""
    turn, side = rng.uniform(0, 2 * np.pi), float(max(image))
    direction = np.array([np.sin(turn), np.cos(turn)])
    folds = rng.uniform(0.06, 0.14, n_leaves) * rng.choice([-1, 1], n_leaves)
    middle = (np.array(image) - 1) / 2
    fields = {"clouds": draw_fields(rng, 1, 0.2 * side), "skin": draw_fields(rng, 1, 0.035 * side / np.sqrt(n_leaves))}
    reach = max(float(np.hypot(*image)) / 2, 1.0)
    return Light(direction, slope, middle, reach, folds, shadows, gloss, **fields)


def diffuse_tint(wavelength: np.ndarray) -> np.ndarray:
    """Colour of the light in a shadow relative to the direct light: (channel,), 1 at 550 nm, bluish."""
    return (550.0 / np.asarray(wavelength, float)) ** 0.7


def noise_shape(wavelength: np.ndarray) -> np.ndarray:
    """Noise of a silicon camera under halogen light by wavelength (nm): 1 from 550 to 900 nm, 7 at 400, 2.5 at 1000."""
    far = np.asarray(wavelength, float)
    return 1 + 6 * np.exp(-(far - 400) / 45) + 1.5 * np.exp(-(1000 - far) / 35)


def noise_deviation(wavelength: np.ndarray, mean: float, snr: float) -> np.ndarray:
    """Standard deviation of each channel (channel,) at the signal `mean`: mean / snr x noise_shape."""
    return mean / snr * noise_shape(wavelength)


def signal_part(signal: np.ndarray, mean: float) -> np.ndarray:
    """By how much the variance differs from that at mean signal: 1/2 + 1/2 signal / mean."""
    return 0.5 + 0.5 * signal / mean
