"""What a known variance gives: the same worlds with and without it, at known and at found numbers of components.

Noise differs by channel, as it does under sky lines or at the ends of a detector, and the variance is the true one.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from common import Scene, as_scene, reflectance
from spaxel.synth import simulate

SEEDS = (40, 41, 42, 43, 44)
NOISY = np.full(120, 0.005)
NOISY[:12], NOISY[60:68], NOISY[-14:] = 0.15, 0.25, 0.12


def galaxy(seed: int, sky: float, top: float = 9300.0) -> Scene:
    """A galaxy under a night sky: 10 times as bright as a dark one drowns what lies under its lines."""
    size = {"height": 56, "width": 56, "channels": 480, "wavelengths": (4750.0, top)}
    return as_scene("galaxy", f"sky {sky:g}", seed, simulate("ifu", **size, seed=seed, sky=sky).load())


def bands(seed: int, light: float, noisy: np.ndarray = NOISY) -> Scene:
    """Five materials whose first, last and some middle bands are noisy."""
    scene = reflectance(5, light, 0.0, seed, (64, 72))
    clean, rng = scene.cube["spectra"].values.astype(np.float64), np.random.default_rng([seed, 7])
    spectra = (clean + rng.normal(size=clean.shape) * noisy).astype(np.float32)
    variance = np.broadcast_to((noisy**2).astype(np.float32), clean.shape)
    cube = scene.cube.assign(
        spectra=(scene.cube["spectra"].dims, spectra), variance=(scene.cube["spectra"].dims, variance)
    )
    return Scene("bands", scene.setting, seed, cube, scene.truth, scene.k)


def mixtures(seed: int) -> xr.Dataset:
    """A list of mixtures of smooth bands, a third of whose channels and some of whose spectra are noisy."""
    made = simulate(
        "mixture", seed=seed, n_components=8, per_component=8, n_channels=256, spectra="peaks", noise="none"
    )
    return uneven(made, seed)


def uneven(cube: xr.Dataset, seed: int) -> xr.Dataset:
    """A cube with noise that differs by channel (30 times) and by spectrum (3 times)."""
    rng = np.random.default_rng([seed, 8])
    clean = cube["spectra"].values.astype(np.float64)
    channel = 0.003 * np.exp(gaussian_filter(rng.normal(size=clean.shape[2]), 6) * 12).clip(0.3, 30)
    row = rng.uniform(0.5, 1.5, clean.shape[:2])
    sigma = row[..., None] * channel * np.sqrt((clean**2).mean()) * 10
    dims = cube["spectra"].dims
    return cube.assign(spectra=(dims, clean + rng.normal(size=clean.shape) * sigma), variance=(dims, sigma**2))
