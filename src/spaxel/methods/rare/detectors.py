"""Three scores of each pixel, tile by tile: how far it lies from its surroundings, from the scene, and from all mixtures.

surroundings : squared distance to the mean of what lies around, in the scatter there (local RX with a guard) and a little of
               that in the whole scene, so that borders and rough ground do not stand out
scene        : squared distance to the trimmed mean of the image, in its scatter (global RX; Reed & Yu 1990)
mixtures     : what the principal directions of the scene, in which its components and their mixtures lie, leave of a spectrum
               in units of the noise, summed over neighbouring channels, over the mean of that around
"""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from spaxel.cube.mapping import BLOCK, Arrays, Look, map_tiles
from spaxel.methods.rare.background import Background
from spaxel.methods.rare.ring import REACH, around
from spaxel.results.rare import DETECTORS as NAMES

OWN = 0.1  # weight of the scatter in the whole scene beside that around a pixel
HELD = 256  # numbers that are held of a pixel while its scores are made, as spaxel.cube.mapping counts them
FLAT = 1e-3  # least of what mixtures leave around, in units of the usual


def score_map(known: Background, cube: xr.Dataset, memory: int | None = None) -> np.ndarray:
    """The three scores (y, x, 3) float32, nan without data; that of the surroundings is nan where too little is around.

    Same bits whatever the tiles. A large map may be a Dask array, see spaxel.cube.stored.
    """
    look = Look(partial(_features, known=known), REACH, HELD)
    fill = {"scores": np.full(len(NAMES), np.float32(np.nan))}
    maps, _ = map_tiles(partial(_last, n=len(NAMES)), cube, fill, memory=memory, look=look)
    return maps["scores"]


def _last(block: np.ndarray, _: int, n: int) -> tuple[Arrays, Arrays]:
    return {"scores": block[:, -n:].astype(np.float32)}, {}


def _features(spectra: np.ndarray, good: np.ndarray, known: Background) -> np.ndarray:
    """The scores of a tile, (rows, columns, 3) float32."""
    height, width, channels = spectra.shape
    flat, usable = spectra.reshape(-1, channels), good.ravel()
    rows = np.arange(-(-len(flat) // BLOCK) * BLOCK) % len(flat)
    found, scene, rest, light = [], [], [], []
    for part in rows.reshape(-1, BLOCK):
        block = flat[part]
        block[~usable[part]] = 0
        apart = known.rows(block)
        z = apart @ known.basis
        found.append(z)
        scene.append(known.global_distance(z))
        rest.append(known.rest(apart, z))
        light.append(known.brightness(block))
    z, far, left = (np.concatenate(values)[: len(flat)] for values in (found, scene, rest))
    divided = np.concatenate(light, axis=1)[:, : len(flat)]
    usual = good & (far.reshape(good.shape) <= known.far[0])
    local, mixed = _beside(_blocked(z, known.near).reshape(height, width, -1), left.reshape(good.shape), usual)
    scores = np.stack([local.ravel(), far, mixed.ravel()]) / divided
    return scores.T.reshape(height, width, -1).astype(np.float32)


def _beside(near: np.ndarray, left: np.ndarray, usual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the surroundings, nan where too little is there, and what mixtures leave over that around.

    near (rows, columns, d), left (rows, columns) : of each pixel      usual : those that count as surroundings
    """
    d = near.shape[2]
    i, j = np.triu_indices(d)
    held = np.concatenate([near, near[..., i] * near[..., j], left[..., None]], axis=2)
    mean, seen = around(held, usual)
    scatter = np.empty((*seen.shape, d, d))
    scatter[..., i, j] = scatter[..., j, i] = mean[..., d:-1] - mean[..., i] * mean[..., j]
    scatter = (1 - OWN) * scatter + OWN * np.eye(d)
    scatter[~seen] = np.eye(d)
    apart = near - mean[..., :d]
    far = np.einsum("...i,...i->...", apart, np.linalg.solve(scatter, apart[..., None])[..., 0])
    beside = np.where(seen, np.maximum(mean[..., -1], FLAT), 1.0)
    return np.where(seen, far, np.nan), left / beside


def _blocked(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """rows @ matrix in blocks of one size, so that a row has the same bits wherever it stands."""
    places = np.arange(-(-len(rows) // BLOCK) * BLOCK) % len(rows)
    return np.concatenate([rows[part] @ matrix for part in places.reshape(-1, BLOCK)])[: len(rows)]
