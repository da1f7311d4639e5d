"""What a fitted model of centres says of a block of scores: the nearest centre, how sure, how unlike all that was fitted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import Recipe, blank_pictures, pictures
from spaxel.methods.centers.confidence import Ladder, level_margins, margins
from spaxel.preprocess.scaling import log_norm


class Familiar(NamedTuple):
    """How far the sample lies from its model, so that a spectrum which lies farther is known to be unlike it.

    mean : (channel,), back : (d, channel): scaled rows ≈ mean + scores @ back      sd : (channel,) of what that leaves
    near, left : (m,) median distance to the centre, and of what is left, of each micro-cluster at mean brightness
    bend : (2,) exponents of brightness in both, as dim spectra scatter more      bright : mean log brightness
    reach : (2,) ratio to these medians that 99.9 % of the sample keep
    seen : how many of it, how many of them are far, and the median
    """

    mean: np.ndarray
    back: np.ndarray
    sd: np.ndarray
    near: np.ndarray
    left: np.ndarray
    bend: np.ndarray
    bright: np.ndarray
    reach: np.ndarray
    seen: np.ndarray


def unlike(spectra: np.ndarray, rows: np.ndarray, scores: np.ndarray, gaps: np.ndarray, known: Familiar) -> np.ndarray:
    """How far spectra lie from all that was fitted, (n,) uint8: 100 is the farthest 0.1 % of the sample.

    spectra, rows : (n, channel) as measured, scaled by scale_rows      scores : (n, d)
    gaps : (n, m) distances to the centres
    """
    rest = rows - known.mean
    rest -= scores @ known.back
    rest *= 1 / known.sd
    micro, light = gaps.argmin(1), log_norm(spectra) - known.bright[0]
    both = np.stack([gaps.min(1), np.sqrt(np.einsum("ij,ij->i", rest, rest) / rest.shape[1])])
    middles = np.stack([known.near[micro], known.left[micro]])
    ratio = both / np.exp(known.bend[:, None] * light) / middles / known.reach[:, None]
    return np.clip(np.rint(100 * ratio.max(0)), 0, 255).astype(np.uint8)


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
