"""What is exported, as every format gets it: a result at one level, its names and colours, and what of it is wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xarray as xr

from spaxel import __version__
from spaxel.cube.pixels import pixel_size
from spaxel.cube.tiles import Tile
from spaxel.errors import ParameterError, printable
from spaxel.figures.palette import component_colors, painted, to_rgb
from spaxel.results.convention import component_names, sentences
from spaxel.results.cut import cut
from spaxel.results.walk import walk

MAPS = ("labels", "confidence", "abundances", "presence", "abundance_error", "residual", "unlike", "line_maps")
WHAT = {  # item -> what it is, in words
    "labels": "which component each pixel belongs to",
    "confidence": "how clearly, 0 to 1",
    "abundances": "how much of each component a pixel holds",
    "presence": "how probable it is that a pixel holds each component, where a library was unmixed",
    "abundance_error": "standard error of how much of each component a pixel holds",
    "residual": "what the components leave of each spectrum",
    "unlike": "how unlike everything that was fitted; 100: as far as the farthest 0.1 % of it",
    "line_maps": "net counts of X-ray lines, or flux of emission lines",
    "spectra": "mean spectrum of each component, its spread, and what else is known of it",
    "components": "a table: names, sizes, shares, areas, colours, candidates",
}
SPECTRA = {"mean": "component_spectra", "spread": "component_spread", "low": "component_low", "high": "component_high"}
TITLES = {
    "labels": "labels",
    "residual": "residual",
    "unlike": "unlike",
    "confidence": "confidence",
    "abundances": "abundance",
    "presence": "presence",
    "abundance_error": "abundance error",
    "line_maps": "lines",
}
STRIP = 2**24  # bytes of a map that are worked on at once


@dataclass(frozen=True)
class Source:
    """A result on its way to a file.

    result : at the level that was asked for, lazily where it lies on disk      run : its run.json, {} if it has none
    name   : of the cube      what : the items that are wanted and that the result has
    """

    result: xr.Dataset
    run: dict[str, Any]
    name: str
    what: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    colors: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) pixels."""
        return self.result.sizes["y"], self.result.sizes["x"]

    @property
    def is_list(self) -> bool:
        """Whether these are spectra of a list, and no image."""
        return self.shape[1] == 1

    @property
    def maps(self) -> list[str]:
        """The maps among what is wanted."""
        return [name for name in MAPS if name in self.what]

    def sky(self) -> str:
        """The WCS header of the input, "" where it had none, or where several maps are stacked and none of them fits it."""
        return "" if self.result.attrs.get("maps") else str(self.result.attrs.get("wcs_header", ""))

    def transform(self) -> list[float] | None:
        """The six numbers (GDAL's order) that place pixels on the Earth, None where the input had none."""
        found = self.result.attrs.get("transform")
        if self.result.attrs.get("maps") or found is None or len(found) != 6:
            return None
        return [float(number) for number in found]


def make_source(
    result: xr.Dataset, run: dict[str, Any], name: str, what: Sequence[str] = (), level: int | None = None
) -> Source:
    """A Source of a result at a level. what : items; () takes all that it has. Raises ParameterError for one that it lacks."""
    colors = component_colors(result, level or 0, run.get("colors") or ())  # dealt before the cut, as the page does
    if level is not None:
        result = cut(result, level)
    has = held(result)
    if unknown := [item for item in what if item not in WHAT]:
        raise ParameterError(f"There is no {unknown[0]!r} to export. Try some of: {', '.join(has)}.")
    if missing := [item for item in what if item not in has]:
        raise ParameterError(f"This result has no {missing[0]}. It has: {', '.join(has)}.")
    chosen = tuple(item for item in has if item in what) if what else has
    return Source(result, run, name, chosen, component_names(result), painted(result, colors))


def held(result: xr.Dataset) -> tuple[str, ...]:
    """The items that a result has."""
    has = {name for name in MAPS if name in result} | ({"spectra"} if "component_spectra" in result else set())
    return tuple(item for item in WHAT if item in has or item == "components")


def rgb(source: Source) -> np.ndarray:
    """Colours of the components, (component, 3) uint8."""
    return (to_rgb(list(source.colors)) * 255).round().astype(np.uint8)


def plane_dim(source: Source, name: str) -> str:
    """What the planes of a map are along: "component", "line", or "" of a map with a single plane."""
    return next((str(dim) for dim in source.result[name].dims if dim not in ("y", "x")), "")


def bands(source: Source, name: str) -> list[str]:
    """What the planes of a map are called: the components of abundances, the lines of line maps; the map itself of others."""
    dim = plane_dim(source, name)
    if dim == "component":
        return source.names if name == "abundances" else [f"{one} {TITLES[name]}" for one in source.names]
    return [printable(str(value)) for value in source.result[dim].values] if dim else [TITLES[name]]


def planes(source: Source, name: str, multiple: int = 1) -> Iterator[tuple[Tile, np.ndarray]]:
    """A map in pieces: where it is, and its values there, (plane, rows, columns), as they are stored.

    multiple : each piece but the last has a multiple of so many rows, if the chunks on the disk have
    """
    array = source.result[name]
    count = array.size // max(source.shape[0] * source.shape[1], 1)
    for tile, _, (part,) in walk(array, scratch=16 * count):
        step = max(1, STRIP // max(part[:1].nbytes, 1) // multiple) * multiple
        for y in range(tile.y0, tile.y1, step):
            end = min(y + step, tile.y1)
            some = part[y - tile.y0 : end - tile.y0]
            yield Tile(y, end, tile.x0, tile.x1), np.moveaxis(some, 2, 0) if some.ndim == 3 else some[None]


def write_piece(file: BinaryIO, begin: int, size: tuple[int, int], tile: Tile, stored: np.ndarray) -> None:
    """Numbers of a piece at their places in a file that holds whole planes, one after the other, from a byte on.

    size : (y, x) of the map      stored : (plane, rows, columns), as they are to be in the file
    """
    height, width = size
    for plane, values in enumerate(stored):
        whole = tile.x1 - tile.x0 == width
        for y, row in [(tile.y0, values)] if whole else enumerate(values, tile.y0):
            file.seek(begin + ((plane * height + y) * width + tile.x0) * stored.itemsize)
            file.write(np.ascontiguousarray(row).data)


def component_planes(source: Source) -> dict[str, np.ndarray]:
    """What is known of the spectra of the components: {"mean": (component, channel), "spread": …, "low", "high", "error"}."""
    known = {word: name for word, name in SPECTRA.items() if name in source.result}
    for name, array in source.result.data_vars.items():  # what later methods add beside
        if array.dims == ("component", "channel") and name not in SPECTRA.values():
            known[str(name).removeprefix("component_")] = str(name)
    return {word: np.asarray(source.result[name].values, np.float64) for word, name in known.items()}


def axis_of(source: Source) -> tuple[np.ndarray, str, str]:
    """Values, name and unit of the spectral axis; the unit of numbered channels is ""."""
    axis = source.result["channel"]
    units = str(axis.attrs.get("units", "index"))
    name = str(axis.attrs.get("long_name", "channel"))
    return np.asarray(axis.values, np.float64), name, "" if units == "index" else units


def value_units(source: Source) -> str:
    """The unit of the spectra, "" if it is not known."""
    return (
        str(source.result["component_spectra"].attrs.get("units", "")) if "component_spectra" in source.result else ""
    )


def about(source: Source) -> dict[str, str]:
    """What a file says of where it comes from: one line of text for each word."""
    attrs, run = source.result.attrs, source.run
    told = {
        "title": f"{source.name}: components found by spaxel",
        "source": str(attrs.get("source", "")),
        "method": str(run.get("method", attrs.get("method", ""))),
        "sentence": str(attrs.get("sentence", "")),
        "history": "; ".join(sentences(attrs, "history")),
        "command": str(run.get("command", "")).replace("\n", "; "),
        "seed": str(run.get("seed", "")),
        "instrument": str(attrs.get("instrument", "")),
        "software": f"spaxel {run.get('spaxel_version', __version__)}",
        "row_order": "row 0 at the bottom" if attrs.get("origin") == "lower" else "row 0 on top",
    }
    return {word: _text(text) for word, text in told.items() if text and text != "None"}


def _text(text: str) -> str:
    """Text that every format can hold: control characters, and what is no Unicode in names of files, as their codes."""
    return printable(text).encode("utf-8", "backslashreplace").decode("utf-8")


def spacing(source: Source) -> tuple[float, float, str] | None:
    """(height, width, unit) of a pixel, None where nothing is known of it."""
    return pixel_size(source.result.attrs)


def start(source: Source) -> tuple[float, float]:
    """Where the middle of pixel 0 lies along (y, x), in the unit of `spacing`; 0 where the input does not say it."""
    told, size = source.result.attrs.get("pixel_origin"), source.result.attrs.get("pixel_size")
    own = spacing(source)
    if told is None or size is None or own is None:
        return 0.0, 0.0
    factor = own[1] / float(size[1])
    return float(told[0]) * factor, float(told[1]) * factor


def steps_text(source: Source) -> str:
    """The steps that were done to the spectra, as JSON text."""
    steps = source.result.attrs.get("steps", [])
    return steps if isinstance(steps, str) else json.dumps(steps)


def cube_name(result: xr.Dataset, run: dict[str, Any], folder: Path | None = None) -> str:
    """A name for files: of the run's cube, else of its source, else of its folder."""
    source = Path(str(result.attrs.get("source", "")).replace("\\", "/"))
    stem = source.stem if source.suffix else ""  # what was simulated or is in memory has a description there
    return _text(str(run.get("name") or stem or (folder.name if folder else "") or "result"))
