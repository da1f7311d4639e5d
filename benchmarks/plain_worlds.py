"""Small simulated images whose components differ in one thing only: brightness, shape, a narrow band; or one is empty."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

import spaxel
from common import Scene, as_scene

SIDE = 40
EMPTY = 0.02  # of the light of the other component, that an empty one has
NOISE = 0.1  # standard deviation, of the dimmest channel of the dimmest component that is not empty
DIFFERENCES = ("brightness", "shape", "band", "empty")
LAYOUTS = ("halves", "stripes", "blobs")
VALUES = ("reflectance", "counts", "signed", "table")


def layout(rng: np.random.Generator, name: str, k: int) -> np.ndarray:
    """Components of the pixels (y, x): k parts side by side, stripes of 3 to 5 pixels, smooth blobs."""
    x = np.arange(SIDE)
    if name == "halves":
        return np.tile(x * k // SIDE, (SIDE, 1))
    if name == "stripes":
        return np.tile(x // int(rng.integers(3, 6)) % k, (SIDE, 1))
    fields = np.stack([gaussian_filter(rng.normal(size=(SIDE, SIDE)), 4, mode="wrap") for _ in range(k)], -1)
    return np.asarray((fields / fields.std((0, 1))).argmax(-1))


def pure(rng: np.random.Generator, difference: str, k: int, channels: int) -> np.ndarray:
    """Spectra (k, channel), all positive."""

    def smooth() -> np.ndarray:
        bent = gaussian_filter1d(rng.normal(size=channels), max(channels / 12, 0.5), mode="nearest")
        return np.asarray(0.4 + 0.12 * (bent - bent.mean()) / bent.std()).clip(0.1)

    base = np.tile(smooth(), (k, 1))
    if difference == "brightness":
        step = 5.0 if k == 2 else 1.6
        return base * step ** np.arange(k)[:, None]
    if difference == "shape":
        shapes = np.stack([smooth() for _ in range(k)])
        return shapes / np.linalg.norm(shapes, axis=1, keepdims=True) * np.linalg.norm(base[0])
    if difference == "band":
        width = max(1, channels // 20)
        places = rng.permutation(channels // width)[: k - 1] * width
        for own, place in zip(base[1:], places, strict=True):
            own[place : place + width] *= 1.6
        return base
    base[0] *= EMPTY
    return base


def plain_world(seed: int, difference: str | None = None) -> Scene:
    """One world. Its layout, values, number of channels (5 or 60) and of components (2 to 12) depend on the seed."""
    rng = np.random.default_rng([seed, 903])
    difference = difference or DIFFERENCES[seed % len(DIFFERENCES)]
    place, values = LAYOUTS[rng.integers(3)], VALUES[rng.integers(4)]
    channels = int(rng.choice([5, 60]))
    k = 2 if difference == "empty" else int(rng.choice([2, 2, 3, 4, 8, 12]))
    k = min(k, 4) if channels == 5 and difference != "brightness" else k
    truth = layout(rng, place, k)
    spectra = pure(rng, difference, k, channels)
    dimmest = spectra[-1 if difference == "empty" else slice(None)].min()
    noise = NOISE * dimmest
    cube = spectra[truth]
    more: dict[str, Any] = {}
    if values == "counts":
        found = rng.poisson(cube * (NOISE**-2) / dimmest).astype(np.uint16)
    else:
        found = (cube + rng.normal(size=cube.shape) * noise).astype(np.float32)
    if values == "signed":
        found -= found.mean((0, 1))
        more["variance"] = np.full(found.shape, noise**2, np.float32)
    if values == "table":
        order = rng.permutation(truth.size)
        found, truth = found.reshape(-1, 1, channels)[order], truth.reshape(-1, 1)[order]
    made = spaxel.make_cube(found, truth_labels=truth.astype(np.int32), **more)
    return as_scene(difference, f"{place}, {values}, {channels} channels, {k} components", seed, made)
