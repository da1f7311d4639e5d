"""Tables of 16 and of 5 components with one systematic error each, and the same without: worlds of benchmarks/systematic.py."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.synth.mixture import LOWEST, draw_amounts, mixture
from spaxel.synth.systematic import ERRORS, coloured, twins


class World(NamedTuple):
    """spectra : orthogonal (as published) or peaks      k, times : components, samples per component      db : noise."""

    spectra: str
    k: int
    times: int
    db: float


WORLDS = (
    World("orthogonal", 16, 4, 20), World("orthogonal", 16, 8, 30), World("peaks", 16, 4, 30), World("peaks", 16, 8, 20),
    World("peaks", 5, 12, 30), World("orthogonal", 5, 12, 20),
)  # fmt: skip
SIZES = {"orthogonal": {"widths": 0.4}, "peaks": {}}  # bands one channel wide bear less of these
CASES = ("clean", *ERRORS, "coloured", "twins")


def table(world: World, case: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra (n, channel), concentrations, components of norm 1."""
    rng = np.random.default_rng([seed, 31, CASES.index(case)])
    kind, k, times, db = world
    pure = mixture(4, seed=seed, n_components=k, spectra=kind, noise="none")["truth_spectra"].values
    pure = twins(rng, pure) if case == "twins" else pure
    amounts = draw_amounts(np.random.default_rng([seed, 32]), times * k, k, 1, min(4, k // 2))
    clean = amounts @ pure
    if case in ERRORS:
        size = SIZES[kind].get(case)
        clean = ERRORS[case](rng, clean) if size is None else ERRORS[case](rng, clean, size)
    level = np.sqrt((clean**2).mean(1, keepdims=True) / 10 ** (db / 10))
    noisy = clean + level * (coloured(rng, clean.shape) if case == "coloured" else rng.standard_normal(clean.shape))
    return (np.maximum(noisy, LOWEST) if kind == "orthogonal" else noisy), amounts, pure
