"""OME-Zarr (0.1 to 0.5): the finest level of a pyramid as a cube, with the axes, channels and pixels that its metadata name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from spaxel.cube import make_cube, note_guess
from spaxel.errors import NotFound, ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.container import Options
from spaxel.readers.parts.extra_axes import Layout, Maps, plan_axes
from spaxel.readers.parts.lazy import check_axis_number, lazy_array
from spaxel.readers.parts.limits import check_believable
from spaxel.readers.parts.many_axes import is_channel_name
from spaxel.readers.parts.ome import UNITS, axis_of_names, pixel_attrs
from spaxel.readers.parts.side import settle_axis
from spaxel.readers.parts.zarrays import look_at_chunks

_OLD = ("t", "c", "z", "y", "x")  # of version 0.1 and 0.2, which name no axes


def ome_image(path: Path, node: Any, dataset: str | None) -> tuple[str, zarr.Group] | None:
    """(path inside, group) of the image in an OME-Zarr: the root, or one below it; None if this is no OME-Zarr.

    dataset : the image that is meant, if there are several
    Raises NotFound, ReadError if there are several images: the message lists them.
    """
    if not isinstance(node, zarr.Group):
        return None
    if _multiscales(node):
        return "", node
    about = {**dict(node.attrs), **_ome(node)}
    if not {"bioformats2raw.layout", "plate", "well"} & set(about):
        return None
    found = {
        name: group
        for name, group in sorted(node.members(max_depth=3), key=lambda item: item[0])
        if isinstance(group, zarr.Group) and _multiscales(group) and "labels" not in name.split("/")
    }
    if dataset is not None:
        if dataset.strip("/") not in found:
            raise NotFound(f"{path} has no image {dataset!r}. It has: {', '.join(found) or 'none'}.")
        return dataset.strip("/"), found[dataset.strip("/")]
    if len(found) != 1:
        raise ReadError(f"{path} holds several images: {', '.join(found) or 'none'}. Try dataset=… with one.")
    return next(iter(found.items()))


def open_ome(path: Path, name: str, group: zarr.Group, options: Options) -> xr.Dataset:
    """The cube in one image: its level 0, lazily. Raises ReadError if the metadata name no array, AxisError."""
    scales = _multiscales(group)[0]
    place = str((scales.get("datasets") or [{}])[0].get("path", "0"))
    array = group.get(place)
    if not isinstance(array, zarr.Array):
        raise ReadError(f"{path} names {place!r} as its finest image, and there is no such array. Is it complete?")
    check_believable(path, place, array.shape)
    look_at_chunks(array)
    names, kinds, units = _axes(scales, array.ndim)
    at, guess = _channel_axis(path, array.shape, names, kinds, options.channel_axis)
    layout = plan_axes(path, array.shape, names, at, options.index)
    maps = Maps(array, layout)
    part = f"{name}/{place} {at} {dict(layout.picked)}"
    spectra = lazy_array(maps, path=path, part=part, storage_chunks=maps.chunks(array.chunks))
    steps, starts = _scale(scales, array.ndim)
    axis = _channels(group, array.shape[at]) or _counted(names[at], units[at], steps[at], starts[at], array.shape[at])
    values, told, doubt = settle_axis(path, axis, array.shape[at], options.channel, options.units)
    attrs = layout.attrs() | _pixels(layout, steps, units)
    cube = make_cube(spectra, values, told, source=str(path), dataset=f"{name}/{place}".strip("/"), **attrs)
    for sentence in filter(None, (guess, layout.sentence(path), *doubt)):
        cube = note_guess(cube, sentence)
    return cube


def _ome(group: zarr.Group) -> dict[str, Any]:
    """The metadata that version 0.5 keeps under one name, {} for others."""
    found = group.attrs.get("ome")
    return dict(found) if isinstance(found, dict) else {}


def _multiscales(group: zarr.Group) -> list[dict[str, Any]]:
    found = _ome(group).get("multiscales") or group.attrs.get("multiscales")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _axes(scales: dict[str, Any], n_axes: int) -> tuple[list[str], list[str], list[str]]:
    """(names, types, units) of the axes of an array."""
    listed = scales.get("axes") or _OLD[len(_OLD) - n_axes :]
    found = [each if isinstance(each, dict) else {"name": str(each)} for each in listed]
    if len(found) != n_axes:
        found = [{"name": str(axis)} for axis in range(n_axes)]
    return tuple([str(each.get(key) or "") for each in found] for key in ("name", "type", "unit"))  # type: ignore[return-value]


def _channel_axis(
    path: Path, shape: tuple[int, ...], names: list[str], kinds: list[str], given: int | None
) -> tuple[int, str]:
    """The spectral axis, and the sentence of what was guessed: another one than the channels, if there is but one of these."""
    if given is not None:
        return check_axis_number(given, len(shape)), ""
    told = [
        a for a, (name, kind) in enumerate(zip(names, kinds, strict=True)) if kind == "channel" or is_channel_name(name)
    ]
    if len(told) > 1 and any(shape[a] > 1 for a in told):
        told = [max(told, key=lambda a: shape[a])]
    others = [a for a in range(len(shape)) if a not in told and names[a].lower() not in ("y", "x") and shape[a] > 1]
    if told and (shape[told[0]] > 1 or not others):
        return told[0], ""
    at = max(others, key=lambda a: shape[a]) if others else 0
    sentence = (
        f"{path.name} has no axis of channels; took {names[at] or at} ({shape[at]} positions) as the spectral one."
    )
    return at, f"{sentence} Option channel_axis decides."


def _channels(group: zarr.Group, n_channels: int) -> Axis | None:
    """The axis that the labels of the channels hold."""
    omero = _ome(group).get("omero") or group.attrs.get("omero")
    listed = omero.get("channels") if isinstance(omero, dict) else None
    channels = [c for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []
    if len(channels) != n_channels:
        return None
    for key in ("emission_wavelength", "emissionWave", "label", "name"):
        if axis := axis_of_names([c.get(key) for c in channels], f"the {key} of the channels"):
            return axis
    return None


def _counted(name: str, unit: str, step: float, start: float, n_channels: int) -> Axis | None:
    """An axis of even steps, if the file gives its unit, or a step other than 1."""
    if not unit and (step == 1 or not is_channel_name(name) or name.lower() == "c"):
        return None
    return Axis(start + step * np.arange(n_channels), UNITS.get(unit, unit) or None, f"the axis {name}", name)


def _scale(scales: dict[str, Any], n_axes: int) -> tuple[np.ndarray, np.ndarray]:
    """(step, start) of each axis: the transformations of the finest level, and those of the whole."""
    steps, starts = np.ones(n_axes), np.zeros(n_axes)
    inner = (scales.get("datasets") or [{}])[0].get("coordinateTransformations")
    for each in [*_listed(inner), *_listed(scales.get("coordinateTransformations"))]:
        for key, use in (("scale", np.multiply), ("translation", np.add)):
            values = each.get(key) if isinstance(each, dict) else None
            if isinstance(values, list) and len(values) == n_axes and all(isinstance(v, (int, float)) for v in values):
                starts = use(starts, values)
                steps = steps * values if key == "scale" else steps
    return steps, starts


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _pixels(layout: Layout, steps: np.ndarray, units: list[str]) -> dict[str, Any]:
    if layout.y is None or layout.x is None or not (units[layout.y] or units[layout.x]):
        return {}
    return pixel_attrs([steps[layout.y], steps[layout.x]], [units[layout.y], units[layout.x]])
