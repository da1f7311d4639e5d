"""Where a pixel lies in the world: right ascension and declination, map coordinates, or a length. For pointers and axes.

Columns and rows count from the edge of the image: pixel 3 reaches from 3 to 4, its centre is 3.5.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube.pixels import pixel_size

NODES = 9  # along each side of the grid of directions between which a browser interpolates
STRAIGHT = 0.02  # what axes may lean, as a share, and still be labelled in the sky or on the map

WORLD = """
const two = (n, digits) => n.toFixed(digits).padStart(digits ? 3 + digits : 2, '0');
const sexagesimal = (value, digits) => {
  const whole = Math.round(Math.abs(value) * 3600 * 10 ** digits) / 10 ** digits;
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
};
const hours = (degrees, digits) => {
  const [h, m, s] = sexagesimal(((degrees % 360) + 360) % 360 / 15, digits);
  return `${two(h % 24, 0)}h${two(m, 0)}m${two(s, digits)}s`;
};
const arcs = (degrees, digits) => {
  const [d, m, s] = sexagesimal(degrees, digits);
  return `${degrees < 0 ? '\u2212' : '+'}${two(d, 0)}\u00b0${two(m, 0)}\u2032${two(s, digits)}\u2033`;
};
"""
PLACE = (
    WORLD
    + """
const x = special_vars.x, y = special_vars.y;
if (at.kind == 'sky') {
  const n = at.nodes - 1, u = Math.min(Math.max(x / at.columns, 0), 1) * n, v = Math.min(Math.max(y / at.rows, 0), 1) * n;
  const i = Math.min(Math.floor(u), n - 1), j = Math.min(Math.floor(v), n - 1), a = u - i, b = v - j;
  const node = (r, c) => at.grid[r * at.nodes + c];
  const d = [0, 1, 2].map((k) => (1 - b) * ((1 - a) * node(j, i)[k] + a * node(j, i + 1)[k])
                                  + b * ((1 - a) * node(j + 1, i)[k] + a * node(j + 1, i + 1)[k]));
  const lon = Math.atan2(d[1], d[0]) * 180 / Math.PI, lat = Math.atan2(d[2], Math.hypot(d[0], d[1])) * 180 / Math.PI;
  return at.hours ? `${hours(lon, 2)} ${arcs(lat, 1)}` : `${((lon + 360) % 360).toFixed(5)}\u00b0 ${lat.toFixed(5)}\u00b0`;
}
const t = at.transform, east = t[0] + t[1] * x + t[2] * y, north = t[3] + t[4] * x + t[5] * y;
return `${east.toFixed(at.digits)}, ${north.toFixed(at.digits)} ${at.unit}`;
"""
)
TICKS = """
const {start, end} = cb_data;
const [low, high] = [Math.min(start, end), Math.max(start, end)].map((p) => (axis.a + axis.b * p) * axis.per);
const [from, to] = [Math.min(low, high), Math.max(low, high)];
if (!(to > from)) return [];
const steps = axis.sixty ? [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800,
                            3600, 7200, 18000, 36000] : null;
const rough = (to - from) / axis.wanted, power = 10 ** Math.floor(Math.log10(rough));
const all = steps ?? [0.1, 0.2, 0.5, 1, 2, 5, 10].map((s) => s * power);
let place = all.findIndex((s) => s >= rough * 0.999);
if (place < 0) place = all.length - 1;
while (place > 0 && Math.floor(to / all[place]) - Math.ceil(from / all[place]) < 1) place--;  // two at least
const step = all[place], found = [];
for (let k = Math.ceil(from / step); k * step <= to; k++) found.push((k * step / axis.per - axis.a) / axis.b);
return found;
"""
TICK = (
    WORLD
    + """
const value = axis.a + axis.b * tick, step = Math.abs(ticks.length > 1 ? (ticks[1] - ticks[0]) * axis.b * axis.per : axis.per);
const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
if (axis.kind == 'hours') return hours(value, Math.min(digits, 3));
if (axis.kind == 'arcs') return arcs(value, Math.min(digits, 3));
return value.toFixed(digits);
"""
)


def place_of(result: xr.Dataset) -> dict[str, Any] | None:
    """What a browser needs to say where a pixel lies, for the code PLACE (`at`) and the axes; None where nothing is known.

    kind 'sky': directions (unit vectors) at the nodes of a grid over the image; 'map': a transform and its unit
    axes : of x and y {a, b: value = a + b·pixel, kind, per: units of a step, name, sixty}, or None where they lean
    """
    rows, columns = result["labels"].shape
    attrs = result.attrs
    return _sky(str(attrs.get("wcs_header") or ""), rows, columns) or _map(attrs) or _length(attrs)


def celestial(header: str) -> Any:
    """The celestial WCS (astropy) in the header of a FITS file; None without astropy, or where the header has none."""
    try:
        from astropy.io.fits import Header
        from astropy.wcs import WCS
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(Header.fromstring(header, sep="\n" if "\n" in header else "")).celestial
        except (ValueError, KeyError, TypeError):  # what astropy raises of a WCS is a ValueError
            return None
    return wcs if wcs.naxis == 2 and wcs.wcs.lng >= 0 else None


def _sky(header: str, rows: int, columns: int) -> dict[str, Any] | None:
    """From the header of a FITS file; None without astropy, or where the header has no place in the sky."""
    wcs = celestial(header) if header else None
    if wcs is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y, x = np.meshgrid(np.linspace(0, rows, NODES), np.linspace(0, columns, NODES), indexing="ij")
        lon, lat = np.radians(wcs.all_pix2world(x - 0.5, y - 0.5, 0))
    grid = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    if not np.isfinite(grid).all():
        return None
    equatorial = wcs.wcs.lngtyp.strip().upper() == "RA"
    found = {"kind": "sky", "nodes": NODES, "rows": rows, "columns": columns, "hours": equatorial}
    found |= {"grid": grid.reshape(-1, 3).round(13).tolist(), "name": "RA, Dec" if equatorial else "lon, lat"}
    return found | {"axes": _sky_axes(np.degrees(lon), np.degrees(lat), rows, columns) if equatorial else None}


def _sky_axes(lon: np.ndarray, lat: np.ndarray, rows: int, columns: int) -> list[dict[str, Any]] | None:
    """Axes in right ascension and declination, where rows and columns follow them; None where they lean."""
    lon = np.degrees(np.unwrap(np.unwrap(np.radians(lon), axis=1), axis=0))
    middle = NODES // 2
    across, down = np.cos(np.radians(lat[middle, middle])), lat[:, middle]
    right = (lon[middle, -1] - lon[middle, 0]) * across, lat[middle, -1] - lat[middle, 0]
    up = (lon[-1, middle] - lon[0, middle]) * across, down[-1] - down[0]
    if abs(right[1]) > STRAIGHT * abs(right[0]) or abs(up[0]) > STRAIGHT * abs(up[1]):
        return None
    along = {"a": float(lon[middle, 0]), "b": float((lon[middle, -1] - lon[middle, 0]) / columns)}
    rising = {"a": float(down[0]), "b": float((down[-1] - down[0]) / rows)}
    return [
        along | {"kind": "hours", "per": 240.0, "name": "RA", "sixty": True, "wanted": 2.4},
        rising | {"kind": "arcs", "per": 3600.0, "name": "Dec", "sixty": True, "wanted": 5},
    ]


def _map(attrs: dict[Any, Any]) -> dict[str, Any] | None:
    """From a geotransform, in GDAL's order."""
    try:
        t = [float(v) for v in attrs["transform"]]
    except (KeyError, TypeError, ValueError):
        return None
    if len(t) != 6 or not np.isfinite(t).all() or t[1] * t[5] - t[2] * t[4] == 0:
        return None
    crs = str(attrs.get("crs") or "")
    degrees = "PROJCS" not in crs and "PROJCRS" not in crs and ("GEOGCS" in crs or "GEOGCRS" in crs or "4326" in crs)
    unit, digits = ("°", 6) if degrees else ("m" if _metres(crs) else "", 1)
    found: dict[str, Any] = {"kind": "map", "transform": t, "unit": unit, "digits": digits, "axes": None}
    found["name"] = "lon, lat" if degrees else "E, N"
    if abs(t[2]) <= STRAIGHT * abs(t[1]) and abs(t[4]) <= STRAIGHT * abs(t[5]):
        names = ("longitude (°)", "latitude (°)") if degrees else (f"easting ({unit})" if unit else "easting",
                                                                   f"northing ({unit})" if unit else "northing")  # fmt: skip
        found["axes"] = [
            {"a": a, "b": b, "kind": "plain", "per": 1.0, "name": name, "sixty": False, "wanted": wanted}
            for (a, b), name, wanted in zip(((t[0], t[1]), (t[3], t[5])), names, (3, 5), strict=True)
        ]
    return found


def _metres(crs: str) -> bool:
    return bool(re.search(r"\bmet(re|er)", crs, re.IGNORECASE)) or bool(re.search(r"EPSG:32[67]\d\d", crs))


def _length(attrs: dict[Any, Any]) -> dict[str, Any] | None:
    """From the size of a pixel, and where the first one lies if that is known."""
    found = pixel_size(attrs)
    if found is None or not found[2]:
        return None
    height, width, unit = found
    digits = max(0, int(np.ceil(1 - np.log10(min(height, width)))))
    return {
        "kind": "map", "transform": [0.0, width, 0.0, 0.0, 0.0, height], "unit": unit, "digits": digits, "axes": None,
        "name": "from the corner",
    }  # fmt: skip
