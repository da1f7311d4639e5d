"""What people have as a cube, taken apart: arrays, xarray, HyperSpy, specutils, NDCube, astropy. None of them is imported.

| given                                    | spectral axis                                | its values and units     |
|------------------------------------------|----------------------------------------------|--------------------------|
| 3-D array (NumPy, Dask, masked)          | the last one                                 | numbered                 |
| astropy Quantity, 3-D                    | the last one                                 | numbered                 |
| xarray DataArray, 3-D                    | the dimension named like one, else the last  | its coordinate           |
| HyperSpy signal                          | its signal axis                              | of this axis             |
| specutils Spectrum, Spectrum1D           | `spectral_axis_index`, else the last one     | `spectral_axis`          |
| astropy NDData, CCDData                  | the last one                                 | numbered                 |
| NDCube                                   | the one whose physical type is spectral      | of its world coordinates |

`channel_axis`, a number or a name, decides for all of them. Two axes are a line of pixels where the object says what its axes
are. What a mask hides is NaN, and a pixel that it hides whole is not valid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube.objects import (
    Named,
    Parts,
    axis_number,
    dataarray,
    listed,
    ndcube,
    nddata,
    signal,
    spectrum,
    unit_text,
)
from spaxel.errors import CubeError

X_NAMES = ("x", "column", "columns", "col", "lon", "longitude", "easting", "sample", "samples")
Y_NAMES = ("y", "row", "rows", "line", "lines", "lat", "latitude", "northing")


def is_cube(data: Any) -> bool:
    """Whether this is one cube: a Dataset, an array of three axes, or an object that knows its spectral axis."""
    return isinstance(data, xr.Dataset) or _knows_its_axes(data) or getattr(data, "ndim", 0) == 3


def cube_parts(data: Any, channel_axis: int | str | None = None) -> Parts:
    """Anything of the table above, in parts. channel_axis : which axis is spectral, by number or name.

    Raises CubeError that names the axes, if none of them can be the spectral one, or if there are too many.
    """
    if isinstance(data, xr.Dataset):
        data = _only_variable(data)
    if _is_signal(data):
        named = signal(data, channel_axis)
    elif hasattr(data, "spectral_axis") and hasattr(data, "flux"):
        named = spectrum(data)
    elif hasattr(data, "array_axis_physical_types"):
        named = ndcube(data)
    elif _is_nddata(data):
        named = nddata(data, channel_axis)
    elif isinstance(data, xr.DataArray):
        named = dataarray(data, channel_axis)
    else:
        return _array(data, channel_axis)
    at = named.at if channel_axis is None else axis_number(channel_axis, named.names)
    if at is None:
        raise CubeError(f"None of the axes {listed(named.names)} is known to be spectral. Option channel_axis decides.")
    if at != named.at:  # what is known of the axis is of another one
        named.parts.channel, named.parts.units, named.parts.long_name, named.parts.guess = None, "", "", ""
    return _laid_out(named, at)


def _knows_its_axes(data: Any) -> bool:
    return (
        _is_signal(data)
        or (hasattr(data, "spectral_axis") and hasattr(data, "flux"))
        or hasattr(data, "array_axis_physical_types")
        or (_is_nddata(data) and np.ndim(data.data) == 3)
    )


def _is_nddata(data: Any) -> bool:
    return hasattr(data, "uncertainty") and hasattr(data, "mask") and hasattr(data, "unit") and hasattr(data, "data")


def _is_signal(data: Any) -> bool:
    return hasattr(data, "axes_manager") and hasattr(data, "data")


def _only_variable(data: xr.Dataset) -> xr.DataArray:
    names = [str(name) for name, values in data.data_vars.items() if values.ndim == 3]
    if "spectra" in names:
        return data["spectra"]
    if len(names) != 1:
        raise CubeError(
            f"The Dataset has {len(names)} variables of three dimensions ({', '.join(names) or 'none'}), expected one. "
            "Try dataset['name']."
        )
    return data[names[0]]


def _array(data: Any, channel_axis: int | str | None) -> Parts:
    """A plain array, whose last axis is spectral unless said; a Quantity, with the units of its values."""
    values = ""
    if hasattr(data, "unit") and hasattr(data, "value"):
        data, values = data.value, unit_text(data.unit)
    mask = data.mask if isinstance(data, np.ma.MaskedArray) else None
    if channel_axis is None and mask is None:
        return Parts(data, values=values)
    data = np.asarray(data) if mask is not None or not hasattr(data, "transpose") else data
    if np.ndim(data) != 3:
        raise CubeError(f"spectra has {np.ndim(data)} dimensions {np.shape(data)}, expected 3. Try reshape.")
    names = ("0", "1", "2")
    at = 2 if channel_axis is None else axis_number(channel_axis, names)
    return _laid_out(Named(data, names, at, Parts(None, values=values), mask), at)


def _laid_out(named: Named, at: int) -> Parts:
    """Parts with y and x before the spectral axis; a line of pixels or a single one gets the axes that it lacks."""
    names, parts = named.names, named.parts
    if not 1 <= len(names) <= 3:
        raise CubeError(f"There are {len(names)} axes {listed(names)}, expected at most 3, one of them spectral.")
    order = [i for i in range(len(names)) if i != at]
    if len(order) == 2 and names[order[0]].lower() in X_NAMES and names[order[1]].lower() in Y_NAMES:
        order.reverse()

    def laid(values: Any) -> Any:
        values = values.transpose((*order, at))
        return values.reshape((*values.shape[:-1], *(1,) * (3 - len(names)), values.shape[-1]))

    parts.spectra = laid(named.data)
    if named.variance is not None:
        parts.variance = laid(named.variance)
    if named.mask is not None and np.ndim(named.mask) and np.any(named.mask):
        hidden = laid(np.broadcast_to(named.mask, named.data.shape))
        parts.valid = ~hidden.all(2)
        dtype = np.result_type(parts.spectra.dtype, np.float32)
        parts.spectra = np.where(hidden, dtype.type(np.nan), parts.spectra.astype(dtype))
    return parts
