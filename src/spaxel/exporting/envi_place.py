"""Where an ENVI image lies: `map info` and `coordinate system string`, as the input had them or from its transform."""

from __future__ import annotations

from typing import Any

from spaxel.exporting.source import Source, spacing


def map_info(source: Source) -> dict[str, Any]:
    """The fields of a header that place an image; {} where nothing is known, or where it is turned.

    Without a CRS but with the size of a pixel: `pixel size`.
    """
    attrs = source.result.attrs
    crs, transform = str(attrs.get("crs", "")), source.transform()
    if attrs.get("map_info") and not attrs.get("maps"):
        return {"map info": f"{{{attrs['map_info']}}}"} | _system(crs)
    if transform and transform[2] == transform[4] == 0:
        x0, a, _, y0, _, e = transform
        kind, rest = _kind(crs, str(attrs.get("pixel_units", "")))
        numbers = [1, 1, *(f"{number:.15g}" for number in (x0, y0, a, -e))]
        return {"map info": "{" + ", ".join(map(str, [kind, *numbers, *rest])) + "}"} | _system(crs)
    pixel = spacing(source)
    if pixel and pixel[2]:
        return {"pixel size": f"{{{pixel[1]:.10g}, {pixel[0]:.10g}, units={pixel[2]}}}"}
    return {}


def _kind(crs: str, units: str) -> tuple[str, list[str]]:
    """Name of the projection, and what stands behind the numbers."""
    code = _epsg(crs)
    if code is not None and (32601 <= code <= 32660 or 32701 <= code <= 32760):
        half = "North" if code < 32700 else "South"
        return "UTM", [str(code % 100), half, "WGS-84", "units=Meters"]
    if code == 4326 or units == "degree":
        return "Geographic Lat/Lon", ["WGS-84", "units=Degrees"]
    return "Arbitrary", [f"units={ {'m': 'Meters'}.get(units, units or 'Meters') }"]


def _epsg(crs: str) -> int | None:
    if crs.upper().startswith("EPSG:"):
        return int(crs[5:]) if crs[5:].isdigit() else None
    if (parsed := _parsed(crs)) is None:
        return None
    return parsed.to_epsg()


def _system(crs: str) -> dict[str, str]:
    """The CRS in the words of ESRI, as ENVI keeps it, where rasterio is there to find them; else as it is."""
    parsed = _parsed(crs)
    text = parsed.to_wkt(version="WKT1_ESRI") if parsed is not None else crs
    return {"coordinate system string": f"{{{text}}}"} if text and "[" in text else {}


def _parsed(crs: str) -> Any:
    try:
        from rasterio.crs import CRS
        from rasterio.errors import CRSError
    except ImportError:
        return None
    try:
        return CRS.from_user_input(crs) if crs else None
    except CRSError:
        return None
