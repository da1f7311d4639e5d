"""What a fitted model of centres says of a block of scores: the nearest centre, and how sure."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import Recipe, blank_pictures, pictures
from spaxel.methods.centers.confidence import Ladder, level_margins, margins


def blank_maps(n_levels: int, recipe: Recipe) -> dict[str, Any]:
    """What pixels without data have in the maps that all models of centres make; see `center_maps`."""
    return {
        "micro": np.int16(-1),
        "confidence": np.float32(np.nan),
        "level_confidence": np.zeros(n_levels, np.uint8),
        "unlike": np.uint8(0),
        **blank_pictures(recipe),
    }


def center_maps(spectra: np.ndarray, far: np.ndarray, component: np.ndarray, rungs: Ladder, recipe: Recipe) -> Arrays:
    """Maps of a block from distances (n, m) to centres of these components (m,); not `unlike`."""
    micro = far.argmin(1)
    return {
        "micro": micro.astype(np.int16),
        "confidence": margins(far, component).astype(np.float32),
        "level_confidence": level_margins(far, micro, rungs),
        **pictures(spectra, recipe),
    }
