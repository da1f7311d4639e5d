"""Where pixels are, as cards of a FITS header: on the sky as the input has it, on the Earth, or in a plane of millimetres."""

from __future__ import annotations

import warnings
from typing import Any

from spaxel.exporting.source import Source, spacing, start

LINEAR = {"degree": "deg"}


def celestial(source: Source, *, third: str = "") -> Any:
    """The cards that place the pixels of a map. third : what a third axis is along, as "component".

    The celestial axes of the input's WCS in its own order, with its distortions; where it has none, a linear WCS from the
    transform of a raster or from the size of a pixel; else nothing. Needs astropy.
    """
    from astropy.io import fits

    header = _sky(source) or fits.Header(_plane(source))
    if third and header:
        header["WCSAXES"] = 3
        header.update({"CTYPE3": third.upper(), "CRPIX3": 1.0, "CRVAL3": 0.0, "CDELT3": 1.0})
        if any(key.startswith("CD") and "_" in key for key in header):
            del header["CDELT3"]
            header["CD3_3"] = 1.0
    return header


def _sky(source: Source) -> Any:
    """The header of the two image axes of the input's WCS; None where it has no celestial one."""
    from astropy.wcs import WCS, FITSFixedWarning

    text = source.sky()
    if not text:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        wcs = WCS(text)
        if not wcs.has_celestial:
            return None
        pair = sorted((wcs.wcs.lng, wcs.wcs.lat))  # as they lie in the file: the first runs along x
        return wcs.sub([number + 1 for number in pair]).to_header(relax=True)


def _plane(source: Source) -> dict[str, Any]:
    """A linear WCS: FITS counts pixels from 1, and whole numbers are their middles."""
    if found := source.transform():
        x0, a, b, y0, d, e = found
        units = str(source.result.attrs.get("pixel_units", "m"))
        crs = {"CD1_1": a, "CD1_2": b, "CD2_1": d, "CD2_2": e}
        return {"WCSAXES": 2, "CRPIX1": 0.5, "CRPIX2": 0.5, "CRVAL1": x0, "CRVAL2": y0} | crs | _units(units)
    pixel = spacing(source)
    if pixel is None:
        return {}
    y0, x0 = start(source)
    size = {"CDELT1": pixel[1], "CDELT2": pixel[0]}
    return {"WCSAXES": 2, "CRPIX1": 1.0, "CRPIX2": 1.0, "CRVAL1": x0, "CRVAL2": y0} | size | _units(pixel[2])


def _units(units: str) -> dict[str, str]:
    from astropy.units import Unit as parse
    from astropy.units import UnitBase

    unit = parse(LINEAR.get(units, units), parse_strict="silent")
    if not units or not isinstance(unit, UnitBase) or type(unit).__name__ == "UnrecognizedUnit":
        return {}
    return {"CUNIT1": unit.to_string("fits"), "CUNIT2": unit.to_string("fits")}
