"""Tables whose samples hold most of few components: the solution of small volume in place of the sparse one."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from spaxel.linear.constrained.dense import between, dense_components
from spaxel.linear.sparse.factorise import factorise
from spaxel.linear.sparse.report import CROWDED, Factors

FEW, LARGE = 8, 500_000  # components up to which, and values up to which, a dense table is solved so
ENOUGH = 8  # samples for each component; with fewer the price of volume decides too much
SEEDS, STEADY = (1, 2, 3), 0.02  # seeds, and rad by which their answers may differ and the sparse one is determined
UNSURE = 0.1  # rad between starts, from which a component is named


class Settled(NamedTuple):
    """factors : the factorisation      apart : (k,) rad between starts that fit as well, None where nothing was done."""

    factors: Factors
    apart: list[float] | None


def settled(table: np.ndarray, found: Factors, *, signed: bool) -> Settled:
    """The factorisation of a table (n, channel), by the least volume if its samples hold most of the components.

    Only where the sparse solution depends on the seed: where it does not, zeros determine it, and it is the better one.
    """
    (n, k), held = found.concentrations.shape, np.count_nonzero(found.concentrations)
    few = 2 <= k <= FEW and n >= ENOUGH * k and table.size <= LARGE
    if signed or not few or held <= CROWDED * found.concentrations.size:
        return Settled(found, None)
    if _steady(table, k):
        return Settled(found, None)
    dense = dense_components(table, k)
    s, c = dense.components, dense.concentrations
    if not (s.any(1).all() and (c > 0).any(0).all() and np.isfinite(c).all()):
        return Settled(found, None)
    sigma = float(np.nanmedian(found.noise))
    spread = ((table - table.mean(0)) ** 2).sum()
    new = replace(
        found,
        components=s,
        concentrations=c,
        errors=sigma * np.sqrt(np.maximum(np.linalg.pinv(c.T @ c, hermitian=True).diagonal(), 0)),
        usage=np.count_nonzero(c, axis=0),
        effective=c.sum(0) ** 2 / np.maximum((c**2).sum(0), 1e-300),
        r2=float(1 - ((table - c @ s) ** 2).sum() / spread) if spread else found.r2,
    )
    return Settled(new, dense.apart.round(4).tolist())


def _steady(table: np.ndarray, k: int) -> bool:
    """Whether the sparse solver gives the same components whatever the seed; the seeds are fixed."""
    tries = [factorise(table, k, seed=seed).components for seed in SEEDS]
    if any(len(s) != k for s in tries):
        return False
    return all(float(between(tries[0], other).max()) < STEADY for other in tries[1:])


def apart_words(apart: list[float] | None) -> list[str]:
    """A sentence for the components on which starts that fit as well do not agree."""
    unsure = [f"{i} ({size:.1f} rad)" for i, size in enumerate(apart or []) if size > UNSURE]
    if not unsure:
        return []
    noun = "Component" if len(unsure) == 1 else "Components"
    return [
        f"{noun} {', '.join(unsure)}: uncertain by so much between starts that fit as well. Try known spectra or closure."
    ]
