"""Worlds with known truth, simulated from physics: what the tests, the benchmark and the first minutes use."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import signature
from typing import Any

import xarray as xr

from spaxel.errors import ParameterError

WORLDS = {
    "ifu": "spaxel.synth.ifu.world",
    "maxrf": "spaxel.synth.maxrf.world",
    "leaf": "spaxel.synth.leaf.world",
    "mixture": "spaxel.synth.mixture",
}  # name -> module with a function of that name


def world(name: str) -> Callable[..., xr.Dataset]:
    """The function that makes a world. Raises ParameterError for an unknown name."""
    if name not in WORLDS:
        raise ParameterError(f"There is no world {name!r}. Known worlds: {', '.join(WORLDS)}.")
    return getattr(import_module(WORLDS[name]), name)


def simulate(
    name: str, *, height: int | None = None, width: int | None = None, seed: int = 0, **options: Any
) -> xr.Dataset:
    """A cube of a simulated world with its truth: truth_abundances, truth_spectra, and truth_labels of an image.

    name : of a world: maxrf (a painting, lazy), ifu (a galaxy, lazy), leaf (leaves with lesions, lazy; the extra `leaf`),
           mixture (a list of spectra: height is their number)
    height, width : pixels; None: as the world has it      seed : the same seed gives the same bits
    options : of this world, see its function (maxrf.maxrf: counts, …; ifu.ifu: snr, …; leaf.leaf: day, …; mixture.mixture)
    Raises ParameterError for an unknown world or option, or a value that is out of range; the message lists what is known.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=8, width=9, channels=16, n_pigments=3)
    >>> cube["spectra"].shape, cube["truth_abundances"].shape
    ((8, 9, 16), (8, 9, 3))
    """
    make = world(name)
    known = [p for p in signature(make).parameters if p not in ("height", "width", "seed")]
    if unknown := sorted(set(options) - set(known)):
        raise ParameterError(f"The world {name} has no option {', '.join(unknown)}. Known options: {', '.join(known)}.")
    size = {name: value for name, value in (("height", height), ("width", width)) if value is not None}
    return make(**size, seed=seed, **options)
