"""What a fitted model of centres does with spectra: project, find the nearest centres, keep sums. Shared by methods.

The state is a dict of plain arrays (see `State`); a block of spectra always has the same number of rows, so that the
answer is the same bit by bit whatever the tiles.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.exact import Grid, group_sums
from spaxel.cube.mapping import BLOCK, Arrays, Progress, map_tiles
from spaxel.cube.picture import Recipe, paint
from spaxel.linear.pca import Projection
from spaxel.methods.centers.confidence import Ladder, ladder, level_margins, margins
from spaxel.preprocess.scaling import Scaling, log_norm, scale_rows


class Nearest(NamedTuple):
    """A fitted model of centres.

    name    : the scaling, whose part that looks at one spectrum alone is done first, around center (channel,)
    project : (channel, d) and offset (d,): everything linear that follows, folded into one product
    bright  : (2,) mean and weight of log brightness, and along (d,) its place in the scores; zeros if unused
    centers : (m, d)       tree : (m - 1, 4)       levels : (l,) that get a confidence       component : (m,) at the level
    """

    name: str
    center: np.ndarray
    project: np.ndarray
    offset: np.ndarray
    bright: np.ndarray
    along: np.ndarray
    centers: np.ndarray
    tree: np.ndarray
    levels: np.ndarray
    component: np.ndarray


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


def fold(scaling: Scaling, projection: Projection) -> dict[str, np.ndarray]:
    """Scaling and projection as one product: arrays center, project, offset, bright, along."""
    channels = len(scaling.center)
    basis, matrix = projection.basis[:channels], None if scaling.name == "unit_bright" else scaling.matrix
    project = scaling.weight[:, None] * (basis if matrix is None else matrix @ basis)
    bright, along, offset = (
        np.zeros(2),
        np.zeros(basis.shape[1]),
        projection.mean[:channels] @ basis,
    )
    if scaling.name == "unit_bright":
        bright, along = scaling.matrix[0], projection.basis[channels]
        offset = offset + projection.mean[channels] * along
    return {
        "center": scaling.center,
        "project": np.ascontiguousarray(project),
        "offset": offset,
        "bright": bright,
        "along": along,
    }


def project(spectra: np.ndarray, model: Nearest, rows: np.ndarray | None = None) -> np.ndarray:
    """Scores of spectra: (n, channel) -> (n, d). rows : what scale_rows gives for them, if it is known."""
    rows = scale_rows(model.name, spectra, model.center) if rows is None else rows
    scores = rows @ model.project - model.offset
    if model.bright[1]:
        scores += ((log_norm(spectra) - model.bright[0]) * model.bright[1])[:, None] * model.along
    return scores


def project_blocks(spectra: np.ndarray, model: Nearest) -> np.ndarray:
    """The same for many spectra, in blocks of the size that mapping uses, so that the bits agree."""
    rows = np.arange(int(np.ceil(len(spectra) / BLOCK)) * BLOCK) % len(spectra)
    return np.concatenate([project(spectra[part], model) for part in rows.reshape(-1, BLOCK)])[: len(spectra)]


def distances(scores: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, m) of scores (n, d) to centres (m, d)."""
    squared = (scores**2).sum(1)[:, None] - 2 * scores @ centers.T + (centers**2).sum(1)
    return np.sqrt(np.maximum(squared, 0))


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


def blank_maps(n_levels: int) -> dict[str, Any]:
    """What pixels without data have in the maps that all models of centres make; see `center_maps`."""
    return {
        "micro": np.int16(-1),
        "confidence": np.float32(np.nan),
        "picture": np.full(3, 255, np.uint8),
        "level_confidence": np.zeros(n_levels, np.uint8),
        "unlike": np.uint8(0),
    }


def center_maps(spectra: np.ndarray, far: np.ndarray, component: np.ndarray, rungs: Ladder, recipe: Recipe) -> Arrays:
    """Maps of a block from distances (n, m) to centres of these components (m,); not `unlike`."""
    micro = far.argmin(1)
    return {
        "micro": micro.astype(np.int16),
        "confidence": margins(far, component).astype(np.float32),
        "picture": paint(spectra, recipe),
        "level_confidence": level_margins(far, micro, rungs),
    }


def _block(
    spectra: np.ndarray, n: int, model: Nearest, rungs: Ladder, grid: Grid, recipe: Recipe, familiar: Familiar | None
) -> tuple[Arrays, Arrays]:
    rows = scale_rows(model.name, spectra, model.center)
    scores = project(spectra, model, rows)
    far = distances(scores, model.centers)
    pixels = center_maps(spectra, far, model.component, rungs, recipe)
    if familiar:
        pixels["unlike"] = unlike(spectra, rows, scores, far, familiar)
    return pixels, group_sums(spectra[:n], pixels["micro"][:n], len(model.centers), grid)


def map_nearest(
    model: Nearest,
    grid: Grid,
    recipe: Recipe,
    cube: xr.Dataset,
    memory: int | None,
    progress: Progress | None,
    familiar: Familiar | None = None,
) -> tuple[Arrays, Arrays]:
    """Maps and sums of a model over a cube, in bounded memory. See spaxel.cube.mapping. Without `familiar`, no map `unlike`."""
    fill = blank_maps(len(model.levels))
    if not familiar:
        del fill["unlike"]
    rungs = ladder(model.tree, model.levels)
    function = partial(_block, model=model, rungs=rungs, grid=grid, recipe=recipe, familiar=familiar)
    return map_tiles(function, cube, fill, memory=memory, progress=progress)
