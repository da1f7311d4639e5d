"""What a fitted model of centres says of a block of scores: the nearest centre, and how sure."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import Recipe, blank_pictures, pictures
from spaxel.methods.centers.confidence import Apart, Ladder, apart_margins, level_margins, margins
from spaxel.methods.centers.sure import at_most, confidence


class Rungs(NamedTuple):
    """Levels that get a confidence, and what makes one of a margin.

    ladder : of them      apart : those that are no cut of the tree

    weights : (4,), against : (m,) at the components of the model, against_at : (m, level), see `sure`; None: the margin itself
    alone : how probable it is that there is nothing to divide, where that was found
    """

    ladder: Ladder
    apart: Apart | None = None
    weights: np.ndarray | None = None
    against: np.ndarray | None = None
    against_at: np.ndarray | None = None
    alone: float = 1.0


def few_maps() -> dict[str, Any]:
    """What pixels without data have in the maps that `nearest` makes."""
    return {"micro": np.int16(-1), "confidence": np.float32(np.nan)}


def blank_maps(n_levels: int, recipe: Recipe) -> dict[str, Any]:
    """What pixels without data have in the maps that all models of centres make; see `center_maps`."""
    return {
        **few_maps(),
        "level_confidence": np.zeros(n_levels, np.uint8),
        "unlike": np.uint8(0),
        **blank_pictures(recipe),
    }


def center_maps(spectra: np.ndarray, far: np.ndarray, component: np.ndarray, rungs: Rungs, recipe: Recipe) -> Arrays:
    """Maps of a block from distances (n, m) to centres of these components (m,); not `unlike`."""
    found = nearest(far, component, rungs)
    levels = level_margins(far, found["micro"], rungs.ladder)
    if rungs.apart is not None:
        levels[:, rungs.apart.rows] = apart_margins(far, found["micro"], rungs.apart)
    if rungs.weights is not None and rungs.against_at is not None:
        levels = confidence(levels, rungs.against_at[found["micro"]], rungs.weights)
        levels = np.minimum(levels, at_most(rungs.ladder.levels, rungs.alone))
    return found | {"level_confidence": np.rint(255 * levels).astype(np.uint8)} | pictures(spectra, recipe)


def nearest(far: np.ndarray, component: np.ndarray, rungs: Rungs) -> Arrays:
    """The nearest of centres of these components (m,), from distances (n, m), and how sure that one is right."""
    micro, sure = far.argmin(1), margins(far, component)
    if component.max() == 0:
        sure = np.full(len(far), rungs.alone)
    elif rungs.weights is not None and rungs.against is not None:
        sure = confidence(sure, rungs.against[micro], rungs.weights)
    return {"micro": micro.astype(np.int16), "confidence": sure.astype(np.float32)}
