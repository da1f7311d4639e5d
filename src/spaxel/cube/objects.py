"""Objects that know what their axes are, of packages that are not imported: xarray, HyperSpy, specutils, NDCube."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import CubeError

SPECTRAL = (
    "channel", "wavelength", "lambda", "wave", "energy", "wavenumber", "raman", "shift", "frequency", "velocity", "spectr",
    "band", "mz", "m/z",
)  # fmt: skip


@dataclass
class Parts:
    """A cube in parts.

    spectra : (y, x, channel)      channel : (channel,) or None      units, long_name : of the axis, "" if not known
    values : units of the values, "" if not known      valid : (y, x) or None      variance : as spectra, or None
    guess : a sentence about what was not said, "" if there is none
    """

    spectra: Any
    channel: np.ndarray | None = None
    units: str = ""
    long_name: str = ""
    values: str = ""
    valid: Any = None
    variance: Any = None
    guess: str = ""


@dataclass
class Named:
    """An array that says what its axes are. names : of each axis      at : the spectral one"""

    data: Any
    names: tuple[str, ...]
    at: int | None
    parts: Parts = field(default_factory=lambda: Parts(None))
    mask: Any = None
    variance: Any = None


def dataarray(data: xr.DataArray, channel_axis: int | str | None) -> Named:
    """A DataArray: the names of its dimensions say which one is spectral, its coordinate what lies on it."""
    names = tuple(str(name) for name in data.dims)
    if data.ndim != 3:
        raise CubeError(
            f"The DataArray has {data.ndim} dimensions {listed(names)}, expected 3, one of them spectral. "
            "Try expand_dims, or isel for one image of many."
        )
    likely = [i for i, name in enumerate(names) if any(word in name.lower() for word in SPECTRAL)]
    at = likely[0] if len(likely) == 1 else 2
    parts = Parts(None, values=unit_text(data.attrs.get("units")))
    if channel_axis is not None:
        at = axis_number(channel_axis, names)
    elif len(likely) != 1:
        which = f"{names[at]}, the last of the dimensions {listed(names)}, is taken as spectral"
        parts.guess = f"{which}. Option channel_axis decides."
    if names[at] in data.coords and data[names[at]].dtype.kind in "iuf":
        axis = data[names[at]]
        parts.channel = np.asarray(axis.values, np.float64)
        parts.units = unit_text(axis.attrs.get("units"))
        parts.long_name = str(axis.attrs.get("long_name", ""))
    return Named(data.data, names, at, parts)


def signal(data: Any, channel_axis: int | str | None) -> Named:
    """A HyperSpy signal: `axes_manager` says which axis of its array is the signal, the others are navigation."""
    axes = sorted([*data.axes_manager.navigation_axes, *data.axes_manager.signal_axes], key=lambda a: a.index_in_array)
    names = tuple(axis.name if isinstance(axis.name, str) else f"axis {i}" for i, axis in enumerate(axes))
    spectral = [axis.index_in_array for axis in data.axes_manager.signal_axes]
    if channel_axis is None and len(spectral) != 1:
        which = listed(tuple(names[i] for i in spectral))
        raise CubeError(
            f"The signal has {len(spectral)} signal axes {which}, expected one, the spectral one. "
            "Try signal.as_signal1D(axis), or the option channel_axis."
        )
    at = spectral[0] if channel_axis is None else axis_number(channel_axis, names)
    parts = Parts(None, np.asarray(axes[at].axis, np.float64), unit_text(axes[at].units))
    return Named(data.data, names, at, parts, variance=_noise_of_signal(data))


def spectrum(data: Any) -> Named:
    """A specutils Spectrum or Spectrum1D: flux and spectral_axis are quantities."""
    flux, axis = data.flux, data.spectral_axis
    n = np.ndim(flux.value)
    at = getattr(data, "spectral_axis_index", None)
    at = n - 1 if at is None else int(at) % n
    parts = Parts(None, np.asarray(axis.value, np.float64), unit_text(axis.unit), values=unit_text(flux.unit))
    names = tuple("spectral" if i == at else f"axis {i}" for i in range(n))
    return Named(flux.value, names, at, parts, data.mask, _variance(data.uncertainty, flux.unit))


def ndcube(data: Any) -> Named:
    """An NDCube: the physical types of its axes say which one is spectral, its world coordinates what lies on it."""
    kinds = [tuple(kind or "" for kind in kinds) for kinds in data.array_axis_physical_types]
    spectral = [i for i, kinds in enumerate(kinds) if any(k.startswith(("em.", "spect.", "custom:em")) for k in kinds)]
    names = tuple("/".join(k.split(".")[-1] for k in kinds) or f"axis {i}" for i, kinds in enumerate(kinds))
    parts = Parts(None, values=unit_text(data.unit))
    at = spectral[0] if len(spectral) == 1 else None
    if at is not None:
        axis = data.axis_world_coords(at)[0]
        if np.ndim(axis) != 1:
            raise CubeError(
                f"The axis {names[at]} has other values in each pixel, so it is no axis of a cube. Try to resample."
            )
        parts.channel, parts.units = np.asarray(axis.value, np.float64), unit_text(axis.unit)
    return Named(data.data, names, at, parts, data.mask, _variance(data.uncertainty, data.unit))


def unit_text(unit: Any) -> str:
    """A unit of whatever kind as spaxel writes it: astropy's `1 / cm` is 1/cm; what is undefined is ""."""
    if unit is None or type(unit).__name__.strip("_") == "Undefined":
        return ""
    return str(unit).strip().replace(" / ", "/")


def axis_number(channel_axis: int | str, names: tuple[str, ...]) -> int:
    """Which axis is meant by a number or a name. Raises CubeError that names the axes."""
    if isinstance(channel_axis, str) and channel_axis in names:
        return names.index(channel_axis)
    try:
        number = int(channel_axis)
    except ValueError:
        number = len(names)
    if not -len(names) <= number < len(names):
        raise CubeError(f"channel_axis is {channel_axis!r}; the axes are {listed(names)}, 0 to {len(names) - 1}.")
    return number % len(names)


def listed(names: tuple[str, ...]) -> str:
    """Names of axes in parentheses."""
    return f"({', '.join(names)})"


def nddata(data: Any, channel_axis: int | str | None) -> Named:
    """An astropy NDData or CCDData: an array with a unit, a mask and an uncertainty; its last axis is spectral."""
    n = np.ndim(data.data)
    names = tuple(f"axis {i}" for i in range(n))
    at = n - 1 if channel_axis is None else axis_number(channel_axis, names)
    parts = Parts(None, values=unit_text(data.unit))
    return Named(np.asarray(data.data), names, at, parts, data.mask, _variance(data.uncertainty, data.unit))


def _variance(uncertainty: Any, unit: Any = None) -> Any:
    """Variance from an astropy uncertainty (std, var or ivar); None if there is none, or one of another kind.

    unit : of the values; an uncertainty in another one is converted. Raises CubeError if it cannot be.
    """
    values, kind = getattr(uncertainty, "array", None), getattr(uncertainty, "uncertainty_type", "")
    if values is None or kind not in ("std", "var", "ivar"):
        return None
    own, power = getattr(uncertainty, "unit", None), {"std": 1, "var": 2, "ivar": -2}[kind]
    if own is not None and unit is not None:
        try:
            values = values * own.to(unit**power)
        except ValueError as error:
            raise CubeError(
                f"The uncertainty is in {own}, the values in {unit}: {error}. Try the same unit."
            ) from error
    with np.errstate(divide="ignore"):
        return values**2 if kind == "std" else 1 / values if kind == "ivar" else values


def _noise_of_signal(data: Any) -> Any:
    """The variance that a HyperSpy signal keeps in its metadata, an array or one number for all; else None."""
    found = getattr(getattr(data, "metadata", None), "get_item", lambda name, default: None)(
        "Signal.Noise_properties.variance", None
    )
    values = getattr(found, "data", found)
    if values is None or np.ndim(values) not in (0, np.ndim(data.data)):
        return None
    return values if np.ndim(values) else np.broadcast_to(np.float64(values), np.shape(data.data))
