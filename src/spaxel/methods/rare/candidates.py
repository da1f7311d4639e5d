"""Rare pixels that touch become candidates, ranked by how rarely the scene alone would make them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spaxel.cube.sampling import read_tile
from spaxel.cube.stored import blocks
from spaxel.cube.tiles import Tile, with_halo

EXPECTED = 10.0  # false candidates in an image at most, from which on a pixel begins a candidate
GROWN = 1e-3  # chance below which pixels that touch it belong to it
MOST = 100  # candidates that are kept
MOST_PIXELS = 200_000  # the rarest that are looked at
BESIDE = 3  # pixels around a candidate whose mean its spectrum is shown beside
WIDEST = 48  # pixels from the rarest one of a candidate, beyond which its spectra are not read


class Pixels(NamedTuple):
    """Rare pixels: y, x (n,), chance (n,) that the scene makes each, detector (n,) that says so, candidate (n,) from 0."""

    y: np.ndarray
    x: np.ndarray
    chance: np.ndarray
    detector: np.ndarray
    candidate: np.ndarray


def rare_pixels(chance: np.ndarray, detector: np.ndarray, n_pixels: int) -> tuple[Pixels, int]:
    """Pixels of the candidates, rarest candidate first, and how many more candidates there are than are kept.

    chance (y, x) : by the scene alone, nan without data; may be Dask arrays      detector (y, x) : its number
    n_pixels : with data; a candidate begins where n_pixels times the chance is at most EXPECTED
    """
    begin = EXPECTED / max(n_pixels, 1)
    grown = max(begin, GROWN)
    parts = []
    for tile, (part, who) in blocks(chance, detector):
        y, x = np.nonzero(part <= grown)
        parts.append((y + tile.y0, x + tile.x0, part[y, x].astype(np.float64), who[y, x]))
    y, x, p, who = (np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.lexsort((x, y, p))[:MOST_PIXELS]
    y, x, p, who = y[order], x[order], p[order], who[order]
    group = _touching(y, x)
    first = np.unique(group, return_index=True)[1]  # the rarest pixel of each group, as they are in that order
    ranked = first[np.argsort(first)]
    ranked = ranked[p[ranked] <= begin]
    place = np.full(group.max(initial=-1) + 1, -1)
    place[group[ranked[:MOST]]] = np.arange(min(len(ranked), MOST))
    number = place[group] if len(group) else np.zeros(0, int)
    kept = number >= 0
    return Pixels(y[kept], x[kept], p[kept], who[kept], number[kept]), max(len(ranked) - MOST, 0)


def _touching(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The group of each pixel (n,): pixels that touch, by a side or a corner, are in one."""
    n = len(y)
    if not n:
        return np.zeros(0, int)
    width = int(x.max()) + 3
    key = y.astype(np.int64) * width + x + 1
    order = np.argsort(key)
    rows, columns = [], []
    for step in (1, width - 1, width, width + 1):
        at = np.searchsorted(key[order], key + step)
        found = (at < n) & (key[order][np.minimum(at, n - 1)] == key + step)
        rows.append(np.flatnonzero(found))
        columns.append(order[at[found]])
    i, j = np.concatenate(rows), np.concatenate(columns)
    return connected_components(coo_array((np.ones(len(i)), (i, j)), shape=(n, n)), directed=False)[1]


def spectra_beside(cube: xr.Dataset, pixels: Pixels, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean spectrum (channel,) of a candidate, its spread, and the mean of what lies around; nan where nothing is there."""
    own = pixels.candidate == number
    y, x = pixels.y[own], pixels.x[own]
    near = (np.abs(y - y[0]) <= WIDEST) & (np.abs(x - x[0]) <= WIDEST)
    y, x = y[near], x[near]
    size = (cube.sizes["y"], cube.sizes["x"])
    tile = Tile(int(y.min()), int(y.max()) + 1, int(x.min()), int(x.max()) + 1)
    wide, _ = with_halo(tile, size, BESIDE)
    spectra, good = read_tile(cube, wide)
    inside = np.zeros(good.shape, bool)
    inside[y - wide.y0, x - wide.x0] = True
    other = good.copy()
    rare = (pixels.y >= wide.y0) & (pixels.y < wide.y1) & (pixels.x >= wide.x0) & (pixels.x < wide.x1)
    other[pixels.y[rare] - wide.y0, pixels.x[rare] - wide.x0] = False
    own_spectra = spectra[inside & good].astype(np.float64)
    return _mean(own_spectra), own_spectra.std(0), _mean(spectra[other])


def _mean(spectra: np.ndarray) -> np.ndarray:
    if not len(spectra):
        return np.full(spectra.shape[1], np.nan)
    return spectra.mean(0, dtype=np.float64)
