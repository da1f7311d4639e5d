"""A region of an image: a pixel, a box, a polygon; which pixels it holds, as a mask and as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.tiles import Tile
from spaxel.errors import ParameterError

MOST_CORNERS = 5000  # of a polygon: a lasso has some hundred


class Region(NamedTuple):
    """A polygon in pixels: x to the right, y along the rows, 0 at the outer corner of row 0 and column 0.

    kind : 'pixel', 'box' or 'polygon'      corners : ((x, y), …), closed by itself
    A pixel belongs to it if its centre lies inside (even-odd rule).
    """

    kind: str
    corners: tuple[tuple[float, float], ...]


def pixel_region(row: int, column: int) -> Region:
    """One pixel."""
    x, y = float(column), float(row)
    return Region("pixel", ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)))


def box_region(x0: float, y0: float, x1: float, y1: float) -> Region:
    """A rectangle between two corners, in any order."""
    (x0, x1), (y0, y1) = sorted((float(x0), float(x1))), sorted((float(y0), float(y1)))
    return Region("box", ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def polygon_region(xs: Sequence[float], ys: Sequence[float]) -> Region:
    """A polygon through these corners, thinned to 5,000. Raises ParameterError for fewer than three, or what is no number."""
    points = np.stack([np.asarray(xs, float), np.asarray(ys, float)], 1)
    points = (
        points[np.linspace(0, len(points) - 1, min(len(points), MOST_CORNERS)).astype(int)] if len(points) else points
    )
    if len(points) < 3 or not np.isfinite(points).all():
        raise ParameterError("A region needs three corners at least. Try to draw around an area.")
    return Region("polygon", tuple((float(x), float(y)) for x, y in points))


def bounds(region: Region, shape: Sequence[int]) -> Tile:
    """The rectangle of pixels around a region, inside the image (y, x); without pixels if it lies outside."""
    corners = np.asarray(region.corners)
    (x0, y0), (x1, y1) = np.floor(corners.min(0)), np.ceil(corners.max(0))
    rows, columns = (np.clip(ends, 0, n).astype(int) for ends, n in zip(((y0, y1), (x0, x1)), shape[:2], strict=True))
    return Tile(int(rows[0]), int(rows[1]), int(columns[0]), int(columns[1]))


def inside(region: Region, tile: Tile) -> np.ndarray:
    """(rows, columns) bool: which pixels of a rectangle have their centre in the region."""
    mask = np.zeros((max(0, tile.y1 - tile.y0), max(0, tile.x1 - tile.x0)), bool)
    first = np.asarray(region.corners, float)
    last = np.roll(first, -1, axis=0)
    centres = np.arange(tile.x0, tile.x1) + 0.5
    for row in range(len(mask)):
        at = tile.y0 + row + 0.5
        cut = (first[:, 1] <= at) != (last[:, 1] <= at)
        (x0, y0), (x1, y1) = first[cut].T, last[cut].T
        crossings = np.sort(x0 + (at - y0) / (y1 - y0) * (x1 - x0))
        mask[row] = np.searchsorted(crossings, centres) % 2 == 1
    return mask


def pixels(region: Region, shape: Sequence[int]) -> np.ndarray:
    """(n, 2) rows and columns of all pixels of a region, row by row."""
    tile = bounds(region, shape)
    ys, xs = np.nonzero(inside(region, tile))
    return np.stack([ys + tile.y0, xs + tile.x0], 1)


def words(region: Region) -> str:
    """'pixel x 12, y 7' or 'box x 3 to 9, y 2 to 5' or 'polygon of 8 corners'."""
    corners = np.asarray(region.corners)
    (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
    if region.kind == "pixel":
        return f"pixel x {x0:.0f}, y {y0:.0f}"
    if region.kind == "box":
        return f"box, x {x0:.1f} to {x1:.1f}, y {y0:.1f} to {y1:.1f}"
    return f"polygon of {len(corners)} corners"


def geojson(region: Region, shape: Sequence[int], attrs: dict[str, Any]) -> dict[str, Any]:
    """The region as --mask reads it: in coordinates of the map where the cube has a transform, else in pixels.

    Pixels count from the upper edge as the image is shown: rows from below (`origin` lower) are turned around.
    """
    corners = np.asarray(region.corners, float)
    transform = attrs.get("transform")
    if transform is not None:
        x, width, row_turn, y, column_turn, height = (float(value) for value in transform)
        corners = corners @ np.array([[width, column_turn], [row_turn, height]]) + [x, y]
    elif attrs.get("origin") == "lower":
        corners = np.stack([corners[:, 0], shape[0] - corners[:, 1]], 1)
    ring = [[float(a), float(b)] for a, b in (*corners, corners[0])]
    feature = {
        "type": "Feature",
        "properties": {"name": words(region)},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    document: dict[str, Any] = {"type": "FeatureCollection", "features": [feature]}
    if transform is not None and attrs.get("crs"):
        document["crs"] = {"type": "name", "properties": {"name": str(attrs["crs"])}}
    return document
