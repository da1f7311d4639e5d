"""Polygons as masks: GeoJSON, in the coordinates of a map or of pixels, drawn on the grid of an image."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.errors import ParameterError, ReadError, missing_extra

MOST_BYTES = 2**25  # of a file: about a million points
LONLAT = "EPSG:4326"  # what GeoJSON (RFC 7946) means where it does not say


def polygon_mask(path: Path, shape: tuple[int, int], transform: Sequence[float] | None, crs: str | None) -> np.ndarray:
    """(y, x) bool: whether the centre of a pixel lies in one of the polygons of a GeoJSON file.

    transform, crs : of the image, in GDAL's order and as WKT or EPSG code. Without a transform the coordinates are pixels:
                     x to the right and y down, 0 at the outer corner of the first pixel
    Coordinates in degrees on an image in metres are projected (needs rasterio).
    Raises ReadError (no GeoJSON, no polygon), ParameterError if no polygon meets the image, MissingExtra.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        raise ReadError(
            f"{path} has {size / 2**20:.0f} MiB, and at most {MOST_BYTES / 2**20:.0f} are read. Try to simplify them."
        )
    try:
        document = json.loads(path.read_text("utf-8-sig"))
        shapes = [geometry for geometry in _geometries(document) if geometry["type"] in ("Polygon", "MultiPolygon")]
        if transform is not None:
            shapes = [_projected(geometry, document, crs) for geometry in shapes]
        polygons = [
            [_pixels(np.asarray(ring, float)[:, :2], transform) for ring in polygon]
            for geometry in shapes
            for polygon in (
                geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
            )
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ReadError(f"{path} is no GeoJSON that can be read: {error}. Try to save the polygons again.") from error
    if not polygons:
        raise ReadError(f"{path} holds no polygon. Try to save the areas as polygons.")
    mask = np.logical_or.reduce([_inside(rings, shape) for rings in polygons])
    if not mask.any():
        place = "pixels" if transform is None else "the map coordinates of the image"
        raise ParameterError(f"No polygon of {path} meets the image of {shape[0]} x {shape[1]} pixels, in {place}.")
    return mask


def _geometries(document: Any) -> Iterator[dict[str, Any]]:
    """All geometries of a GeoJSON document, one by one."""
    kind = document["type"]
    if kind == "FeatureCollection":
        for feature in document["features"]:
            yield from _geometries(feature)
    elif kind == "Feature":
        if document["geometry"] is not None:
            yield from _geometries(document["geometry"])
    elif kind == "GeometryCollection":
        for geometry in document["geometries"]:
            yield from _geometries(geometry)
    else:
        yield document


def _projected(geometry: dict[str, Any], document: dict[str, Any], crs: str | None) -> dict[str, Any]:
    """The geometry in the coordinates of the image: projected if it is in degrees and the image is not."""
    told = (document.get("crs") or {}).get("properties", {}).get("name") or LONLAT
    flat = np.concatenate([np.asarray(ring, float)[:, :2] for ring in _rings(geometry)])
    degrees = (np.abs(flat) <= [180, 90]).all()
    if crs is None or (told == LONLAT and not degrees):
        return geometry
    try:
        from rasterio.crs import CRS
        from rasterio.errors import RasterioError
        from rasterio.warp import transform_geom
    except ImportError as error:
        raise missing_extra("Polygons in map coordinates", "rasterio", "geo") from error
    try:
        return (
            geometry if CRS.from_user_input(crs) == CRS.from_user_input(told) else transform_geom(told, crs, geometry)
        )
    except RasterioError as error:
        raise ValueError(f"its coordinates ({told}) cannot be projected to those of the image: {error}") from error


def _rings(geometry: dict[str, Any]) -> list[Any]:
    coordinates = geometry["coordinates"]
    return [ring for part in coordinates for ring in part] if geometry["type"] == "MultiPolygon" else coordinates


def _pixels(points: np.ndarray, transform: Sequence[float] | None) -> np.ndarray:
    """Map coordinates as (column, row), 0 at the outer corner of the first pixel."""
    if transform is None:
        return points
    x, width, row_turn, y, column_turn, height = (float(value) for value in transform)
    return np.linalg.solve(np.array([[width, row_turn], [column_turn, height]]), (points - [x, y]).T).T


def _inside(rings: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """(y, x) bool by the even-odd rule at pixel centres: rings inside others are holes."""
    first = np.concatenate(rings)
    last = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    mask, centres = np.zeros(shape, bool), np.arange(shape[1]) + 0.5
    for row in range(shape[0]):
        at = row + 0.5
        cut = (first[:, 1] <= at) != (last[:, 1] <= at)
        (x0, y0), (x1, y1) = first[cut].T, last[cut].T
        crossings = np.sort(x0 + (at - y0) / (y1 - y0) * (x1 - x0))
        mask[row] = np.searchsorted(crossings, centres) % 2 == 1
    return mask
