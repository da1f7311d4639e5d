"""TIFF as ImageJ and napari read it, with the size of a pixel: one file for each map, and the table of components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from spaxel.errors import printable
from spaxel.exporting.csv_files import write_components
from spaxel.exporting.source import Source, about, bands, plane_dim, planes, rgb, spacing, write_piece

LABELS = "labels_imagej.csv"
MOST_COLORS = 256


def write_tiff(source: Source, folder: Path) -> None:
    """NAME_imagej.tif of each map. Labels count from 1, 0 = no data, as label images do; their table says `value`."""
    for name in source.maps:
        _write_map(source, name, folder / f"{name}_imagej.tif")
    if "components" in source.what:
        write_components(source, folder / LABELS, first=1)


def _write_map(source: Source, name: str, path: Path) -> None:
    height, width = source.shape
    titles = [printable(title) for title in bands(source, name)]
    kind = np.dtype(_kind(source, name)).newbyteorder(">")  # as ImageJ has it
    shape = (len(titles), height, width) if plane_dim(source, name) else (height, width)
    told: dict[str, Any] = {
        "metadata": _metadata(source, name, titles),
        "resolution": _resolution(source),
        "resolutionunit": 1,
    }
    written = tifffile.imwrite(path, None, shape=shape, dtype=kind, imagej=True, returnoffset=True, **told)
    begin = written[0] if written else 0
    with path.open("r+b") as file:
        for tile, values in planes(source, name):
            stored = values + 1 if name == "labels" else values
            write_piece(file, begin, source.shape, tile, stored.astype(kind))


def _kind(source: Source, name: str) -> str:
    if name == "labels":
        return "u1" if len(source.names) < MOST_COLORS else "u2"
    return "u1" if name == "unlike" else "f4"


def _resolution(source: Source) -> tuple[float, float]:
    """Pixels in one unit, along x and y."""
    pixel = spacing(source)
    return (1 / pixel[1], 1 / pixel[0]) if pixel else (1.0, 1.0)


def _metadata(source: Source, name: str, titles: list[str]) -> dict[str, Any]:
    pixel, told = spacing(source), about(source)
    metadata: dict[str, Any] = {"unit": pixel[2] if pixel and pixel[2] else "pixel"}
    metadata["Info"] = "\n".join(f"{word}: {printable(text)}" for word, text in told.items())
    metadata |= {"axes": "CYX", "Labels": titles} if plane_dim(source, name) else {"axes": "YX"}
    if name == "labels" and len(titles) and len(source.names) < MOST_COLORS:
        table = np.zeros((3, MOST_COLORS), np.uint8)
        table[:, 1 : len(source.names) + 1] = rgb(source).T
        metadata |= {"LUTs": [table], "mode": "grayscale", "min": 0.0, "max": 255.0}
    return metadata
