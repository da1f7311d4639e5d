"""Stripes of scans that are taken line by line: each column of the detector has its own offset or gain. Lazy."""

from __future__ import annotations

from typing import Literal, get_args

import dask
import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note, usable
from spaxel.cube.computing import alone
from spaxel.errors import ParameterError
from spaxel.preprocess.spectra import kept_variance

Along = Literal["columns", "rows"]
How = Literal["offset", "gain"]
READ = 8_000_000  # values from which the stripes are learned
FEWEST, MOST = 32, 512  # lines that are read


def destripe(cube: xr.Dataset, along: Along = "columns", how: How = "offset", width: int = 31) -> xr.Dataset:
    """Take the stripes of a push-broom scan away: what each column of the image has more, or is brighter by, than those around.

    along : columns (the scan moves along y, each detector element makes a column) or rows
    how   : offset (taken away) or gain (divided by; values must be above zero)
    width : columns over which the scene itself may vary; stripes are narrower, and what is wider stays
    The step from each column to the next is the median over up to 512 lines spread over the scan, channel by channel, so that
    edges of the scene, which few lines have, do not count. The steps are added up, and their running mean over `width` columns
    is left in the image.
    returns : float64, lazy. Missing values stay missing. The variance stays, or is divided by the square of the gain. Stripes
              belong to one scan: `predict` learns those of its own.
    Raises ParameterError for other words, a width out of range, and a table, which has no columns side by side.
    Fails on scenes made of lines along the scan (rows of a field): they are stripes, too. Then leave it out, or crop.

    >>> import numpy as np
    >>> import spaxel
    >>> scene, stripes = np.random.default_rng(0).normal(10, 1, (80, 40, 3)), np.random.default_rng(1).normal(0, 5, (40, 1))
    >>> clean = spaxel.destripe(spaxel.make_cube(scene + stripes))
    >>> bool(clean["spectra"].mean("y").std("x").max() < 0.3 * stripes.std())
    True
    """
    check_cube(cube)
    if along not in get_args(Along) or how not in get_args(How):
        raise ParameterError(f"along is {along!r} and how {how!r}; expected columns or rows, and offset or gain.")
    dims = ("y", "x") if along == "columns" else ("x", "y")
    n_columns, n_lines = cube.sizes[dims[1]], cube.sizes[dims[0]]
    if min(n_columns, n_lines) < 5:
        raise ParameterError(
            f"The image has {n_lines} lines of {n_columns} {along}; stripes are seen in at least 5 of both, and a table has "
            "none. Try without this step."
        )
    if width % 2 == 0 or width < 3:
        raise ParameterError(f"width is {width}, expected an odd number from 3 on.")
    stripes = xr.DataArray(
        _stripes(_lines(cube, dims), how, min(width, n_columns - 1 + n_columns % 2)), dims=(dims[1], "channel")
    )
    if how == "gain":
        new = {"spectra": cube["spectra"].astype(np.float64) / stripes}
        new |= {"variance": cube["variance"] / stripes**2} if "variance" in cube else {}
    else:
        new = {"spectra": cube["spectra"].astype(np.float64) - stripes}
    new = {name: _like(array, cube[name]) for name, array in new.items()}
    kept = kept_variance(cube) if how == "offset" else ""
    text = f"destripe: {how} of each of {n_columns} {along} against those around{kept}"
    return note(cube.assign(new), text, "destripe", along=along, how=how, width=int(width))


def _like(new: xr.DataArray, old: xr.DataArray) -> xr.DataArray:
    return new.transpose("y", "x", "channel").assign_attrs(old.attrs)


def _lines(cube: xr.Dataset, dims: tuple[str, str]) -> np.ndarray:
    """Lines spread over the scan, (line, column, channel) float64, nan where there are no data."""
    n_lines, per_line = cube.sizes[dims[0]], cube.sizes[dims[1]] * cube.sizes["channel"]
    number = int(min(n_lines, np.clip(READ // per_line, FEWEST, MOST)))
    part = cube.isel({dims[0]: np.arange(number) * n_lines // number})
    arrays = [part["spectra"].data] + ([part["valid"].data] if "valid" in cube else [])
    spectra, *valid = dask.compute(*arrays, scheduler=alone)
    good = usable(spectra, valid[0] if valid else None, least=0.0)
    lines = np.where(good[..., None] & np.isfinite(spectra), spectra, np.nan).astype(np.float64)
    return lines if dims[0] == "y" else lines.swapaxes(0, 1)


def _stripes(lines: np.ndarray, how: str, width: int) -> np.ndarray:
    """(column, channel): what each column has more than those around, or by what factor it is brighter."""
    from scipy.ndimage import uniform_filter1d

    lines = np.log(np.where(lines > 0, lines, np.nan)) if how == "gain" else lines
    steps = np.diff(lines, axis=1)
    seen = np.asarray(np.isfinite(steps).any(0))
    middle = np.zeros(steps.shape[1:])
    for channel in range(steps.shape[2]):  # one by one: the median sorts a copy
        there = seen[:, channel]
        middle[there, channel] = np.nanmedian(steps[:, there, channel], axis=0)
    total = np.concatenate([np.zeros((1, middle.shape[1])), np.cumsum(middle, axis=0)])
    stripes = total - uniform_filter1d(total, width, axis=0, mode="reflect")
    return np.exp(stripes) if how == "gain" else stripes
