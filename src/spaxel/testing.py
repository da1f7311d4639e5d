"""Small cubes and shipped promises: what an author of a reader or a method tests against."""

from __future__ import annotations

import numpy as np
import xarray as xr

from spaxel.cube import make_cube


def tiny_cube(height: int = 13, width: int = 7, channels: int = 11, *, seed: int = 0, counts: bool = True) -> xr.Dataset:
    """A cube of three regions with unequal prime sides, so that a swapped axis cannot hide. Truth included.

    counts : Poisson counts (uint16) on an energy axis in keV, else reflectance (float32) on a wavelength axis in nm
    """
    rng = np.random.default_rng(seed)
    labels = np.minimum(np.arange(height)[:, None] * 3 // height + np.zeros((1, width), int), 2).astype(np.int32)
    means = 1 + 40 * np.exp(-(((np.arange(channels) / max(1, channels - 1))[None] - [[0.2], [0.5], [0.8]]) ** 2) / 0.02)
    clean = means[labels]
    if counts:
        return make_cube(
            rng.poisson(clean).astype(np.uint16), 1 + 0.5 * np.arange(channels), "keV", truth_labels=labels, source="tiny"
        )
    noisy = (clean / 50 + rng.normal(0, 0.01, clean.shape)).astype(np.float32)
    return make_cube(noisy, 400.0 + 10 * np.arange(channels), "nm", truth_labels=labels, source="tiny")
