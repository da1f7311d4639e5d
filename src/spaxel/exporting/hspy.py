"""HyperSpy (.hspy): the maps as images, the spectra of the components as a stack of spectra, all with calibrated axes.

The layout is that of version 3.3 of the format (https://hyperspy.org/rosettasciio, HSPY): HDF5 with one group for each signal.
Written with h5py alone; HyperSpy is not needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spaxel.errors import printable
from spaxel.exporting.source import (
    TITLES,
    Source,
    about,
    axis_of,
    bands,
    component_planes,
    plane_dim,
    planes,
    spacing,
    start,
    value_units,
)
from spaxel.exporting.tables import component_columns

NONE = "_None_"  # how the format says that there is nothing
TILE = 256  # sides of what is packed at once
EVEN = 1e-6  # of a step, by which values of an axis may differ from equal steps and still be called that


def write_hspy(source: Source, path: Path) -> None:
    """One signal for each map and each kind of spectra. hyperspy.api.load gives them as a list.

    The table of components lies in metadata.spaxel.components of each signal; labels are as in the result, -1 = no data.
    """
    with h5py.File(path, "w") as file:
        file.attrs["file_format"], file.attrs["file_format_version"] = "HyperSpy", "3.3"
        experiments, more = file.create_group("Experiments"), common(source)
        for name in source.maps:
            _write_map(source, experiments, name, more)
        if "spectra" in source.what:
            for word, values in component_planes(source).items():
                _write_spectra(source, experiments, word, values, more)


def _write_map(source: Source, experiments: h5py.Group, name: str, more: dict[str, Any]) -> None:
    titles, (height, width) = bands(source, name), source.shape
    along = plane_dim(source, name)
    kind = {"labels": np.int32, "unlike": np.uint8}.get(name, np.float32)
    axes = ([plane_axis(along, len(titles))] if along else []) + image_axes(source)
    group = _signal(experiments, TITLES[name], axes, more)
    shape = (len(titles), height, width) if along else (height, width)
    data = group.create_dataset("data", shape, kind, chunks=_chunks(shape), compression="gzip", compression_opts=4)
    for tile, values in planes(source, name, TILE):  # whole tiles, so that none is packed twice
        data[..., tile.y0 : tile.y1, tile.x0 : tile.x1] = values if along else values[0]


def _write_spectra(
    source: Source, experiments: h5py.Group, word: str, values: np.ndarray, more: dict[str, Any]
) -> None:
    axis, name, units = axis_of(source)
    title = "component spectra" if word == "mean" else f"component spectra, {word}"
    group = _signal(experiments, title, [plane_axis("component", len(values)), axis_dict(name, axis, units)], more)
    group.create_dataset("data", data=values)
    if value_units(source):
        _group(group["metadata/Signal"], {"quantity": f"Intensity ({value_units(source)})"})


def _signal(experiments: h5py.Group, title: str, axes: list[dict[str, Any]], more: dict[str, Any]) -> h5py.Group:
    """A group with axes and metadata; its data are still to be written. axes : in the order of the array."""
    group = experiments.create_group(title)
    group.attrs["package"], group.attrs["package_version"] = "spaxel", "0"
    for number, axis in enumerate(axes):
        _group(group.create_group(f"axis-{number}"), axis)
    _group(group.create_group("attributes"), {"_lazy": False, "ragged": False})
    group.create_group("learning_results")
    _group(group.create_group("metadata"), metadata_of(title, more))
    group.create_group("original_metadata")
    return group


def common(source: Source) -> dict[str, Any]:
    """What all signals of a result say of themselves: where it is from, the sentence of the fit, the table of components."""
    columns = component_columns(source.result, source.colors, candidates=True)
    return {**about(source), "components": columns, "name": printable(source.name)}


def metadata_of(title: str, more: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a signal. more : see `common`"""
    general = {"title": f"{title} of {more['name']}"}
    general |= {"notes": more["sentence"]} if "sentence" in more else {}
    return {"General": general, "Signal": {"signal_type": ""}, "spaxel": more}


def image_axes(source: Source) -> list[dict[str, Any]]:
    """y and x with the size of a pixel."""
    height, width, units = spacing(source) or (1.0, 1.0, "px")
    sides = zip(("y", "x"), source.shape, (height, width), start(source), strict=True)
    return [_even(name, size, step, first, units) for name, size, step, first in sides]


def plane_axis(name: str, n: int) -> dict[str, Any]:
    """The axis of a stack, along which one looks through it. name : "component", "line"."""
    return _even(name, n, 1.0, 0.0, "") | {"navigate": True}


def axis_dict(name: str, values: np.ndarray, units: str) -> dict[str, Any]:
    """The spectral axis: by its step where all steps are equal, else value by value."""
    step = (values[-1] - values[0]) / max(len(values) - 1, 1)
    if len(values) < 2 or np.abs(values - values[0] - step * np.arange(len(values))).max() <= EVEN * step:
        return _even(name, len(values), float(step) or 1.0, float(values[0]), units)
    return {
        "_type": "DataAxis",
        "is_binned": False,
        "name": name,
        "navigate": False,
        "units": units or NONE,
        "axis": values,
    }


def _even(name: str, size: int, step: float, first: float, units: str) -> dict[str, Any]:
    kind = {"_type": "UniformDataAxis", "is_binned": False, "navigate": False, "name": name, "units": units or NONE}
    return kind | {"offset": float(first), "scale": float(step), "size": int(size)}


def _chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*(1 for _ in shape[:-2]), min(shape[-2], TILE), min(shape[-1], TILE))


def _group(group: h5py.Group, values: dict[str, Any]) -> None:
    """A dict as the format keeps it: groups in groups, arrays as data, a list as `_list_NAME`, all else as attributes."""
    for name, value in values.items():
        if isinstance(value, dict):
            _group(group.create_group(name), value)
        elif isinstance(value, np.ndarray):
            group.create_dataset(name, data=value)
        elif isinstance(value, list):
            text = any(isinstance(cell, str) for cell in value)
            kind = h5py.string_dtype() if text else None
            group.create_dataset(
                f"_list_{name}" if text else name, data=np.array(value, object if text else None), dtype=kind
            )
        else:
            group.attrs[name] = value
