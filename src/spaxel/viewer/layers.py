"""What a map can show of a scene: false colour, a channel, a ratio of two, a line, an abundance, confidence …

A layer says which numbers of an array it takes and what it makes of them, pixel by pixel: a window of it costs no more than
what is on the screen. Nothing is read here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.picture import Recipe, caption
from spaxel.viewer.scene import Scene

WIDTH = {"keV": 0.1, "eV": 100.0, "nm": 5.0, "Angstrom": 15.0, "um": 0.05, "1/cm": 12.0}  # half of a line, if not asked
CHOICES = {  # what the menu of the map says
    "picture": "false colour",
    "channel": "one channel",
    "ratio": "ratio of two channels",
    "line": "line, above what lies beside it",
    "abundance": "abundance of a component",
    "confidence": "confidence",
    "residual": "residual: what the components leave",
    "unlike": "distance from the model",
    "truth": "truth",
    "none": "nothing (labels alone)",
}


class Layer(NamedTuple):
    """What to read, and what it is.

    key     : one for each answer, so that it is read once          title : for the colour bar or the caption
    kind    : 'rgb' or 'values'            array : (y, x) or (y, x, …)
    channels, combine : see spaxel.viewer.reading.Reading
    low, high : where the colours begin and end; (3,) of rgb; None: learned from the numbers      root : square root is shown
    """

    key: tuple[Any, ...]
    title: str
    kind: str
    array: xr.DataArray
    channels: list[int] | None
    combine: Callable[[np.ndarray], np.ndarray]
    low: Any = None
    high: Any = None
    root: bool = False


def choices(scene: Scene, result: xr.Dataset | None) -> list[str]:
    """The layers of CHOICES that this scene has, the best first."""
    found = ["picture"] if scene.cube is not None or (result is not None and "picture" in result) else []
    if scene.cube is not None:
        n = scene.cube.sizes["channel"]
        found += ["channel", *(["ratio"] if n > 1 else []), *(["line"] if n > 4 else [])]
    if result is not None:
        names = {
            "abundance": "abundances",
            "confidence": "confidence",
            "residual": "residual",
            "unlike": "unlike",
            "truth": "truth_labels",
        }
        found += [key for key, name in names.items() if name in result]
        found.append("none")
    return found


def picture_layer(scene: Scene, result: xr.Dataset | None, recipe: Recipe | None) -> Layer | None:
    """False colour: by a recipe from the cube, else as the run keeps it; None where neither is there."""
    if recipe is not None and scene.cube is not None:
        held = np.flatnonzero(recipe.weights.any(1))
        weights = recipe.weights[held].astype(np.float32)
        axis, units = np.asarray(scene.cube["channel"]), str(scene.cube["channel"].attrs.get("units", ""))

        def mixed(spectra: np.ndarray) -> np.ndarray:
            return spectra.astype(np.float32) @ weights

        low, high = (np.asarray(v, float) ** (2 if recipe.root else 1) for v in (recipe.low, recipe.high))
        title = caption(recipe, axis, units)
        return Layer(
            ("picture",),
            title,
            "rgb",
            scene.cube["spectra"],
            [int(i) for i in held],
            mixed,
            low,
            high,
            bool(recipe.root),
        )
    if result is not None and "picture" in result:
        title = str(result["picture"].attrs.get("caption", "false colour"))
        return Layer(("kept picture",), title, "rgb", result["picture"], None, _same, np.zeros(3), np.full(3, 255.0))
    return None


def channel_layer(scene: Scene, i: int) -> Layer:
    """One channel."""
    return Layer(("channel", i), place_words(scene, i), "values", _spectra(scene), [i], _first)


def ratio_layer(scene: Scene, i: int, j: int) -> Layer:
    """One channel over another; NaN where the second is zero."""

    def ratio(spectra: np.ndarray) -> np.ndarray:
        a, b = (spectra[..., [i, j].index(k) if i <= j else [j, i].index(k)].astype(np.float32) for k in (i, j))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(b != 0, a / b, np.float32(np.nan)).astype(np.float32)

    title = f"{place_words(scene, i)} / {place_words(scene, j)}"
    return Layer(("ratio", i, j), title, "values", _spectra(scene), sorted((i, j)), ratio)


def line_layer(scene: Scene, center: float, half: float) -> Layer:
    """Sum over center ± half, minus what lies beside it on both sides, as wide: net of the background under the line."""
    axis = np.asarray(_spectra(scene)["channel"], float)
    held, weights = line_weights(axis, center, half)

    def net(spectra: np.ndarray) -> np.ndarray:
        return spectra.astype(np.float32) @ weights

    unit = str(scene.data["channel"].attrs.get("units", ""))
    title = (
        f"line at {center:.5g} ± {half:.3g} {unit if unit != 'index' else ''}".strip() + ", above what lies beside it"
    )
    return Layer(("line", center, half), title, "values", _spectra(scene), [int(i) for i in held], net)


def line_weights(axis: np.ndarray, center: float, half: float) -> tuple[np.ndarray, np.ndarray]:
    """(channels, their weights): 1 inside center ± half, and beside it, up to 2.5 half away, minus as much in all.

    At least the nearest channel counts as the line; where nothing lies beside, nothing is taken away.
    """
    away, half = np.abs(axis - center), half * (1 + 1e-9)  # so that both edges are in, or both out
    line = away <= half
    line[away.argmin()] = True
    beside = ~line & (away > 1.25 * half) & (away <= 2.5 * half)
    weights = line.astype(np.float32)
    if beside.any():
        weights[beside] = -line.sum() / beside.sum()
    held = np.flatnonzero(weights)
    return held, weights[held]


def result_layer(result: xr.Dataset, what: str, component: int = 0, name: str = "") -> Layer:
    """A map of the result: abundance of a component, confidence, residual, unlike, truth."""
    if what == "abundance":
        return Layer(
            ("abundance", component),
            f"abundance of {name or component}",
            "values",
            result["abundances"],
            [component],
            _first,
            0.0,
        )
    if what == "confidence":
        return Layer(
            ("confidence", _identity(result, what)), "confidence", "values", result[what], None, _same, 0.0, 1.0
        )
    if what == "unlike":

        def far(values: np.ndarray) -> np.ndarray:
            return values.astype(np.float32) / 100

        return Layer(
            (what,),
            "distance from the model; 1 is the farthest 0.1 % of what was fitted",
            "values",
            result[what],
            None,
            far,
            0.0,
            2.5,
        )
    if what == "truth":

        def known(values: np.ndarray) -> np.ndarray:
            return np.where(values < 0, np.nan, values).astype(np.float32)

        return Layer((what,), "number of the true class", "values", result["truth_labels"], None, known)
    return Layer((what,), "residual", "values", result[what], None, _same, 0.0)


def labels_layer(result: xr.Dataset) -> Layer:
    """The labels; through the finest parts where the result keeps them, so that another cut reads nothing again."""
    if "micro_labels" in result and "micro_component" in result:
        return Layer(("micro labels",), "labels", "values", result["micro_labels"], None, _small)
    return Layer(("labels", _identity(result, "labels")), "labels", "values", result["labels"], None, _small)


def component_of(result: xr.Dataset, values: np.ndarray) -> np.ndarray:
    """Components, -1 = no data, from what `labels_layer` reads."""
    if "micro_labels" in result and "micro_component" in result:
        return np.append(np.asarray(result["micro_component"]), -1).astype(np.int32)[values]
    return values.astype(np.int32)


def place_words(scene: Scene, i: int) -> str:
    """A channel as people name it: '6.40 keV', 'channel 12'."""
    axis = scene.data["channel"]
    unit = str(axis.attrs.get("units", "index"))
    return (
        f"{axis.attrs.get('long_name', 'channel')} {float(axis[i]):g}"
        if unit == "index"
        else f"{float(axis[i]):.5g} {unit}"
    )


def half_width(scene: Scene) -> float:
    """Half the width of a line along this axis, if nobody says: by its unit, and two channels at least."""
    axis = np.asarray(scene.data["channel"], float)
    step = float(np.median(np.diff(axis))) if len(axis) > 1 else 1.0
    return max(WIDTH.get(str(scene.data["channel"].attrs.get("units", "")), 0.0), 1.5 * step)


def _spectra(scene: Scene) -> xr.DataArray:
    return scene.data["spectra"]


def _identity(result: xr.Dataset, name: str) -> int:
    """Another number for another array: results of one run that were cut otherwise differ."""
    return id(result[name].variable._data)


def _same(values: np.ndarray) -> np.ndarray:
    return values if values.dtype == np.uint8 else values.astype(np.float32)


def _small(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int16 if values.size and values.max() < 2**15 else np.int32)


def _first(values: np.ndarray) -> np.ndarray:
    return values[..., 0].astype(np.float32)
