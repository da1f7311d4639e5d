"""Tables of a result, as rows of text: components, spectra of the components, pixels or spectra of a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from spaxel.cube.pixels import pixel_size
from spaxel.exporting.source import SPECTRA, Source, axis_of, bands, component_planes, plane_dim, value_units
from spaxel.results.amounts import amounts
from spaxel.results.convention import component_names, is_background, is_probability, shares, spectra_names
from spaxel.results.interpretation import interpret
from spaxel.results.numbers import label_counts, means_by_label
from spaxel.results.walk import walk

ANGLES = ("degree", "deg", "")  # a pixel of these has no area that one could add up
MOST_CANDIDATES = 6
ROOM = 2**26  # bytes of maps that are read at once for a list of pixels, or one row


def component_columns(
    result: xr.Dataset, colors: Sequence[str] = (), *, candidates: bool = False
) -> dict[str, list[float | int | str]]:
    """The table of components by column.

    component (its number in the maps, from 0), name, n_pixels (with this label), share (see spaxel.results.convention.shares;
    nan for what was marked as background), probability_right (mean confidence, where that is a probability), area_UNIT2 where
    the size of a pixel is known; of abundances also mean_abundance and present_in (part of the pixels where it is above 0),
    of a table also detection_limit, ambiguity (part of the signal that rotation leaves open) and purest_sample, where known;
    and highest_presence (of all pixels) where a library was unmixed;
    color and candidates (elements, emission lines) where asked for
    """
    names = component_names(result)
    size = _sizes(result, len(names))
    columns: dict[str, list[float | int | str]] = {
        "component": list(range(len(names))),
        "name": list(names),
        "n_pixels": [int(n) for n in size],
        "share": _numbers(shares(result)),
    }
    if is_probability(result) and len(names):
        columns["probability_right"] = _numbers(means_by_label(result["confidence"], result["labels"], len(names)))
    if "abundances" in result:
        found = amounts(result)
        columns |= {"mean_abundance": _numbers(found.mean), "present_in": _numbers(found.present)}
    if "component_limit" in result:
        columns["detection_limit"] = _numbers(result["component_limit"].values)
    if "component_ambiguity" in result:
        columns["ambiguity"] = _numbers(result["component_ambiguity"].values)
    if "abundances" in result and "sample" in spectra_names(result) and len(names):
        columns["purest_sample"] = list(_purest(result))
    if "presence" in result:
        columns["highest_presence"] = _numbers(_highest(result["presence"]))
    pixel = pixel_size(result.attrs)
    if pixel and pixel[2] not in ANGLES:
        columns[f"area_{pixel[2]}2"] = _numbers(size * pixel[0] * pixel[1])
    if "component_background" in result:
        columns["background"] = ["yes" if marked else "no" for marked in is_background(result)]
    if colors:
        columns["color"] = list(colors)
    if candidates and "component_spread" in result:
        said: list[float | int | str] = list(_candidates(result))
        columns |= {"candidates": said} if any(said) else {}
    return columns


def component_rows(columns: dict[str, list[float | int | str]]) -> Iterator[list[str]]:
    """The rows of a table of components, after one of its header."""
    yield list(columns)
    for row in zip(*columns.values(), strict=True):
        yield [_shown(cell) for cell in row]


def spectra_rows(result: xr.Dataset) -> Iterator[list[str]]:
    """The spectra of the components, one line for each channel: the axis, then mean, spread … of each component.

    The header names the unit of the axis and of the values, as 'energy (keV)', 'azurite mean (counts)'.
    """
    source = Source(result, {}, "", ("spectra",), component_names(result))
    axis, name, units = axis_of(source)
    values = f" ({value_units(source)})" if value_units(source) else ""
    held = component_planes(source)
    yield [f"{name} ({units})" if units else name] + [f"{n} {word}{values}" for n in source.names for word in held]
    table = np.stack([held[word][k] for k in range(len(source.names)) for word in held], 1)
    for place, row in zip(axis, table, strict=True):
        yield [f"{place:.10g}", *("" if np.isnan(value) else f"{value:.7g}" for value in row)]


def pixel_rows(source: Source) -> Iterator[list[str]]:
    """The maps as a list, one line for each pixel: sample and group where the spectra have them, y, x, then what is wanted."""
    called = spectra_names(source.result)
    maps = source.maps
    header = [*called, "y", *([] if source.is_list else ["x"])]
    for name in maps:
        header += bands(source, name) if plane_dim(source, name) else ["label" if name == "labels" else name]
        header += ["component"] if name == "labels" else []
    yield header
    for start in range(0, source.shape[0], rows := _rows(source)):
        inside = source.result.isel(y=slice(start, start + rows))
        held = {name: np.atleast_3d(inside[name].transpose("y", "x", ...).values) for name in maps}  # (rows, x, plane)
        for row in range(inside.sizes["y"]):
            own = [values[start + row] for _, values in called.values()]
            for x in range(source.shape[1]):
                place = [str(start + row), *([] if source.is_list else [str(x)])]
                cells = [cell for name in maps for cell in _cells(source, name, held[name][row, x])]
                yield [*own, *place, *cells]


def _rows(source: Source) -> int:
    """Rows of the image that are read at once: whole chunks of what lies on disk, fewer where the image is very wide."""
    chunks = [max(source.result[name].chunksizes.get("y", (1,))) for name in source.maps if source.result[name].chunks]
    row = sum(source.result[name].nbytes for name in source.maps) // max(source.shape[0], 1)
    return max(1, min(max(64, *chunks) if chunks else 64, ROOM // max(row, 1)))


def _cells(source: Source, name: str, values: np.ndarray) -> list[str]:
    if name == "labels":
        label = int(values[0])
        return [str(label), source.names[label] if label >= 0 else ""]
    return [f"{value + 0.0:.7g}" if np.isfinite(value) else "" for value in values]  # + 0.0: no -0


def _highest(values: xr.DataArray) -> np.ndarray:
    """The largest value of each component, (component,); nan where no pixel has any. values : (y, x, component)"""
    top = np.full(values.sizes["component"], -np.inf)
    for _, _, (part,) in walk(values, scratch=16 * len(top)):
        top = np.fmax(top, np.where(np.isfinite(part), part, -np.inf).max((0, 1), initial=-np.inf))
    return np.where(np.isfinite(top), top, np.nan)


def _purest(result: xr.Dataset) -> list[str]:
    """The name of the spectrum of a list in which a component has its largest part of all abundances, "" for none."""
    names = spectra_names(result)["sample"][1]
    values = np.nan_to_num(result["abundances"].values.reshape(len(names), -1, result.sizes["component"])[:, 0])
    parts = values / np.maximum(values.sum(1, keepdims=True), 1e-30)
    return [names[int(i)] if parts[i, k] > 0 else "" for k, i in enumerate(parts.argmax(0))]


def _sizes(result: xr.Dataset, n: int) -> np.ndarray:
    if "component_size" in result:
        return np.asarray(result["component_size"].values, np.float64)
    return label_counts(result["labels"], n).astype(np.float64)


def _shown(cell: float | int | str) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.7g}" if np.isfinite(cell) else ""


def _numbers(values: np.ndarray) -> list[float | int | str]:
    return [float(value) for value in values]


def _candidates(result: xr.Dataset) -> Iterator[str]:
    """Names of elements or lines that the peaks of each component may be, the clearest first; one without support: 'Fe?'."""
    small = result[[name for name in (*SPECTRA.values(), "component_size") if name in result]]
    small = small.assign(labels=(("y", "x"), np.zeros((1, 1), np.int32))).assign_attrs(result.attrs)
    for own in interpret(small).candidates:
        words = dict.fromkeys(c.name if c.support else f"{c.name}?" for c in own)
        yield ", ".join(list(words)[:MOST_CANDIDATES])
