"""Places of pixels in the world: map coordinates, right ascension and declination, or lengths; and text for both ways.

Pixel coordinates: x to the right, y along the rows, 0 at the outer corner of the first pixel; its centre is at 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.pixels import pixel_size
from spaxel.errors import ParameterError
from spaxel.figures.places import celestial

Both = Callable[[float, float], tuple[float, float]]


class World(NamedTuple):
    """names : of the two coordinates     unit : of them     to, back : pixel (x, y) to world, and back

    straight : (x0, x step, y0, y step) where the axes of the world run along those of the image, else None
    """

    names: tuple[str, str]
    unit: str
    to: Both
    back: Both
    straight: tuple[float, float, float, float] | None
    sky: bool = False


def world_of(attrs: Mapping[Any, Any], shape: Sequence[int]) -> World | None:
    """What the file knows of the place of its pixels: its transform, its WCS, or the size of a pixel; None if nothing.

    Without astropy a WCS is not read: the coordinates are then pixels.
    """
    if attrs.get("transform") is not None:
        return _affine([float(v) for v in attrs["transform"]], _map_names(str(attrs.get("crs", ""))))
    if attrs.get("wcs_header"):
        return _sky(str(attrs["wcs_header"]), shape)
    size = pixel_size(attrs)
    if size is None or not size[2]:
        return None
    height, width, unit = size
    return _affine([0.0, width, 0.0, 0.0, 0.0, height], ("x", "y", unit))


def _map_names(crs: str) -> tuple[str, str, str]:
    known = (
        crs.strip().upper()
    )  # a name as EPSG:4326, or WKT, in which a projected system names its geographic base too
    degrees = known.startswith(("GEOG", "GEODCRS")) or known in ("EPSG:4326", "EPSG:4258", "OGC:CRS84")
    return ("longitude", "latitude", "°") if degrees else ("easting", "northing", "m")


def _affine(transform: Sequence[float], names: tuple[str, str, str]) -> World:
    """From GDAL's order: x, width, row turn, y, column turn, height."""
    x, width, row_turn, y, column_turn, height = transform
    matrix = np.array([[width, row_turn], [column_turn, height]])
    inverse = np.linalg.inv(matrix)

    def to(px: float, py: float) -> tuple[float, float]:
        a, b = matrix @ [px, py]
        return float(a + x), float(b + y)

    def back(a: float, b: float) -> tuple[float, float]:
        px, py = inverse @ [a - x, b - y]
        return float(px), float(py)

    straight = (x, width, y, height) if row_turn == 0 and column_turn == 0 else None
    return World(names[:2], names[2], to, back, straight)


def _sky(header: str, shape: Sequence[int]) -> World | None:
    wcs = celestial(header)
    if wcs is None:
        return None

    def to(px: float, py: float) -> tuple[float, float]:
        a, b = wcs.wcs_pix2world([[px - 0.5, py - 0.5]], 0)[0]
        return float(a), float(b)

    def back(a: float, b: float) -> tuple[float, float]:
        try:
            px, py = wcs.wcs_world2pix([[a, b]], 0)[0]
        except ValueError:  # so are all that astropy raises of a WCS
            return float("nan"), float("nan")
        return float(px + 0.5), float(py + 0.5)

    return World(("RA", "Dec"), "°", to, back, _nearly_straight(to, shape), sky=True)


def _nearly_straight(to: Both, shape: Sequence[int]) -> tuple[float, float, float, float] | None:
    """The straight line through the middle of the image, where it is right to a tenth of a pixel at its corners."""
    rows, columns = shape[:2]
    middle = to(columns / 2, rows / 2)
    right, up = to(columns / 2 + 1, rows / 2), to(columns / 2, rows / 2 + 1)
    dx, dy = right[0] - middle[0], up[1] - middle[1]
    if not (np.isfinite([dx, dy]).all() and dx and dy):
        return None
    x0, y0 = middle[0] - dx * columns / 2, middle[1] - dy * rows / 2
    corners = [(0, 0), (columns, 0), (0, rows), (columns, rows)]
    off = [np.abs([(a - x0) / dx - x, (b - y0) / dy - y]) for x, y in corners for a, b in [to(x, y)]]
    return (x0, dx, y0, dy) if np.max(off) < 0.1 else None


def place_text(world: World | None, x: float, y: float) -> str:
    """A pixel in words: 'x 12, y 7' and where that is: 'RA 12:30:49.42, Dec +12:23:28.0'."""
    words = f"x {int(np.floor(x))}, y {int(np.floor(y))}"
    if world is None:
        return words
    a, b = world.to(x, y)
    if not np.isfinite([a, b]).all():
        return words
    if world.sky:
        return f"{words}; RA {_sixty(a / 15, 2)}, Dec {'+' if b >= 0 else '−'}{_sixty(abs(b), 1)}"
    return f"{words}; {world.names[0]} {a:.10g}, {world.names[1]} {b:.10g} {world.unit}"


def _sixty(value: float, digits: int) -> str:
    """Hours or degrees as hh:mm:ss, rounded once so that no part is 60."""
    scale = 10**digits
    whole = round(value * 3600 * scale)
    seconds, minutes = whole % (60 * scale), whole // (60 * scale)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds / scale:0{3 + digits}.{digits}f}"


def parse_place(text: str, world: World | None, *, pixels: bool) -> tuple[float, float]:
    """(x, y) in pixels of what a person typed: two numbers, or RA and Dec as hh:mm:ss ±dd:mm:ss.

    pixels : the numbers are pixels, whose centres are meant; else coordinates of the world
    Raises ParameterError that says what is expected.
    """
    parts = text.replace(",", " ").replace(";", " ").replace("−", "-").split()
    try:
        if len(parts) != 2:
            raise ValueError
        if pixels or world is None:
            x, y = (float(part) + 0.5 for part in parts)
        elif world.sky and ":" in text:
            x, y = world.back(15 * _from_sixty(parts[0]), _from_sixty(parts[1]))
        else:
            x, y = world.back(float(parts[0]), float(parts[1]))
    except ValueError:
        wanted = "x, y" if pixels or world is None else ", ".join(world.names)
        raise ParameterError(f"{text!r} is no place. Try two numbers: {wanted}.") from None
    if not np.isfinite([x, y]).all():
        raise ParameterError(f"{text!r} lies outside what the image shows. Try a place inside.")
    return x, y


def _from_sixty(text: str) -> float:
    sign = -1.0 if text.strip().startswith("-") else 1.0
    return sign * sum(abs(float(part)) / 60**i for i, part in enumerate(text.split(":")))
