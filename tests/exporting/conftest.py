"""A result as methods make them, of unequal prime sides, with all maps, no fit needed; and cubes with a place in the world."""

import numpy as np
import pytest
import xarray as xr

from spaxel.cube import make_cube
from spaxel.results.convention import make_result, with_names

SHAPE, CHANNELS = (13, 7), 11
NAMES = ["azurite, blue", "<b>=1+1</b>", "lésion {β}"]


def a_result(shape=SHAPE, *, unmixed=False, axis=None, units="nm", **attrs) -> xr.Dataset:
    """Three components with names that tease, two pixels without data, everything different everywhere."""
    (height, width), rng = shape, np.random.default_rng(3)
    axis = np.linspace(400, 700, CHANNELS) if axis is None else axis
    cube = make_cube(rng.random((*shape, len(axis))), axis, units, **attrs)
    labels = (np.arange(height * width).reshape(shape) * 7 % 3).astype(np.int32)
    labels[1, 0] = labels[-1, -1] = -1
    confidence = np.where(labels < 0, np.nan, np.linspace(0, 1, labels.size).reshape(shape)).astype(np.float32)
    maps = {"labels": labels, "confidence": confidence}
    if unmixed:
        maps["abundances"] = np.where(labels[..., None] < 0, np.nan, rng.random((*shape, 3))).astype(np.float32)
        maps["residual"] = (confidence / 2).astype(np.float32)
    else:
        maps["unlike"] = np.arange(labels.size, dtype=np.uint8).reshape(shape)
    spectra = {"component_spectra": rng.random((3, len(axis))), "component_spread": rng.random((3, len(axis)))}
    sizes = np.bincount(labels[labels >= 0], minlength=3)
    result = make_result(cube, **maps, **spectra, component_size=sizes, component_color=np.array([0, 2, 1]))
    result["component_spectra"].attrs["units"] = "counts"
    return with_names(result.assign_attrs(sentence="3 components: a test."), NAMES)


@pytest.fixture(scope="session")
def plain() -> xr.Dataset:
    """Labels of an image that is nowhere."""
    return a_result()


@pytest.fixture(scope="session")
def unmixed() -> xr.Dataset:
    """Abundances of an image with pixels of 0.5 x 0.25 mm."""
    return a_result(unmixed=True, pixel_size=[0.5, 0.25], pixel_units="mm")


@pytest.fixture(scope="session")
def listed() -> xr.Dataset:
    """Abundances of a list of spectra with names and groups."""
    result = a_result((13, 1), unmixed=True)
    names = {"sample": ("y", [f"tea {k}" for k in range(13)]), "group": ("y", ["green", "=black"] * 6 + ["green"])}
    return result.assign_coords(names)
