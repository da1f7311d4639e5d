"""Labels that noise alone may have carried over a border, decided together with their neighbours: a Potts model.

It works on finished maps of what is in doubt, so that the answer does not depend on the tiles. How much is in doubt comes from
the noise of the data: where there is none, no label is in doubt, and nothing changes, however thin a structure is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import log_ndtr, softmax

from spaxel.cube.exact import Grid, group_sums
from spaxel.cube.mapping import Arrays
from spaxel.cube.sampling import read_tile
from spaxel.cube.stored import blocks, by_block
from spaxel.cube.tiles import Tile
from spaxel.cube.tiles import grid as tiles_of
from spaxel.methods.centers.maps import Block, Centers

CANDIDATES = 4  # components that a pixel may get
STEP = 0.1  # nats; odds are held as whole steps in one byte
NEVER = 255
SWEEPS = 10


class Odds(NamedTuple):
    """Maps of what each pixel may be, see `doubts`. groups : of the model      noise : (d, d) of a latent"""

    groups: Centers
    noise: np.ndarray

    def blank(self) -> dict[str, Any]:
        """Of pixels without data."""
        return {"candidates": np.full(CANDIDATES, -1, np.int16), "odds": np.full(CANDIDATES, NEVER, np.uint8)}

    def __call__(self, block: Block, pixels: Arrays, sums: Arrays) -> tuple[Arrays, Arrays]:
        """Of a block."""
        return doubts(block.far, self.groups.centers, self.groups.component, self.noise), {}


def doubts(far: np.ndarray, centers: np.ndarray, component: np.ndarray, noise: np.ndarray) -> Arrays:
    """What each pixel may be beside what it is nearest to: candidates (n, 4) int16 micro-clusters, odds (n, 4) uint8.

    far : (n, m) distances to centres (m, d)      component : (m,)      noise : (d, d) covariance of a latent by noise
    Candidates are the nearest micro-cluster of each of the nearest components. The odds of candidate k against the nearest part
    j are log Φ(t / σ) - log Φ(-t / σ), t = (|z - c_k|² - |z - c_j|²) / 2 |c_k - c_j| how far the pixel lies from the border
    of the two, σ the noise across it; in steps of 0.1, 255: never.
    """
    n, count = len(far), int(component.max()) + 1
    micro = np.stack([np.flatnonzero(component == k)[far[:, component == k].argmin(1)] for k in range(count)], 1)
    order = np.take_along_axis(far, micro, 1).argsort(1, kind="stable")[:, :CANDIDATES]
    micro = np.take_along_axis(micro, order, 1)
    across = centers[:, None] - centers
    gap = np.maximum(np.sqrt((across**2).sum(2)), 1e-300)
    sigma = np.sqrt(np.maximum(np.einsum("jka,ab,jkb->jk", across, noise, across), 0)) / gap
    first, squared = micro[:, :1], np.take_along_axis(far, micro, 1) ** 2
    beyond = np.maximum(squared - squared[:, :1], 0) / (2 * gap[first, micro])
    x = np.where(first == micro, 0, beyond / np.maximum(sigma[first, micro], 1e-12))
    steps = np.minimum(np.rint((log_ndtr(x) - log_ndtr(-np.minimum(x, 30))) / STEP), NEVER)
    candidates, odds = np.zeros((n, CANDIDATES), np.int16), np.full((n, CANDIDATES), NEVER, np.uint8)
    candidates[:, : micro.shape[1]], odds[:, : micro.shape[1]] = micro, steps
    return {"candidates": candidates, "odds": odds}


def smooth(candidates: np.ndarray, odds: np.ndarray, component: np.ndarray, strength: float) -> np.ndarray:
    """The micro-cluster of each pixel, (y, x) int16, -1 where there is none, by mean field on the eight neighbours.

    candidates : (y, x, 4), -1 for a pixel without data      odds : (y, x, 4) steps of 0.1 nats, see `doubts`
    strength   : log odds (nats) that a neighbour of the same component adds
    q_i(k) ∝ exp(-odds_i(k) + strength Σ_neighbours q_j(k)), ten sweeps; the largest q wins.
    Fails, by rounding off corners, where noise is as large as what is between components.
    """
    valid = candidates[..., 0] >= 0
    label = np.where(valid[..., None], component[candidates], -1)
    cost = np.where(odds == NEVER, np.inf, odds * STEP).astype(np.float32)
    cost[~valid] = 0  # they have no candidate, and infinite costs have no mean
    q = softmax(-cost, axis=2)
    for _ in range(SWEEPS):
        support = np.zeros_like(q)
        for k in range(int(component.max()) + 1):
            own = label == k
            support += own * _around(np.where(own, q, 0).sum(2))[..., None]
        q = softmax(np.float32(strength) * support - cost, axis=2)
    chosen = np.take_along_axis(candidates, q.argmax(2)[..., None], 2)[..., 0]
    return np.where(valid, chosen, -1).astype(np.int16)


def smoothed(
    cube: xr.Dataset, maps: Arrays, sums: Arrays, component: np.ndarray, grid: Grid, strength: float
) -> tuple[Arrays, Arrays]:
    """Maps and sums of a model with smoothed labels: `candidates` and `odds` are used up, changed pixels get confidence 0."""
    before = maps["micro"]
    kept = {name: values for name, values in maps.items() if name not in ("candidates", "odds")}
    micro = by_block(
        lambda candidates, odds: smooth(candidates, odds, component, strength),
        maps["candidates"], maps["odds"], dtype=np.int16, halo=SWEEPS,
    )  # fmt: skip
    kept |= {"micro": micro, "confidence": by_block(_doubted, micro, before, maps["confidence"], dtype=np.float32)}
    more = moved(cube, before, micro, len(component), grid)
    return kept, {name: values + more.get(name, 0) for name, values in sums.items()}


def moved(cube: xr.Dataset, before: np.ndarray, after: np.ndarray, n_micro: int, grid: Grid) -> Arrays:
    """What to add to the sums of micro-clusters, as pixels went from one to another; exact, so in any order.

    before, after : (y, x) micro-clusters. Only cells of 64 x 64 pixels with a change are read again.
    """
    found: Arrays = {}
    for block, held in blocks(before, after):
        for cell in tiles_of(*held[0].shape):
            was, now = (labels[cell.y0 : cell.y1, cell.x0 : cell.x1] for labels in held)
            changed = was != now
            if not changed.any():
                continue
            tile = Tile(*(edge + block.y0 for edge in cell[:2]), *(edge + block.x0 for edge in cell[2:]))
            rows = read_tile(cube, tile)[0][changed]
            new, old = (group_sums(rows, labels[changed], n_micro, grid) for labels in (now, was))
            found = {name: found.get(name, 0) + new[name] - old[name] for name in new}
    return found


def _doubted(micro: np.ndarray, before: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Confidence after smoothing: 0 where a label changed."""
    return np.where(micro == before, confidence, np.float32(0))


def _around(values: np.ndarray) -> np.ndarray:
    """Sum over the eight neighbours: (y, x)."""
    padded = np.pad(values, 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] - values
