"""The spectra of a library: a list of spectra with names, brought to the units of what is compared with it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from spaxel.errors import CubeError
from spaxel.metrics.common_axis import converted
from spaxel.results.convention import spectra_names

AXIS_STEPS = {"crop", "rebin", "mask_channels", "despike", "destripe", "voronoi"}  # which say nothing about a library


def entries_of(cube: xr.Dataset, wanted: str, channels: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, spectra (m, channel) and axis of a library, in the units `wanted`; entries with missing values are left out.

    channels : of what is compared, which must be as many where neither has a spectral axis
    """
    if 1 not in (cube.sizes["x"], cube.sizes["y"]):
        raise CubeError(
            f"The library is an image of {cube.sizes['y']} x {cube.sizes['x']} pixels. Try a list of spectra."
        )
    spectra = cube["spectra"].values.reshape(-1, cube.sizes["channel"]).astype(np.float64)
    numbered = {"number": ("y", [f"spectrum {i}" for i in range(len(spectra))])}
    called = next(iter((spectra_names(cube) | numbered).values()))[1]  # names, else groups, else numbers
    units = cube["channel"].attrs.get("units", "index")
    axis = converted(cube["channel"].values.astype(np.float64), units, wanted)
    if wanted == "index" and cube.sizes["channel"] != channels:
        raise CubeError(
            f"Neither has a spectral axis, and the run has {channels} channels, the library "
            f"{cube.sizes['channel']}. Try the option channel, which gives the axis."
        )
    seen = np.isfinite(spectra).mean(0) > 0.5  # channels that most entries have
    good = np.isfinite(spectra[:, seen]).all(1) & (spectra[:, seen] != 0).any(1)
    if not good.any():
        raise CubeError("The library holds no spectrum without missing values. Try to leave out what is incomplete.")
    return [called[i] for i in np.flatnonzero(good)], spectra[good][:, seen], axis[seen]
