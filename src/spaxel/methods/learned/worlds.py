"""Worlds that distances are learned from: simulated paintings with truth, of pigments that exist and of invented ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.sampling import read_tile
from spaxel.cube.tiles import Tile
from spaxel.methods.consensus.model import CONTEXT
from spaxel.methods.learned.encoder import shares
from spaxel.methods.learned.fields import Field, onto
from spaxel.pace import paced
from spaxel.synth.maxrf.pigments import PIGMENTS
from spaxel.synth.maxrf.world import maxrf

SIDE = 48  # pixels of a world
KEPT = 640  # of its pixels
DICTIONARY = 0.6  # share of worlds that are made of pigments that exist, the others of invented ones
MIXED = 0.5  # share of these in which one or two of the pigments are invented
ELEMENTS = (
    "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "As", "Se", "Br",
    "Sr", "Y", "Zr", "Mo", "Cd", "In", "Sn", "Sb", "Te", "I", "Ba", "Ce", "Au", "Hg", "Tl", "Pb", "Bi",
)  # fmt: skip


class Worlds(NamedTuple):
    """Pixels of many worlds, on the grid of the field.

    own : (world, pixel, bin) float16 counts      around : the same of the mean of their neighbours      labels : (world, pixel)
    means : (material, bin) roots of shares, of the pixels of each material in each world      of : (material,) its world
    """

    own: np.ndarray
    around: np.ndarray
    labels: np.ndarray
    means: np.ndarray
    of: np.ndarray


def draw_worlds(field: Field, n: int, seed: int) -> Worlds:
    """So many worlds of a field. Which they are depends on the seed alone, world by world."""
    drawn = [_pixels(field, MAKERS[field.name], [seed, i]) for i in paced(range(n), "worlds")]
    own, around, labels, means = (list(part) for part in zip(*drawn, strict=True))
    of = np.repeat(np.arange(n), [len(one) for one in means])
    return Worlds(np.stack(own), np.stack(around), np.stack(labels), np.concatenate(means), of)


def painting(rng: np.random.Generator) -> xr.Dataset:
    """A painting of one or two layers under some instrument, of 4 to 10 pigments."""
    k = int(rng.integers(4, 11))
    known = rng.random() < DICTIONARY
    pigments = {name: PIGMENTS[name] for name in rng.choice(list(PIGMENTS), k, replace=False)} if known else {}
    foreign = k if not known else int(rng.integers(1, 3)) if rng.random() < MIXED else 0
    pigments = dict(list(pigments.items())[foreign:]) | {f"invented {i}": _invented(rng) for i in range(foreign)}
    options: dict[str, Any] = {
        "energies": (float(rng.uniform(0.3, 1.0)), float(rng.choice([38.5, rng.uniform(20, 40)]))),
        "channels": int(rng.choice([256, 384])),
        "counts": float(np.exp(rng.uniform(np.log(30), np.log(1500)))),
        "layers": int(rng.integers(1, 3)),
        "relief": float(rng.uniform(0, 0.7) * (rng.random() < 0.8)),
        "thickness": float(np.exp(rng.uniform(np.log(0.003), np.log(0.012)))),
        "pileup": float(rng.uniform(0, 0.08)),
        "mixing": float(rng.uniform(0, 0.3)),
        "contrast": float(rng.uniform(0, 0.4)),
        "region": float(rng.uniform(0.12, 0.3)),
        "border": float(rng.uniform(1, 3)),
        "tube_kv": float(rng.choice([45.0, rng.uniform(30, 50)])),
        "resolution": float(rng.uniform(0.13, 0.18)),
    }
    return maxrf(SIDE, SIDE, pigments=pigments, seed=int(rng.integers(2**31)), **options)


MAKERS = {"maxrf": painting}


def _invented(rng: np.random.Generator) -> dict[str, float]:
    """A pigment of one to three elements and what binds them."""
    shares_of = rng.dirichlet(np.ones(rng.integers(1, 4))) * rng.uniform(0.3, 0.85)
    elements = rng.choice(ELEMENTS, len(shares_of), replace=False)
    made = {str(element): float(share) for element, share in zip(elements, shares_of, strict=True)}
    return made | {"C": 0.05, "O": float(0.95 - shares_of.sum())}


def _pixels(field: Field, make: Any, seed: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Some pixels of a world, and the means of its materials."""
    rng = np.random.default_rng([*seed, 31])
    cube = make(rng)
    edges = field.grid_of(cube["channel"].values, str(cube["channel"].attrs["units"]))
    if edges is None:
        raise ValueError("a world lies on no grid")
    height, width, channels = cube["spectra"].shape
    read, _ = read_tile(cube, Tile(0, height, 0, width), context=CONTEXT)
    flat, labels = read.reshape(height * width, -1), cube["truth_labels"].values.ravel()
    matrix = onto(edges, field.edges)
    own, around = (np.asarray((matrix @ part.T).T) for part in (flat[:, :channels], flat[:, channels:]))
    kinds = [j for j in np.unique(labels) if (labels == j).sum() >= 20]
    means = np.sqrt(shares(np.stack([own[labels == j].sum(0) for j in kinds])))
    some = rng.permutation(len(labels))[:KEPT]
    return own[some].astype(np.float16), around[some].astype(np.float16), labels[some].astype(np.int64), means
