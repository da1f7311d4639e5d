"""Paintings that distances are learned from: of pigments that exist and of invented ones, under some instrument."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.synth.maxrf.pigments import PIGMENTS
from spaxel.synth.maxrf.world import maxrf

SIDE = 48  # pixels of a world
DICTIONARY = 0.6  # share of worlds that are made of pigments that exist, the others of invented ones
MIXED = 0.5  # share of these in which one or two of the pigments are invented
ELEMENTS = (
    "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "As", "Se", "Br",
    "Sr", "Y", "Zr", "Mo", "Cd", "In", "Sn", "Sb", "Te", "I", "Ba", "Ce", "Au", "Hg", "Tl", "Pb", "Bi",
)  # fmt: skip


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


def _invented(rng: np.random.Generator) -> dict[str, float]:
    """A pigment of one to three elements and what binds them."""
    shares_of = rng.dirichlet(np.ones(rng.integers(1, 4))) * rng.uniform(0.3, 0.85)
    elements = rng.choice(ELEMENTS, len(shares_of), replace=False)
    made = {str(element): float(share) for element, share in zip(elements, shares_of, strict=True)}
    return made | {"C": 0.05, "O": float(0.95 - shares_of.sum())}
