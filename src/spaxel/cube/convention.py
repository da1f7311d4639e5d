"""The convention of a cube: an xarray.Dataset with `spectra (y, x, channel)`. Functions, no class of ours.

spectra (y, x, channel)   any real dtype, NumPy or Dask; always in this order
channel                   strictly increasing, attrs `units` (keV, nm, 1/cm, Angstrom, index …) and `long_name`
valid (y, x)              optional bool, False = no data: never sampled, label -1
                          NaN (or infinite) in spectra is a missing value, see spaxel.cube.gaps
completion (row, channel) optional, of a cube that a method prepared: how missing values are completed where it is read
saturated (y, x)          optional bool, True = a detector was full: no fit looks at it, it gets a label all the same
variance (y, x, channel)  optional: of the noise of each value; infinite where nothing was measured
truth_labels (y, x)       optional int32, -1 = unlabelled
truth_abundances (y, x, truth_component), truth_spectra (truth_component, channel)   optional
attrs                     source, history (list of sentences), steps (list of {name, parameters}: what `predict`
                          repeats), guesses (sentences: what the file did not say), origin ("upper" or "lower"),
                          redshift (of the object, if known), pixel_size [y, x] and pixel_units, and what the file knew
                          of georeference: wcs_header, crs, transform; maps: where each of several stacked images begins
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube.blocks import turned
from spaxel.cube.coerce import cube_parts
from spaxel.cube.gaps import MARKED, judge
from spaxel.cube.objects import Parts, unit_text
from spaxel.cube.units import QUANTITY, canonical_units
from spaxel.cube.unmeasured import laid_variance, measured
from spaxel.errors import AxisError, CubeError, GuessWarning, printable

DIMS = ("y", "x", "channel")


def make_cube(
    spectra: Any,
    channel: Any = None,
    units: str | None = None,
    *,
    channel_axis: int | str | None = None,
    long_name: str | None = None,
    valid: Any = None,
    variance: Any = None,
    truth_labels: Any = None,
    truth_abundances: Any = None,
    truth_spectra: Any = None,
    beside: Mapping[str, tuple[Any, ...]] | None = None,
    source: str = "",
    **attrs: Any,
) -> xr.Dataset:
    """A cube from arrays, or from what another package calls a cube, checked.

    spectra          : (y, x, channel) real numbers, NumPy or Dask, kept in its dtype; or an astropy Quantity, an xarray
                       DataArray, a HyperSpy signal, a specutils Spectrum, an NDCube (see spaxel.cube.coerce)
    channel          : (channel,) axis values, or a Quantity; None takes those that `spectra` knows, else 0, 1, 2 … with
                       units `index`
    channel_axis     : which axis of `spectra` is spectral, by number or name, if it is not the last one
    units, long_name : of the axis; common spellings are made one ("Nanometers" -> "nm")
    valid            : (y, x) bool, False = no data       variance : (y, x, channel), or
                       (channel,) for all pixels alike; where it is infinite, the value is missing (NaN)
    truth_*          : see the module                     source : the file
    beside           : further variables of any name, (dims, values) or (dims, values, attrs); those along `channel` are
                       sorted with the axis
    attrs            : kept (crs, transform, wcs_header, pixel_size, origin, …)
    An axis that is not increasing is sorted, together with everything on it, and `history` says so.
    Raises CubeError for complex, text or object arrays, a wrong number of dimensions, an empty cube;
    AxisError for an axis of the wrong length, with NaN, or with a value twice.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.ones((8, 9, 3)), [400.0, 500.0, 600.0], "nm")
    >>> cube["spectra"].dims, cube["channel"].attrs["units"]
    (('y', 'x', 'channel'), 'nm')
    """
    parts = cube_parts(spectra, channel_axis)
    _check_array(parts.spectra)
    axis = _axis(parts, channel, units, long_name)
    given_variance = parts.variance if variance is None else variance
    laid = None if given_variance is None else laid_variance(given_variance, parts.spectra.shape)
    known = {
        "valid": (("y", "x"), parts.valid if valid is None else valid),
        "variance": (DIMS, laid),
        "truth_labels": (("y", "x"), truth_labels),
        "truth_abundances": (("y", "x", "truth_component"), truth_abundances),
        "truth_spectra": (("truth_component", "channel"), truth_spectra),
    }
    given = {name: part for name, part in {**known, **(beside or {})}.items() if part[1] is not None}
    for name, (dims, value, *_) in given.items():
        _check_beside(name, np.shape(value), (dims,) if isinstance(dims, str) else dims, parts.spectra.shape)
    spectra = parts.spectra if laid is None else measured(parts.spectra, laid)
    cube = xr.Dataset({"spectra": (DIMS, spectra)} | given, coords={"channel": axis})
    cube, sentence = _increasing(cube)
    history = [*attrs.pop("history", []), *sentence]
    cube.attrs = {"source": source, "history": history, "steps": [], "guesses": [], "origin": "upper"} | attrs
    if parts.values:
        cube["spectra"].attrs["units"] = parts.values
    return note_guess(cube, parts.guess) if parts.guess else cube


def as_cube(data: Any) -> xr.Dataset:
    """A cube as it is, checked; anything else that spaxel.cube.coerce knows, made one. Raises CubeError, AxisError."""
    return check_cube(data) if isinstance(data, xr.Dataset) and "spectra" in data else make_cube(data)


def check_cube(cube: Any) -> xr.Dataset:
    """The cube itself, if it keeps the convention; public functions call this once at their door.

    Raises CubeError that says what is wrong and what to try, AxisError if it is the spectral axis.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.ones((8, 9, 3)))
    >>> spaxel.check_cube(cube) is cube
    True
    """
    if not isinstance(cube, xr.Dataset) or "spectra" not in cube:
        kind = type(cube).__name__
        raise CubeError(
            f"Expected a cube (an xarray.Dataset with `spectra`), got {kind}. Try spaxel.open_cube or make_cube."
        )
    if cube["spectra"].dims != DIMS:
        raise CubeError(
            f"spectra has dims {cube['spectra'].dims}, expected {DIMS}. Try cube.transpose('y', 'x', 'channel')."
        )
    _check_array(cube["spectra"].data)
    if "channel" not in cube.coords:
        raise AxisError("The cube has no `channel` coordinate. Try cube.assign_coords(channel=…) or make_cube.")
    axis = cube["channel"].values
    _check_axis(axis, cube.sizes["channel"])
    if len(axis) > 1 and not (np.diff(axis) > 0).all():
        raise AxisError("The channel axis does not increase. Try cube.sortby('channel').")
    return cube


def note(cube: xr.Dataset, text: str, name: str | None = None, **parameters: Any) -> xr.Dataset:
    """The same cube with one more sentence in `history`; with a name, also one more step for `predict` to repeat.

    name, parameters : the function of spaxel.preprocess and its arguments (JSON values only)
    """
    attrs = dict(cube.attrs)
    attrs["history"] = [*attrs.get("history", []), text]
    if name is not None:
        attrs["steps"] = [*attrs.get("steps", []), {"name": name, "parameters": parameters}]
    return cube.assign_attrs(attrs)


def note_guess(cube: xr.Dataset, sentence: str) -> xr.Dataset:
    """The same cube with a guess on record, and a GuessWarning. The sentence names the option that decides it."""
    warnings.warn(sentence, GuessWarning, stacklevel=3)
    return cube.assign_attrs(guesses=[*cube.attrs.get("guesses", []), sentence])


def usable(spectra: np.ndarray, valid: np.ndarray | None = None, least: float = 1.0) -> np.ndarray:
    """Which spectra hold data: enough finite numbers, not all zero, and not marked as invalid.

    spectra : (..., channel)      valid : (...,) bool or None      returns : (...,) bool
    least   : share of the numbers that must be finite: 1 all of them, 0 any
    """
    return judge(spectra, valid, least) < MARKED


def axis_label(cube: xr.Dataset) -> str:
    """Name and unit of the spectral axis, as a plot shows it: 'energy (keV)', 'channel'."""
    attrs = cube["channel"].attrs
    name, units = (printable(str(attrs.get(*of))) for of in (("long_name", "channel"), ("units", "index")))
    return name if units == "index" else f"{name} ({units})"


def _axis(parts: Parts, channel: Any, units: str | None, long_name: str | None) -> xr.Variable:
    """The spectral axis: as it is given, else as what is made a cube knows it, else numbered."""
    if channel is None:
        channel, units, long_name = parts.channel, units or parts.units or None, long_name or parts.long_name
    elif hasattr(channel, "unit"):  # a Quantity
        channel, units = channel.value, units or unit_text(channel.unit)
    n_channels = parts.spectra.shape[2]
    values = np.arange(n_channels) if channel is None else np.asarray(channel, dtype=np.float64)
    units = "index" if channel is None and units is None else canonical_units(units)
    _check_axis(values, n_channels)
    long_name = long_name or QUANTITY.get(units.lower(), "channel")
    return xr.Variable("channel", values, {"units": units, "long_name": long_name})


def _increasing(cube: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """The cube with its axis increasing, and a sentence if it was not."""
    axis = cube["channel"].values
    if len(axis) < 2 or (np.diff(axis) > 0).all():
        return cube, []
    how = "reversed" if (np.diff(axis) < 0).all() else "sorted"
    sentence = f"channels {how}, so that the {cube['channel'].attrs['long_name']} increases"
    images = [name for name in ("spectra", "variance") if name in cube and how == "reversed"]
    ordered = cube.drop_vars(images).isel(channel=np.argsort(axis, kind="stable"))
    back = {name: (cube[name].dims, turned(cube[name].data), cube[name].attrs) for name in images}
    return ordered.assign(back)[list(cube.data_vars)], [sentence]


def _check_array(spectra: Any) -> None:
    shape, dtype = getattr(spectra, "shape", None), getattr(spectra, "dtype", None)
    if shape is None or dtype is None:
        raise CubeError(f"spectra must be an array, got {type(spectra).__name__}. Try numpy.asarray.")
    if dtype.kind not in "biuf":
        advice = "Try its .real part or numpy.abs." if dtype.kind == "c" else "Try a numeric array."
        raise CubeError(f"spectra has dtype {dtype}; spaxel takes real numbers. {advice}")
    if len(shape) != 3:
        raise CubeError(f"spectra has {len(shape)} dimensions {tuple(shape)}, expected 3 (y, x, channel). Try reshape.")
    if 0 in shape:
        raise CubeError(f"spectra is empty: {tuple(shape)} (y, x, channel).")


def _check_axis(axis: np.ndarray, n_channels: int) -> None:
    if axis.shape != (n_channels,):
        raise AxisError(
            f"The axis has shape {axis.shape}, the spectra have {n_channels} channels (their last axis, unless channel_axis "
            "says another one). Try another axis, or channel_axis."
        )
    if not np.isfinite(axis).all():
        raise AxisError("The axis holds NaN or infinite values. Try without it: the channels are then numbered.")
    values, counts = np.unique(axis, return_counts=True)
    if len(values) < n_channels:
        twice = values[counts > 1][:3]
        raise AxisError(
            f"The axis holds values more than once ({', '.join(f'{v:g}' for v in twice)} …), so it orders nothing. "
            "Try without it: the channels are then numbered."
        )


def _check_beside(name: str, shape: Sequence[int], dims: tuple[str, ...], cube_shape: Sequence[int]) -> None:
    sizes = dict(zip(DIMS, cube_shape, strict=True))
    if len(shape) != len(dims) or any(sizes.get(d, n) != n for d, n in zip(dims, shape, strict=True)):
        wanted = tuple(sizes.get(d, d) for d in dims)
        raise CubeError(f"{name} has shape {tuple(shape)}, expected {wanted} {dims}. Try to transpose it.")
