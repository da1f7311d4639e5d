"""A quick look at a whole scene: some spectra for colours, and where the colours of a layer begin and end."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from spaxel.cube.gaps import MARKED
from spaxel.cube.picture import Recipe, picture_recipe
from spaxel.cube.sampling import judged_tile
from spaxel.cube.tiles import Tile
from spaxel.viewer.layers import Layer
from spaxel.viewer.reading import BLINK, Reading
from spaxel.viewer.scene import Scene
from spaxel.viewer.screen import on_screen
from spaxel.viewer.spectra import alone

PLACES = 5  # along each side, where spectra are taken
SIDE = 8  # pixels of each place
SECONDS = 0.6  # after which those that are there must do, but for the first four
COARSE = 192  # points of the image on which limits are learned
ENDS = (2.0, 98.0)  # per cent that the colours span


def sample(scene: Scene) -> np.ndarray:
    """(n, channel) spectra of pixels with data at up to 25 places of the cube, the middle first; n = 0 if none has any."""
    if "sample" not in scene.kept:
        scene.kept["sample"] = _sample(scene)
    return scene.kept["sample"]


def _sample(scene: Scene) -> np.ndarray:
    if scene.cube is None:
        return np.zeros((0, 0))
    cube, (rows, columns) = alone(scene.cube), scene.shape
    ys, xs = ([int((i + 0.5) * n / PLACES) for i in range(PLACES)] for n in (rows, columns))
    places = sorted(
        {(max(0, y - SIDE // 2), max(0, x - SIDE // 2)) for y in ys for x in xs},
        key=lambda p: abs(p[0] - rows / 2) / rows + abs(p[1] - columns / 2) / columns,
    )
    found: list[np.ndarray] = []
    end = time.monotonic() + SECONDS
    for tried, (y, x) in enumerate(places, start=1):
        spectra, why = judged_tile(cube, Tile(y, min(y + SIDE, rows), x, min(x + SIDE, columns)), "any")
        if (good := why < MARKED).any():
            found.append(spectra[good])
        if time.monotonic() > end and tried >= (4 if found else 9):
            break
    return np.concatenate(found) if found else np.zeros((0, cube.sizes["channel"]))


def recipe(scene: Scene) -> Recipe | None:
    """How the cube of a scene is shown in false colour; None without a cube, or without data in the sample."""
    if "recipe" not in scene.kept:
        spectra = sample(scene)
        scene.kept["recipe"] = _recipe(scene, np.nan_to_num(spectra)) if len(spectra) else None
    return scene.kept["recipe"]


def _recipe(scene: Scene, spectra: np.ndarray) -> Recipe:
    axis = scene.data["channel"]
    counts = spectra.dtype.kind in "iu" or bool((spectra >= 0).all() and (spectra == np.round(spectra)).all())
    return picture_recipe(spectra, np.asarray(axis, float), str(axis.attrs.get("units", "index")), counts)


def limits(scene: Scene, layer: Layer) -> tuple[Any, Any]:
    """Where the colours of a layer begin and end: as it says, else 2 to 98 % of a coarse look at the whole image."""
    key = ("limits", layer.key)
    if key not in scene.kept:
        scene.kept[key] = _limits(scene, layer)
    return scene.kept[key]


def _limits(scene: Scene, layer: Layer) -> tuple[Any, Any]:
    if layer.low is not None and layer.high is not None:
        return layer.low, layer.high
    spectra = (
        sample(scene)
        if layer.array.ndim == 3 and layer.array.sizes.get("channel") == scene.data.sizes.get("channel")
        else np.zeros(0)
    )
    if len(spectra) and layer.channels is not None:
        values = layer.combine(spectra[None][..., layer.channels])
    else:
        shape = (layer.array.shape[0], layer.array.shape[1])
        reading = Reading(
            layer.array,
            on_screen(shape, (0, shape[1]), (0, shape[0]), (COARSE, COARSE)),
            layer.channels,
            layer.combine,
            scene.room.block,
        )
        reading.read(BLINK)
        values = reading.image()
    good = np.asarray(values, float)[np.isfinite(values)]
    low, high = np.percentile(good, ENDS) if good.size else (0.0, 1.0)
    low = float(low) if layer.low is None else layer.low
    return low, float(high) if high > low else float(low) + 1.0
