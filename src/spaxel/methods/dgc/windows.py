"""What Deep Global Clustering is trained on and judged by: pairs of windows of tiles, as scores on the axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from spaxel.cube.mapping import DEFAULT_MEMORY
from spaxel.cube.patches import Patch, batched, draws, held_out, read_patch
from spaxel.cube.tiles import CELL, Tile
from spaxel.cube.windows import draw_views
from spaxel.methods.dgc.axes import Axes
from spaxel.methods.dgc.encoder import projected
from spaxel.methods.dgc.settings import Settings

SAMPLING = 1_000_000  # the number of an epoch that is none
HELD = 8  # tiles are remembered in so many parts of the memory


class TileScores:
    """Tiles of cubes as scores on the axes, read once and remembered from epoch to epoch as far as the memory allows.

    What is given is the same bit by bit whether it was remembered or read again.
    """

    def __init__(self, cubes: Sequence[xr.Dataset], axes: Axes, memory: int | None) -> None:
        self.cubes, self.axes, self.left = cubes, axes, (memory or DEFAULT_MEMORY) // HELD
        self.held: dict[tuple[int, Tile], tuple[np.ndarray, np.ndarray]] = {}

    def __call__(self, number: int, tile: Tile) -> tuple[np.ndarray, np.ndarray]:
        """Scores (h, w, d) float32 of a tile of the cube of this number, and where data are (h, w)."""
        if (number, tile) in self.held:
            return self.held[number, tile]
        spectra, good = read_patch(self.cubes[number], tile)
        scores = projected(spectra, self.axes.blocks)
        if (need := scores.nbytes + good.nbytes) <= self.left:
            self.left -= need
            self.held[number, tile] = scores, good
        return scores, good


def windows(tiles: TileScores, settings: Settings, epoch: int, n_pairs: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Batches of n_pairs pairs of windows of an epoch's tiles, each looked at several times; see spaxel.cube.patches.batched.

    The tiles of an epoch are held as scores, which are small, so that a batch mixes cubes. Tiles held out are not read.
    """
    cubes, seed, memory = tiles.cubes, settings.seed, settings.memory
    skip = held_out([(c.sizes["y"], c.sizes["x"]) for c in cubes], seed)
    found: dict[tuple[int, ...], list] = {}
    for patch in draws(cubes, seed, epoch, settings.tiles, settings.reuse, memory=memory, skip=skip, read=tiles):
        tile = patch.views[0][0].tile
        found.setdefault((tile.y1 - tile.y0, tile.x1 - tile.x0), []).extend((patch, pair) for pair in patch.views)
    rng = np.random.default_rng([seed, 44, epoch])
    for group in found.values():
        order = rng.permutation(len(group))
        for start in range(0, len(order), n_pairs):
            yield batched([group[i] for i in order[start : start + n_pairs]])


def judged(cubes: Sequence[xr.Dataset], axes: Axes, seed: int, memory: int | None) -> list[tuple[np.ndarray, ...]]:
    """Batches of one pair of windows each to judge by: of tiles held out; of any where there are too few."""
    skip = held_out([(c.sizes["y"], c.sizes["x"]) for c in cubes], seed)
    rng = np.random.default_rng([seed, 45])
    if not skip:
        patches = draws(cubes, seed, SAMPLING + 1, 2, 3, memory=memory)
        return [batched([(_as_scores(patch, axes), pair)]) for patch in patches for pair in patch.views]
    found = []
    for number, tile in sorted(skip):
        spectra, good = read_patch(cubes[number], tile)
        if good.any():
            views = [draw_views(good.shape[0], good.shape[1], CELL, rng) for _ in range(3)]
            small = _as_scores(Patch(spectra, good, number, views), axes)
            found += [batched([(small, pair)]) for pair in views]
    return found or [
        batched([(_as_scores(p, axes), p.views[0])]) for p in draws(cubes, seed, SAMPLING + 1, 2, 1, memory=memory)
    ]


def _as_scores(patch: Patch, axes: Axes) -> Patch:
    return patch._replace(spectra=projected(patch.spectra, axes.blocks))
