"""Repeating on a new cube what was done to the cubes that a model was fitted on."""

from __future__ import annotations

import xarray as xr

from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess.axis import crop, rebin
from spaxel.preprocess.masks import mask_channels
from spaxel.preprocess.smoothing import derivative, despike, smooth

STEPS = {step.__name__: step for step in (crop, rebin, mask_channels, despike, smooth, derivative)}


def apply_step(cube: xr.Dataset, name: str, parameters: dict) -> xr.Dataset:
    """One step by its name. Raises ParameterError for a name that is none."""
    if name not in STEPS:
        raise ParameterError(f"There is no step {name!r}. Known: {', '.join(STEPS)}.")
    return STEPS[name](cube, **parameters)


def repeat(cube: xr.Dataset, steps: list[dict]) -> xr.Dataset:
    """The cube after these steps; those that it has had already are not done twice.

    steps : as in the attrs of a cube, {name, parameters} in order
    Raises CubeError if the cube has had other steps.
    """
    done = cube.attrs.get("steps", [])
    if done != steps[: len(done)]:
        raise CubeError(
            f"The cube was treated by {_words(done)}, the model was fitted after {_words(steps)}. "
            "Try the cube as it was opened: predict repeats the steps by itself."
        )
    for step in steps[len(done) :]:
        cube = apply_step(cube, step["name"], step["parameters"])
    return cube


def _words(steps: list[dict]) -> str:
    return (
        " → ".join(f"{s['name']}({', '.join(f'{k}={v}' for k, v in s['parameters'].items())})" for s in steps)
        or "no step"
    )
