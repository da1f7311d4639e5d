"""The false-colour picture of a cube: three ranges of its axis, stretched robustly, learned on a sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.cube import QUANTITY

BURNT = 1.5  # times the 98 % range that the largest value reaches, from which a picture is burnt out
ROOM = 1.5  # times the largest value of a sample that the wide picture reaches: the cube may hold larger ones
SOFT = 10.0  # of the wide picture: linear below a tenth of the 98 % range
VISIBLE = (640.0, 550.0, 460.0)  # nm, red green blue
NANOMETRES = {"nm": 1.0, "um": 1000.0, "Angstrom": 0.1, "m": 1e9}


class Recipe(NamedTuple):
    """weights : (channel, 3)   low, high : (3,) where each colour begins and ends   root : 1 if the square root is shown.

    top : (3,) what the wide picture reaches, as (value - low) / (high - low); None where the plain one is not burnt out
    """

    weights: np.ndarray
    low: np.ndarray
    high: np.ndarray
    root: np.ndarray
    top: np.ndarray | None = None


def picture_recipe(spectra: np.ndarray, axis: np.ndarray, units: str, counts: bool) -> Recipe:
    """Which channels make red, green and blue, and the 2 to 98 % range of each, from a sample (n, channel).

    A wavelength axis that covers the visible is shown as the eye would see it; any other is divided into three ranges
    with equal shares of the total spread, long to short as red to blue. Counts are shown by their square root.
    """
    groups = _visible(axis, units) or _thirds(spectra)
    weights = np.zeros((len(axis), 3))
    for colour, group in enumerate(groups):
        weights[group, colour] = 1 / len(group)
    shown = _shown(np.asarray(spectra, np.float64) @ weights, counts)
    low, high = np.percentile(shown, [2, 98], axis=0)
    high = np.where(high > low, high, low + 1)
    top = np.maximum((shown.max(0) - low) / (high - low), 1.0)
    burnt = bool((top > BURNT).any())
    return Recipe(weights, low, high, np.array(int(counts)), ROOM * top if burnt else None)


def paint(spectra: np.ndarray, recipe: Recipe) -> np.ndarray:
    """(n, channel) spectra to (n, 3) uint8 colours."""
    return _plain(_place(np.asarray(spectra, np.float64) @ recipe.weights, recipe))


def pictures(spectra: np.ndarray, recipe: Recipe, mean: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The pictures of (n, channel) spectra: `picture`, and where that is burnt out `picture_wide`, in which nothing is.

    mean : (n, 3) their product with the weights, where that is known

    picture_wide = 255 asinh(SOFT t) / asinh(SOFT top), t and top as in `Recipe`: faint and bright at once
    """
    place = _place(np.asarray(spectra, np.float64) @ recipe.weights if mean is None else mean, recipe)
    if recipe.top is None:
        return {"picture": _plain(place)}
    wide = np.arcsinh(SOFT * np.maximum(place, 0)) / np.arcsinh(SOFT * recipe.top)
    return {"picture": _plain(place), "picture_wide": np.rint(255 * np.clip(wide, 0, 1)).astype(np.uint8)}


def _plain(place: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(place, 0, 1)).astype(np.uint8)


def _place(mean: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Where the colours lie between `low` (0) and `high` (1), (n, 3). mean : (n, 3)"""
    return (_shown(mean, bool(recipe.root)) - recipe.low) / (recipe.high - recipe.low)


def blank_pictures(recipe: Recipe) -> dict[str, np.ndarray]:
    """What pixels without data have in `pictures`."""
    white = np.full(3, 255, np.uint8)
    return {"picture": white} | ({} if recipe.top is None else {"picture_wide": white})


def caption(recipe: Recipe, axis: np.ndarray, units: str) -> str:
    """What the colours of a picture are: 'red 14.2-18.0 keV, green …, square root, 2-98 %'."""
    parts = []
    for colour, name in enumerate(("red", "green", "blue")):
        held = axis[recipe.weights[:, colour] > 0]
        unit = QUANTITY.get(units.lower(), "channel") if units == "index" else units
        span = f"{held[0]:.4g}-{held[-1]:.4g}" if len(held) > 1 else f"{held[0]:.4g}"
        parts.append(f"{name} {span} {unit}")
    return ", ".join(parts) + ("; square root" if recipe.root else "") + "; stretched from 2 to 98 %"


def _shown(mean: np.ndarray, root: bool) -> np.ndarray:
    return np.sqrt(np.maximum(mean, 0)) if root else mean


def _visible(axis: np.ndarray, units: str) -> list[np.ndarray] | None:
    if units not in NANOMETRES:
        return None
    wavelength = axis * NANOMETRES[units]
    if wavelength[0] > 470 or wavelength[-1] < 630:
        return None
    near = [np.nonzero(np.abs(wavelength - centre) <= 10)[0] for centre in VISIBLE]
    return [
        g if len(g) else np.array([np.abs(wavelength - centre).argmin()])
        for g, centre in zip(near, VISIBLE, strict=True)
    ]


def _thirds(spectra: np.ndarray) -> list[np.ndarray]:
    n_channels = spectra.shape[1]
    if n_channels < 3:
        return [np.array([min(i, n_channels - 1)]) for i in (2, 1, 0)]
    share = np.cumsum(spectra.std(0, dtype=np.float64) + 1e-300)
    third = np.minimum((3 * share / share[-1]).astype(int), 2)
    groups = [np.nonzero(third == i)[0] for i in (2, 1, 0)]
    return groups if all(len(g) for g in groups) else list(np.array_split(np.arange(n_channels), 3))[::-1]
