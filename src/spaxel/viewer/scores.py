"""Where the pixels of a sample lie among each other: principal components of their spectra, or the latents of a method."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.gaps import MARKED
from spaxel.cube.sampling import judged_tile
from spaxel.cube.tiles import Tile
from spaxel.viewer.scene import Scene

PLACES, SIDE = 8, 8  # places along each side of the image, pixels along each side of a place
SECONDS = 3.0  # of reading, after which those that are there must do, but for the first eight
MOST = 6  # axes to choose from


class Scores(NamedTuple):
    """at : (n, 2) y and x of the pixels      values : (n, axis)      names : of the axes"""

    at: np.ndarray
    values: np.ndarray
    names: list[str]


def can_score(scene: Scene) -> bool:
    """Whether there is anything to compute scores from."""
    return scene.cube is not None or (scene.result is not None and "latents" in scene.result)


def scores(scene: Scene) -> Scores:
    """The scores of some 4,000 pixels at 64 places of the image, computed once for all windows; none where nothing is there."""
    if "scores" not in scene.kept:
        scene.kept["scores"] = _latents(scene.result) or _principal(scene)
    return scene.kept["scores"]


def _latents(result: xr.Dataset | None) -> Scores | None:
    if result is None or "latents" not in result:
        return None
    rows, columns, n = result["latents"].shape
    step = max(1, int(np.sqrt(rows * columns / (PLACES * SIDE) ** 2)))
    values = np.asarray(result["latents"][::step, ::step, :MOST], np.float64)
    known = np.isfinite(values).all(-1)
    at = np.argwhere(known) * step
    return Scores(at, values[known], [f"latent {i + 1}" for i in range(min(n, MOST))])


def _principal(scene: Scene) -> Scores:
    from sklearn.decomposition import PCA

    at, spectra = _sample(scene)
    if len(spectra) < 3:
        return Scores(np.zeros((0, 2), int), np.zeros((0, 2)), ["principal component 1", "principal component 2"])
    counts = spectra.dtype.kind in "iu"
    values = np.nan_to_num(spectra.astype(np.float64))
    values = np.sqrt(np.maximum(values, 0)) if counts else values
    k = min(MOST, *values.shape)
    model = PCA(k, svd_solver="randomized", random_state=0).fit(values)
    names = [f"principal component {i + 1} ({share:.1%})" for i, share in enumerate(model.explained_variance_ratio_)]
    return Scores(at, model.transform(values), names)


def _sample(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, 2) and spectra (n, channel) of pixels with data, the middle of the image first."""
    cube, (rows, columns) = scene.cube, scene.shape
    if cube is None:
        return np.zeros((0, 2), int), np.zeros((0, 0))
    ys, xs = (
        {max(0, min(int((i + 0.5) * n / PLACES) - SIDE // 2, n - SIDE)) for i in range(PLACES)} for n in (rows, columns)
    )
    tiles = [(y, x) for y in ys for x in xs]
    order = sorted(tiles, key=lambda p: abs(p[0] - rows / 2) / rows + abs(p[1] - columns / 2) / columns)
    end, places, spectra = time.monotonic() + SECONDS, [], []
    taken = np.zeros((rows, columns), bool) if rows * columns < 10**7 else None
    for y, x in order:
        found, why = judged_tile(cube, Tile(y, min(y + SIDE, rows), x, min(x + SIDE, columns)), "any")
        good = why < MARKED
        if taken is not None:  # tiles of a small image lie over each other
            part = taken[y : y + SIDE, x : x + SIDE]
            good, taken[y : y + SIDE, x : x + SIDE] = good & ~part, True
        places.append(np.argwhere(good) + np.array([y, x]))
        spectra.append(found[good])
        if time.monotonic() > end and len(places) >= 8:
            break
    return np.concatenate(places), np.concatenate(spectra)


def labels_at(result: xr.Dataset | None, at: np.ndarray, kept: dict[Any, Any]) -> np.ndarray:
    """The component of each of these pixels, (n,) int, -1 = none; the finest parts are read once."""
    if result is None or not len(at):
        return np.full(len(at), -1)
    y, x = xr.DataArray(at[:, 0], dims="n"), xr.DataArray(at[:, 1], dims="n")
    if "micro_labels" not in result or "micro_component" not in result:
        return np.asarray(result["labels"].isel(y=y, x=x)).astype(int)
    if "scored parts" not in kept:
        kept["scored parts"] = np.asarray(result["micro_labels"].isel(y=y, x=x)).astype(int)
    return np.append(np.asarray(result["micro_component"]), -1).astype(int)[kept["scored parts"]]
