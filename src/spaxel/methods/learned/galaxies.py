"""Galaxies that distances are learned from: near and less near, of other gas, stars and dust, under some spectrograph."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.lines.gas import LIGHT_SPEED
from spaxel.synth.ifu.light import GAS, STARS, emission, light_of, starlight
from spaxel.synth.ifu.world import ifu

SIDES = (40, 64)  # pixels of a world
SPREAD = 0.25  # of line ratios, in their logarithm
FASTEST = 450.0  # km/s, along the line of sight
AS_TOLD = 5e-4  # by how much a redshift that is told is off, standard deviation


def galaxy(rng: np.random.Generator) -> xr.Dataset:
    """A galaxy. Its attribute `redshift` is off by a little, as that of a real one."""
    z = float(rng.uniform(0.002, 0.03) if rng.random() < 0.5 else rng.uniform(0.002, 0.2))
    side = int(rng.integers(SIDES[0], SIDES[1] + 1))
    cube = ifu(
        side, side, seed=int(rng.integers(2**31)), redshift=z, **_instrument(rng, z), **_light(rng), **_shape(rng)
    )
    return cube.assign_attrs(redshift=z + float(rng.normal(0, AS_TOLD)))


def _instrument(rng: np.random.Generator, z: float) -> dict[str, Any]:
    """Channels of 1.25 to 5.5 Angstrom; from the blue, or with red lines alone."""
    step = float(np.exp(rng.uniform(np.log(1.25), np.log(5.5))))
    starts = [4750.0, rng.uniform(4300, 4900) * (1 + z * rng.random()), rng.uniform(5800, 6300)]
    low = float(max(3600.0, rng.choice(starts, p=[0.4, 0.45, 0.15])))
    high = float(min(rng.choice([7150.0, 9300.0, rng.uniform(6650, 7300) * (1 + z)]), 6950 * (1 + z)))
    high = max(high, 6650 * (1 + z))
    return {
        "wavelengths": (low, high),
        "channels": max(40, int((high - low) / step)),
        "resolution": float(max(step, rng.uniform(1.8, 6))),
        "seeing": float(rng.uniform(1.5, 5)),
        "snr": float(np.exp(rng.uniform(np.log(2), np.log(40)))),
        "sky": float(np.exp(rng.normal(0, 0.8))),
        "residual": float(rng.uniform(0, 0.05)),
    }


def _light(rng: np.random.Generator) -> dict[str, Any]:
    """Three of four with gas of other ratios, two of three with other stars."""
    other = {
        name: {line: float(flux * np.exp(rng.normal(0, SPREAD))) for line, flux in GAS[name].items()} for name in GAS
    }
    usual = rng.random() < 0.3
    temperatures = (float(rng.uniform(3800, 5500)), float(rng.uniform(8500, 20000)))
    return {
        "gas": other if rng.random() < 0.75 else None,
        "temperatures": (4500.0, 11000.0) if usual else temperatures,
        "metals": float(rng.uniform(0.5, 1.8)),
        "dust": float(rng.uniform(0, 1.5) * (rng.random() < 0.7)),
    }


def _shape(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "rotation": float(rng.uniform(0, 350)),
        "inclination": float(rng.uniform(0, 75)),
        "n_regions": int(rng.integers(8, 80)),
        "agn": 0.0 if rng.random() < 0.2 else float(np.exp(rng.normal(0, 0.6))),
    }


def pure_light(rng: np.random.Generator, edges: np.ndarray) -> np.ndarray:
    """Spectra (5, bin) of stars and gases as some galaxy has them, moving, without noise; the mean over each bin.

    edges : (bin + 1,) Angstrom at rest
    """
    light = light_of(**_light(rng))
    speed = rng.uniform(-FASTEST, FASTEST, len(STARS) + len(GAS)) / LIGHT_SPEED
    resolution, middle = float(rng.uniform(1.5, 8)), (edges[1:] + edges[:-1]) / 2
    stars = [starlight(name, middle / (1 + v), light) for name, v in zip(STARS, speed, strict=False)]
    gas = [emission(name, edges, v, resolution, light) for name, v in zip(GAS, speed[len(STARS) :], strict=True)]
    return np.stack(stars + gas)
