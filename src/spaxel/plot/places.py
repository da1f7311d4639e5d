"""Where a map lies: right ascension and declination, coordinates of a map, a scale bar, or pixels."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from spaxel.cube.pixels import scale_bar
from spaxel.plot.scene import Scene
from spaxel.plot.words import printed

CELESTIAL = {
    "pos.eq.ra": "right ascension", "pos.eq.dec": "declination",
    "pos.galactic.lon": "galactic longitude", "pos.galactic.lat": "galactic latitude",
    "pos.ecliptic.lon": "ecliptic longitude", "pos.ecliptic.lat": "ecliptic latitude",
}  # fmt: skip


class Place(NamedTuple):
    """Where the image lies in the coordinates of its axes, for `imshow` with row 0 first.

    extent : left, right, bottom of the last row, top of row 0      x, y : limits of the axes      aspect : of a unit of y
    """

    extent: tuple[float, float, float, float]
    x: tuple[float, float]
    y: tuple[float, float]
    aspect: float
    x_label: str
    y_label: str


def celestial(attrs: Mapping[Any, Any]) -> Any:
    """The astropy WCS of the two axes on the sky; None where there is none, or astropy is not installed."""
    header = attrs.get("wcs_header")
    if not header or "maps" in attrs:
        return None
    try:
        from astropy.wcs import WCS, FITSFixedWarning
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        wcs = WCS(str(header))
        return wcs.celestial if wcs.has_celestial else None


def place(scene: Scene, covered: tuple[int, int]) -> Place:
    """The place of a map in map coordinates where the file has them, else in pixels; row 0 where the file has it.

    covered : rows and columns that the image covers: a reduced image may reach over the edge
    """
    attrs, (rows, columns) = scene.result.attrs, scene.shape
    if geo := _transform(attrs):
        x0, width, y0, height = geo
        extent = (x0, x0 + width * covered[1], y0 + height * covered[0], y0)
        x, y = sorted((x0, x0 + width * columns)), sorted((y0, y0 + height * rows))
        degrees, unit, name = _crs(str(attrs["crs"]))
        words = ("longitude (°)", "latitude (°)") if degrees else (f"easting ({unit})", f"northing ({unit})")
        aspect = abs(width / height) if degrees else 1.0
        return Place(extent, (x[0], x[1]), (y[0], y[1]), aspect, f"{words[0]}\n{name}" if name else words[0], words[1])
    extent = (-0.5, covered[1] - 0.5, covered[0] - 0.5, -0.5)
    y_range = (-0.5, rows - 0.5) if attrs.get("origin") == "lower" else (rows - 0.5, -0.5)
    return Place(extent, (-0.5, columns - 0.5), y_range, 1.0, "x (pixel)", "y (pixel)")


def is_world(scene: Scene) -> bool:
    """Whether the map has coordinates of the world: on the sky, or of a map."""
    return celestial(scene.result.attrs) is not None or _transform(scene.result.attrs) is not None


def add_bar(scene: Scene, ax: Any) -> bool:
    """Draw a scale bar of a round length below a map, in place of its axes; False where the size of a pixel is not known."""
    bar = scale_bar(scene.result.attrs, scene.shape[1])
    if bar is None:
        return False
    from matplotlib.lines import Line2D

    length, text = bar
    long, low = length / scene.shape[1], ax.transAxes
    line = Line2D([0, long], [-0.03, -0.03], transform=low, color="black", linewidth=2, clip_on=False)
    line.set_solid_capstyle("butt")
    ax.add_artist(line)
    ax.annotate(
        printed(text), (long, -0.03), xycoords=low, xytext=(4, 0), textcoords="offset points", va="center", ha="left",
        annotation_clip=False, parse_math=False,
    )  # fmt: skip
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    return True


def name_sky(ax: Any) -> None:
    """Few ticks with names on axes of astropy, so that they do not run into each other in a narrow figure."""
    kinds, frame = ax.wcs.world_axis_physical_types, ax.wcs.wcs.radesys
    for axis, kind in zip(ax.coords, kinds, strict=True):
        words = CELESTIAL.get(kind or "", kind or "")
        axis.set_axislabel(f"{words} ({frame})" if kind == "pos.eq.ra" and frame else words)
        axis.set_ticks(number=4)
        axis.set_ticklabel(exclude_overlapping=True)


def _transform(attrs: Mapping[Any, Any]) -> tuple[float, float, float, float] | None:
    """x of the corner, width of a pixel, y of the corner, height of a pixel (signed); None for a map that is turned."""
    numbers = attrs.get("transform")
    if "crs" not in attrs or "maps" in attrs or numbers is None or len(numbers) != 6:
        return None
    x0, width, turned, y0, also_turned, height = (float(v) for v in numbers)
    return (x0, width, y0, height) if not (turned or also_turned) and width and height else None


def _crs(text: str) -> tuple[bool, str, str]:
    """Whether the coordinates are degrees, their unit, and what the system is called, from its WKT (or 'EPSG:4326')."""
    degrees = text.upper().startswith(("GEOG", "EPSG:4326", "OGC:CRS84"))
    units = re.findall(r'UNIT\["([^"]+)"', text)
    unit = (
        {"metre": "m", "meter": "m", "kilometre": "km", "US survey foot": "ft"}.get(units[-1], units[-1])
        if units
        else "m"
    )
    named = re.match(r'\w+\["([^"]*)"', text)
    name = named[1] if named else text if len(text) < 20 else ""
    return degrees, unit, "" if name.lower() in ("unknown", "unnamed") else name
