"""HyperSpy: a signal as a cube, a cube or a result as signals, with calibrated axes. Only the way out needs HyperSpy (GPL)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, make_cube
from spaxel.cube.objects import unit_text
from spaxel.errors import CubeError, missing_extra
from spaxel.exporting.hspy import axis_dict, common, image_axes, metadata_of, plane_axis
from spaxel.exporting.source import (
    TITLES,
    Source,
    axis_of,
    bands,
    component_planes,
    cube_name,
    make_source,
    plane_dim,
    value_units,
)
from spaxel.results.convention import check_result


def from_hyperspy(signal: Any, channel_axis: int | str | None = None) -> xr.Dataset:
    """A HyperSpy signal as a cube, lazily where the signal is lazy.

    signal : one with one signal axis (Signal1D, EDS, EELS …) and up to two navigation axes      channel_axis : another one
             that is spectral, by number or name
    The axis with its unit, the size of a pixel, where pixel 0 lies, the variance of the noise, instrument and title come along.
    Raises CubeError for signals of images and for more than three axes.

    >>> import numpy as np
    >>> import spaxel
    >>> import hyperspy.api as hs
    >>> signal = hs.signals.Signal1D(np.random.default_rng(0).random((8, 9, 40)))
    >>> spaxel.from_hyperspy(signal).sizes["channel"]
    40
    """
    if not (hasattr(signal, "axes_manager") and hasattr(signal, "data")):
        raise CubeError(f"Expected a HyperSpy signal, got {type(signal).__name__}. Try spaxel.make_cube.")
    cube = make_cube(signal, channel_axis=channel_axis, source=_told(signal, "General.title"))
    quantity = _told(signal, "Signal.quantity")
    if "(" in quantity and not cube["spectra"].attrs.get("units"):
        cube["spectra"].attrs["units"] = quantity.rpartition("(")[2].rstrip(") ").lower()
    found = _places(signal) if channel_axis is None else {}
    if named := _told(signal, "Acquisition_instrument.SEM.microscope") or _told(
        signal, "Acquisition_instrument.TEM.microscope"
    ):
        found["instrument"] = named
    return cube.assign_attrs(found)


def to_hyperspy(data: xr.Dataset) -> Any:
    """A cube as a HyperSpy signal, or a result as a dict of them: {"labels": …, "confidence": …, "spectra": …}.

    data    : a cube becomes a Signal1D with its pixels as navigation, lazy where the cube is; pixels without data are NaN.
              A result: each map a Signal2D (abundances: one image for each component), means and spread Signal1D
    returns : with axes, units and, of a result, the table of components in metadata.spaxel.components
    Raises MissingExtra without HyperSpy, CubeError for what is neither.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=8, width=9, channels=40).load()
    >>> signal = spaxel.to_hyperspy(cube)
    >>> signal.axes_manager.navigation_shape
    (9, 8)
    """
    try:
        import hyperspy.api as hs
    except ImportError as error:
        raise missing_extra("A signal", "hyperspy", "hyperspy") from error
    if isinstance(data, xr.Dataset) and "labels" in data:
        return _signals(hs, make_source(check_result(data), {}, cube_name(data, {})))
    return _cube_signal(hs, check_cube(data))


def _cube_signal(hs: Any, cube: xr.Dataset) -> Any:
    source = Source(cube, {}, cube_name(cube, {}), ())
    spectra = cube["spectra"]
    if "valid" in cube and not bool(cube["valid"].all()):
        spectra = spectra.where(cube["valid"])
    axes = [{**axis, "navigate": True} for axis in image_axes(source)] + [axis_dict(*_ordered(axis_of(source)))]
    line = cube.sizes["x"] == 1
    metadata = {"General": {"title": source.name}}
    signal = _made(hs.signals.Signal1D, spectra.data, axes, metadata, line=line)
    if units := spectra.attrs.get("units", cube["spectra"].attrs.get("units", "")):
        signal.metadata.set_item("Signal.quantity", f"Intensity ({units})")
    if "variance" in cube:
        variance = _made(hs.signals.Signal1D, cube["variance"].data, axes, {}, line=line)
        signal.set_noise_variance(variance)
    return signal


def _made(kind: Any, values: Any, axes: list[dict[str, Any]], metadata: dict[str, Any], *, line: bool) -> Any:
    """A signal; a line of pixels, as of a list of spectra, has one navigation axis."""
    if line:
        values, axes = values[:, 0], [axes[0], axes[-1]]
    lazy = not isinstance(values, np.ndarray)
    signal = kind(values, axes=axes, metadata=metadata)
    return signal.as_lazy() if lazy and not signal._lazy else signal


def _signals(hs: Any, source: Source) -> dict[str, Any]:
    found, more = {}, common(source)
    for name in source.maps:
        dim = plane_dim(source, name)
        axes = ([plane_axis(dim, len(bands(source, name)))] if dim else []) + image_axes(source)
        values = source.result[name].transpose(..., "y", "x").values
        found[name] = hs.signals.Signal2D(values, axes=axes, metadata=metadata_of(TITLES[name], more))
    if "spectra" not in source.what:
        return found
    for word, values in component_planes(source).items():
        axes = [plane_axis("component", len(values)), axis_dict(*_ordered(axis_of(source)))]
        title = "spectra" if word == "mean" else f"spectra_{word}"
        found[title] = hs.signals.Signal1D(values, axes=axes, metadata=metadata_of(title, more))
        if value_units(source):
            found[title].metadata.set_item("Signal.quantity", f"Intensity ({value_units(source)})")
    return found


def _ordered(axis: tuple[np.ndarray, str, str]) -> tuple[str, np.ndarray, str]:
    values, name, units = axis
    return name, values, units


def _told(signal: Any, place: str) -> str:
    """A text in the metadata of a signal, "" if there is none."""
    get = getattr(getattr(signal, "metadata", None), "get_item", None)
    return str(get(place, "") or "") if get else ""


def _places(signal: Any) -> dict[str, Any]:
    """pixel_size, pixel_units and pixel_origin of an image whose two navigation axes have equal steps in one unit."""
    axes = sorted(signal.axes_manager.navigation_axes, key=lambda axis: axis.index_in_array)
    units = {unit_text(axis.units) for axis in axes}
    if len(axes) != 2 or len(units) != 1 or not units - {"", "px"}:
        return {}
    if any(getattr(axis, "scale", None) is None for axis in axes):
        return {}
    size = [abs(float(axis.scale)) for axis in axes]
    return {"pixel_size": size, "pixel_units": units.pop(), "pixel_origin": [float(axis.offset) for axis in axes]}
