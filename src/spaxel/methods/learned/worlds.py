"""Worlds that distances are learned from: simulated images with truth, on the grid of their field."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.sampling import read_tile
from spaxel.cube.tiles import Tile
from spaxel.methods.consensus.model import CONTEXT
from spaxel.methods.learned.encoder import shares
from spaxel.methods.learned.fields import Field, onto
from spaxel.methods.learned.galaxies import galaxy, pure_light
from spaxel.methods.learned.paintings import painting
from spaxel.methods.learned.sights import Light, sight_of
from spaxel.pace import paced

KEPT = 640  # pixels of a world
FEWEST = 20  # pixels of a material whose mean is kept
BENT = (
    0.08,
    0.05,
    0.03,
)  # by which the calibration of light is off: slope, curve and cubic term, standard deviation of the log
MAKERS: dict[str, Callable[[np.random.Generator], xr.Dataset]] = {"maxrf": painting, "ifu": galaxy}


class Worlds(NamedTuple):
    """Pixels of many worlds, on the grid of the field.

    own : (world, pixel, bin) float16      around : the same of the mean of their neighbours      labels : (world, pixel)
    covered : (world, bin) bool, which bins the axis covers
    means : (material, bin), of each material in each world: roots of shares of counts; what gas and stars are made of, as
            light without noise      of : (material,) its world
    """

    own: np.ndarray
    around: np.ndarray
    labels: np.ndarray
    covered: np.ndarray
    means: np.ndarray
    of: np.ndarray


def draw_worlds(field: Field, n: int, seed: int) -> Worlds:
    """So many worlds of a field. Which they are depends on the seed alone, world by world."""
    drawn = [_world(field, [seed, i]) for i in paced(range(n), "worlds")]
    own, around, labels, covered, means = (list(part) for part in zip(*drawn, strict=True))
    of = np.repeat(np.arange(n), [len(one) for one in means])
    return Worlds(np.stack(own), np.stack(around), np.stack(labels), np.stack(covered), np.concatenate(means), of)


def _world(field: Field, seed: list[int]) -> tuple[np.ndarray, ...]:
    """Some pixels of a world, what of the grid it covers, and the means of its materials."""
    rng = np.random.default_rng([*seed, 31])
    cube = MAKERS[field.name](rng)
    edges = field.grid_of(cube["channel"].values, str(cube["channel"].attrs["units"]), cube.attrs.get("redshift", 0.0))
    if edges is None:
        raise ValueError("a world lies on no grid")
    height, width, channels = cube["spectra"].shape
    read, _ = read_tile(cube, Tile(0, height, 0, width), context=CONTEXT)
    flat, labels = read.reshape(height * width, -1), cube["truth_labels"].values.ravel()
    matrix = onto(edges, field.edges, counts=field.counts)
    sight = sight_of(edges, field.edges, counts=field.counts)
    own, around = (np.asarray((matrix @ part.T).T) for part in (flat[:, :channels], flat[:, channels:]))
    if isinstance(sight, Light):
        means, covered = pure_light(rng, field.edges), sight.covered
        bent = _bent(rng, field.edges)
        own, around = own * bent, around * bent
        reference = sight.referred(own, around).reference
        own, around = own / reference, around / reference
    else:
        kinds = [j for j in np.unique(labels) if (labels == j).sum() >= FEWEST]
        means = np.sqrt(shares(np.stack([own[labels == j].sum(0) for j in kinds])))
        covered = np.ones(len(field.edges) - 1, bool)
    some = rng.permutation(len(labels))[:KEPT]
    return own[some].astype(np.float16), around[some].astype(np.float16), labels[some].astype(np.int64), covered, means


def _bent(rng: np.random.Generator, edges: np.ndarray) -> np.ndarray:
    """What a calibration that is a little off does to each bin."""
    place = np.interp((edges[1:] + edges[:-1]) / 2, edges[[0, -1]], [-1.0, 1.0])
    return np.exp(sum(rng.normal(0, size) * place ** (i + 1) for i, size in enumerate(BENT)))
