"""World coordinates of FITS headers: which axis is spectral, its values in the file's own unit. Needs astropy."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np

from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.ome import pixel_attrs

_SPECTRAL = re.compile(r"WAVE|AWAV|VELO|VRAD|VOPT|ZOPT|BETA|FREQ|ENER|WAVN|FELO|LAMBDA|SPEC|CHAN|WLEN|RAMAN|LOGLAM")
_CELESTIAL = re.compile(r"RA(-|$)|DEC(-|$)|.LON|.LAT|STOKES")
_BY_STANDARD = (  # units where CUNIT is missing, FITS standard 4.0, table 25; for wavelengths and energies see axis_values
    (re.compile(r"VRAD|VELO|VOPT|FELO"), "m/s"),
    (re.compile(r"FREQ"), "Hz"),
    (re.compile(r"WAVN"), "1/m"),
)
_UNITS = re.compile(
    r"(angstroms?|nm|nanomet\w*|um|microns?|[kMGT]?hz|[kMGT]?ev|cm-1|1/cm|k?m/s|k?m s-1)$", re.IGNORECASE
)


def read_wcs(header: Any, hdus: Any) -> Any:
    """The astropy WCS of a header, or None if it has none or a broken one. hdus : the open file, for tables (-TAB)."""
    from astropy.wcs import WCS

    if not any(key in header for key in ("CTYPE1", "CRVAL1", "CTYPE3", "CRVAL3", "CD1_1", "CDELT1", "CDELT3")):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy tells what it repaired; the values below are checked
        try:
            return WCS(header, fobj=hdus)
        except (ValueError, KeyError, AssertionError, TypeError):
            return None


def pixel_scale(wcs: Any) -> dict[str, Any]:
    """pixel_size [y, x] in seconds of arc, of an image of the sky; {} for others."""
    from astropy.wcs.utils import proj_plane_pixel_scales

    if wcs is None or not wcs.has_celestial:
        return {}
    x, y = proj_plane_pixel_scales(wcs.celestial) * 3600
    return pixel_attrs([y, x], ["arcsec", "arcsec"])


def spectral_axis(header: Any, naxis: int) -> int | None:
    """The number (1, 2, 3 …, as FITS counts) of the only axis that the header declares spectral, or None.

    Declared: by CTYPE, else by a unit of wavelength or energy, else as the only one left beside two celestial axes.
    """
    numbers = [n for n in range(1, naxis + 1) if header.get(f"NAXIS{n}", 1) > 1 or naxis <= 3]
    kinds = {n: str(header.get(f"CTYPE{n}", "")).strip().upper() for n in numbers}
    by_type = [n for n in numbers if _SPECTRAL.match(kinds[n])]
    by_unit = [n for n in numbers if _UNITS.match(str(header.get(f"CUNIT{n}", "")).strip())]
    celestial = [n for n in numbers if _CELESTIAL.match(kinds[n])]
    left = [n for n in numbers if n not in celestial] if len(celestial) >= 2 else []
    for found in (by_type, by_unit, left):
        if len(found) == 1:
            return found[0]
    return None


def is_declared(header: Any, number: int) -> bool:
    """Whether the CTYPE of FITS axis `number` says that it is spectral."""
    return _SPECTRAL.match(str(header.get(f"CTYPE{number}", "")).strip().upper()) is not None


def axis_values(header: Any, wcs: Any, number: int) -> Axis | None:
    """The values along FITS axis `number`, in the unit of its CUNIT, or None if the header has no values for it.

    What CTYPE says comes first: a velocity or frequency without CUNIT is in m/s or Hz, as the standard has it. Of a wavelength
    without CUNIT the unit is None, unless its values can only be metres: many files then mean Angstrom. Metres become nm.
    """
    if not any(f"{key}{number}" in header for key in ("CRVAL", "CDELT")) and f"CD{number}_{number}" not in header:
        return None
    n = int(header[f"NAXIS{number}"])
    units = str(header.get(f"CUNIT{number}", "")).strip()
    kind = str(header.get(f"CTYPE{number}", "")).strip().upper()
    curved = wcs is not None and re.search(r"-\w{3}$", kind) is not None
    values = _curved(wcs, number, n, units) if curved else None
    if values is None:
        step = header.get(f"CD{number}_{number}")
        step = header.get(f"CDELT{number}", 1.0) * header.get(f"PC{number}_{number}", 1.0) if step is None else step
        values = header.get(f"CRVAL{number}", 0.0) + (np.arange(n) + 1 - header.get(f"CRPIX{number}", 0.0)) * step
    if header.get("DC-FLAG") == 1:  # IRAF: the axis is the decimal logarithm
        values = 10.0**values
    units = units or next((told for pattern, told in _BY_STANDARD if pattern.match(kind)), "")
    if units == "m" or (not units and 0 < np.abs(values).max() < 1e-4 and not kind.startswith("ENER")):
        values, units = values * 1e9, "nm"
    name = "energy" if kind.startswith("ENER") else "wavelength" if kind.startswith(("WAVE", "AWAV")) else kind
    return Axis(np.asarray(values, dtype=float), units or None, f"axis {number} of the FITS header", name)


def _curved(wcs: Any, number: int, n: int, units: str) -> np.ndarray | None:
    """Values by wcslib, which knows logarithms, gratings and tables, turned from SI back into the header's unit."""
    from astropy import units as u

    at = np.tile(np.asarray(wcs.wcs.crpix, dtype=float), (n, 1))
    at[:, number - 1] = np.arange(1, n + 1)
    try:
        values = wcs.wcs_pix2world(at, 1)[:, number - 1]
        si = wcs.wcs.cunit[number - 1]
        told = u.Unit(units, parse_strict="silent") if units else si
        if isinstance(told, u.UnrecognizedUnit):
            told = u.Unit({"angstroms": "Angstrom"}.get(units.lower(), units.lower()), parse_strict="silent")
        factor = 1.0 if told == si else si.to(told)
    except (ValueError, TypeError, u.UnitConversionError):
        return None
    return values * factor if np.isfinite(values).all() else None
