"""Which channels a file calls bad: lists of 0 and 1, and ranges of wavelengths, as the coordinate `good_channel`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.readers.parts.variables import Variables

_GOOD = re.compile(
    r"(^|[^a-z])(good|valid|use)_?(wave|band|channel)\w*$|(^|[^a-z])bbl$|list_cw_\w+_flags$", re.IGNORECASE
)
_BAD = re.compile(r"(^|[^a-z])bad_?(wave|band|channel)\w*$", re.IGNORECASE)
_WINDOW = re.compile(r"band_window_\d+_nanometers$", re.IGNORECASE)  # of NEON: ranges of strong water vapour


def is_flag(name: str) -> bool:
    """Whether a variable of this name says which channels are good or bad (good_wavelengths, bbl)."""
    return _GOOD.search(name) is not None or _BAD.search(name) is not None


def with_flags(cube: xr.Dataset, variables: Variables, spectra: str, values: Any) -> xr.Dataset:
    """The cube with `good_channel`, where a variable of the file holds flags for its channels, or windows that are bad.

    values : the axis in the order of the file, None if the channels are numbered
    """
    n_channels = cube.sizes["channel"]
    order = np.arange(n_channels) if values is None else np.argsort(values, kind="stable")
    flags = {n: v for n, v in variables.items() if n != spectra and is_flag(n) and v.is_numeric and v.is_vector}
    for name, variable in flags.items():
        held = variable.vector() if variable.size == n_channels else np.empty(0)
        if held.size and np.isin(held, (0, 1)).all():
            good = held.astype(bool) if _GOOD.search(name) else ~held.astype(bool)
            return with_good_channels(cube, good[order], name)
    windows = [v.vector() for n, v in variables.items() if _WINDOW.search(n) and v.size == 2]
    if windows and cube["channel"].attrs["units"] == "nm":
        axis = cube["channel"].values
        bad = np.any([(axis >= min(pair)) & (axis <= max(pair)) for pair in windows], axis=0)
        return with_good_channels(cube, ~bad, "the file (its windows of strong absorption)")
    return cube


def with_good_channels(cube: xr.Dataset, good: np.ndarray, who: str) -> xr.Dataset:
    """The cube with the coordinate `good_channel`, in the order of its channels. who : says so, for the history."""
    cube = cube.assign_coords(good_channel=("channel", good))
    if bad := int((~good).sum()):
        cube = note(cube, f"{who} marks {bad} channels as bad (good_channel is False there); they are kept")
    return cube
