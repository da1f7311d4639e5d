"""What a fitted model of centres says of spectra: the nearest centre, and how sure."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import Recipe, blank_pictures
from spaxel.methods.centers.at_levels import Asked, confidence_at


def few_maps() -> dict[str, Any]:
    """What pixels without data have in the maps of a lean model: the nearest part, and how sure its component is."""
    return {"micro": np.int16(-1), "confidence": np.float32(np.nan)}


def blank_maps(n_levels: int, recipe: Recipe) -> dict[str, Any]:
    """What pixels without data have in the maps that all models of centres make."""
    return {
        **few_maps(),
        "level_confidence": np.zeros(n_levels, np.uint8),
        "unlike": np.uint8(0),
        **blank_pictures(recipe),
    }


def nearest(far: np.ndarray) -> Arrays:
    """The nearest of centres, (n,) int16, and for `with_confidence` the distances to all, (n, m)."""
    return {"micro": far.argmin(1).astype(np.int16), "far": far}


def with_confidence(pixels: Arrays, asked: Asked, *, lean: bool) -> Arrays:
    """Maps of many blocks with confidence in place of distances. lean : that of the components only"""
    own, levels = confidence_at(pixels["far"], pixels["micro"], asked)
    found = {name: values for name, values in pixels.items() if name != "far"} | {"confidence": own}
    return found if lean else found | {"level_confidence": levels}
