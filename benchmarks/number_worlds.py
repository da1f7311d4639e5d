"""Simulated images for the number of components: 48 to 200 pixels a side, materials that vary within, borders that blend."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

import spaxel
from common import Scene, as_scene, reflectance

CHANNELS = 64
SHARE = 0.005  # of the pixels, from which a material counts


def smooth(rng: np.random.Generator, shape: int | tuple[int, int], length: float) -> np.ndarray:
    """A smooth random field of mean 0 and variance 1."""
    field = gaussian_filter(rng.normal(size=shape), length, mode="reflect", truncate=3)
    return (field - field.mean()) / field.std()


def materials(rng: np.random.Generator, k: int, apart: float) -> np.ndarray:
    """Smooth reflectance spectra (k, channel) around a common one."""
    base = 0.3 + 0.15 * rng.random() + 0.15 * smooth(rng, CHANNELS, CHANNELS / 6)
    own = [0.1 * rng.normal() + 0.12 * smooth(rng, CHANNELS, CHANNELS / rng.uniform(6, 20)) for _ in range(k)]
    return np.clip(base + apart * np.array(own), 0.02, None)


def regions(rng: np.random.Generator, k: int, shape: tuple[int, int]) -> np.ndarray:
    """Shares (y, x, k): smooth patches or parcels with bent edges, blended over 0 to 1.6 pixels."""
    if rng.random() < 0.5:
        length = min(shape) * rng.uniform(0.05, 0.2)
        field = np.stack([smooth(rng, shape, length) + rng.normal() * 0.4 for _ in range(k)], -1)
        share = np.eye(k)[field.argmax(-1)]
    else:
        n = k * int(rng.integers(1, 6))
        sites, own = rng.uniform(0, 1, (n, 2)) * shape, np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
        y, x = np.mgrid[: shape[0], : shape[1]]
        bent = [8 * smooth(rng, shape, 10) * rng.random() for _ in range(2)]
        far = np.stack([(y + bent[0] - a) ** 2 + (x + bent[1] - b) ** 2 for a, b in sites], -1)
        share = np.eye(k)[own[far.argmin(-1)]]
    blur = rng.choice([0, 0.6, 1.0, 1.6])
    return np.stack([gaussian_filter(share[..., i], blur) for i in range(k)], -1) if blur else share


def varied(seed: int, k: int | None = None) -> Scene:
    """k materials that vary within, from pixel to pixel or smoothly, in even or uneven light, with noise or as counts."""
    rng = np.random.default_rng([seed, 901])
    k = int(rng.choice([2, 3, 4, 5, 6, 8, 10, 12])) if k is None else k
    shape = (int(rng.integers(48, 180)), int(rng.integers(48, 180)))
    share = regions(rng, k, shape) if k > 1 else np.ones((*shape, 1))
    pure = materials(rng, k, rng.uniform(0.5, 1.2))
    cube, inner = share @ pure, rng.choice([0, 0.1, 0.25, 0.5])
    apart = np.sqrt(((pure - pure.mean(0)) ** 2).sum(1)).mean() if k > 1 else 0.4
    for i in np.repeat(np.arange(k), 2):
        along = smooth(rng, CHANNELS, CHANNELS / 8)
        along *= apart * inner / np.linalg.norm(along)
        length = rng.choice([0, 2, min(shape) / 6])
        field = smooth(rng, shape, length) if length else rng.normal(size=shape)
        cube += share[..., i, None] * field[..., None] * along * rng.uniform(0.3, 1)
    if light := rng.choice([0, 0.1, 0.25]):
        cube *= np.exp(light * smooth(rng, shape, min(shape) / 5))[..., None]
    if rng.random() < 0.3:
        cube *= rng.uniform(0.95, 1.05, (*shape, 1))
    if rng.random() < 0.3:
        counts = np.clip(cube, 0, None)
        found = rng.poisson(counts * rng.choice([100, 400, 2000]) / counts.sum(-1).mean()).astype(np.uint16)
    else:
        noise = apart / np.sqrt(CHANNELS) * rng.choice([0.05, 0.2, 0.6, 1.5])
        found = (cube + rng.normal(size=cube.shape) * noise).astype(np.float32)
    return scene("varied", seed, spaxel.make_cube(found, truth_labels=share.argmax(-1).astype(np.int32)))


def one_material(seed: int) -> Scene:
    """One material: varying within, in light that differs from pixel to pixel or fades, a gradient of two, noise alone."""
    rng, what = np.random.default_rng([seed, 902]), seed % 6
    if what < 2:
        return _renamed(varied(seed + 5000, 1))
    shape = (int(rng.integers(48, 200)), int(rng.integers(48, 200)))
    pure, (y, x) = materials(rng, 2, 1.0), np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None]
    cube = np.tile(pure[0], (*shape, 1))
    if what == 2:
        cube = cube * rng.uniform(0.97, 1.03, (*shape, 1))
    if what == 3:
        cube = cube * (1 - 0.4 * ((y - 0.5) ** 2 + (x - 0.5) ** 2))[..., None]
    if what == 4:
        share = (x if rng.random() < 0.5 else (x + y) / 2)[..., None]
        cube = cube * (1 - share) + pure[1] * share
    if rng.random() < 0.4:
        found = rng.poisson(cube / cube.sum(-1).mean() * rng.choice([50, 300, 2000])).astype(np.uint16)
    else:
        found = (cube + rng.normal(size=cube.shape) * rng.choice([0.003, 0.01, 0.05])).astype(np.float32)
    return scene("one material", seed, spaxel.make_cube(found, truth_labels=np.zeros(shape, np.int32)))


def _renamed(item: Scene) -> Scene:
    item.family = "one material"
    return item


def painting(seed: int) -> Scene:
    """A simulated painting."""
    rng = np.random.default_rng([seed, 903])
    height, width = (int(v) for v in rng.integers(48, 200, 2))
    more = {
        "n_pigments": int(rng.choice([2, 3, 4, 5, 6, 8, 10, 12])),
        "counts": float(rng.choice([30, 100, 400, 1500])),
    }
    more |= {"mixing": float(rng.choice([0, 0.15, 0.3])), "border": float(rng.choice([0.5, 1.5, 3]))}
    more |= {"region": float(rng.choice([0.1, 0.2]))}
    return scene(
        "painting", seed, spaxel.simulate("maxrf", height=height, width=width, channels=160, seed=seed, **more)
    )


def layered(seed: int) -> Scene:
    """A simulated painting over another one, of uneven thickness."""
    rng = np.random.default_rng([seed, 904])
    height, width = (int(v) for v in rng.integers(48, 140, 2))
    more = {"n_pigments": int(rng.choice([3, 4, 5, 6, 8])), "counts": float(rng.choice([50, 200, 1000]))}
    more |= {"layers": 2, "relief": float(rng.choice([0.2, 0.4]))}
    return scene("layered", seed, spaxel.simulate("maxrf", height=height, width=width, channels=160, seed=seed, **more))


def light(seed: int) -> Scene:
    """Materials with soft borders in even or uneven light."""
    rng = np.random.default_rng([seed, 905])
    k, uneven, noise = (rng.choice(v) for v in ([2, 3, 4, 5, 6, 8], [0, 0.4], [0.005, 0.02, 0.06, 0.12]))
    shape = tuple(int(v) for v in rng.integers(48, 180, 2))
    return reflectance(int(k), float(uneven), float(noise), seed, (shape[0], shape[1]))


def galaxy(seed: int) -> Scene:
    """A simulated galaxy."""
    rng = np.random.default_rng([seed, 906])
    height, width = int(rng.integers(48, 90)), int(rng.integers(48, 90))
    snr = float(rng.choice([4, 15]))
    return scene("galaxy", seed, spaxel.simulate("ifu", height=height, width=width, channels=240, seed=seed, snr=snr))


def leaf(seed: int) -> Scene:
    """A simulated leaf."""
    rng = np.random.default_rng([seed, 907])
    side, day = int(rng.integers(64, 180)), float(rng.choice([0, 3, 5, 7, 10]))
    return scene("leaf", seed, spaxel.simulate("leaf", height=side, width=side, seed=seed, day=day, camera="lab60"))


def scene(family: str, seed: int, cube: xr.Dataset) -> Scene:
    """A scene whose k are the materials of at least half a per cent of the pixels."""
    made = as_scene(family, f"{cube.sizes['y']} x {cube.sizes['x']}", seed, cube.load())
    counts = np.bincount(made.truth[made.truth >= 0].ravel())
    made.k = int((counts >= SHARE * counts.sum()).sum())
    return made


KINDS: dict[str, Callable[[int], Scene]] = {
    "painting": painting,
    "layered": layered,
    "light": light,
    "varied": varied,
    "parcels": lambda seed: varied(seed + 20_000),
    "one material": one_material,
    "galaxy": galaxy,
    "leaf": leaf,
}
