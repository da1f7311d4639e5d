"""ESRI: a text header (.hdr) of words and values beside a BIL, BIP or BSQ file of raw numbers, mapped lazily."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note_guess
from spaxel.errors import ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.esri_header import find_pair, is_header, place, read_header, whole
from spaxel.readers.parts.file_array import FileArray
from spaxel.readers.parts.lazy import lazy_array
from spaxel.readers.parts.reader import Format, Reader, is_paired
from spaxel.readers.parts.side import settle_axis
from spaxel.readers.parts.stored import Stored, numbers_of

_KINDS = {"U": "u", "UNSIGNEDINT": "u", "S": "i", "SIGNEDINT": "i", "F": "f", "FLOAT": "f"}
_ORDERS = {"BIL": (0, 2, 1), "BIP": (0, 1, 2), "BSQ": (2, 0, 1)}  # of (lines, samples, bands) as they are stored


def open_esri(
    path: str | Path, *, channel: str | Sequence[float] | None = None, units: str | None = None
) -> xr.Dataset:
    """The cube of an ESRI header and its raw file, lazily; `path` is either of them.

    channel : axis values, a file with them, "file:variable", or "index" to number the channels; else the list between
              WAVELENGTHS and WAVELENGTHS_END
    units   : of the axis, which such a header never says
    Padding of rows (BANDROWBYTES, TOTALROWBYTES) is left out. NODATA is declared for the door. attrs: transform
    (GDAL order). Raises ReadError (truncated, incomplete header), NotFound (half of the pair), AxisError.
    """
    header_path, data_path = find_pair(Path(path))
    header = read_header(header_path)
    lines, samples, bands = (whole(header_path, header, name, low=1) for name in ("NROWS", "NCOLS", "NBANDS"))
    dtype, guesses = _dtype(header_path, header)
    layout = header.get("LAYOUT", "BIL").upper()
    if layout not in _ORDERS:
        raise ReadError(f"{header_path} has LAYOUT {layout!r}. Try to correct it to BIL, BIP or BSQ.")
    order = _ORDERS[layout]
    stored = [(lines, samples, bands)[axis] for axis in order]
    shape = _with_padding(header_path, header, layout, stored, dtype)
    offset = whole(header_path, header, "SKIPBYTES", default=0, low=0)
    source = FileArray(data_path, dtype, tuple(shape), offset).check_size()
    spectra = lazy_array(source, path=data_path, part=str(offset), channel_axis=order.index(2))
    spectra = spectra[:lines, :samples, :bands]
    found = None
    if "WAVELENGTHS" in header:
        values = np.array(numbers_of(header["WAVELENGTHS"].split()), dtype=float)
        found = Axis(values, None, f"WAVELENGTHS in {header_path.name}", "wavelength")
    axis, told, doubt = settle_axis(header_path, found, bands, channel, units)
    declared = Stored(no_data=numbers_of(header.get("NODATA", ()))[:1], origin=f"NODATA in {header_path.name}")
    attrs: dict[str, Any] = place(header) | {"files": [str(header_path), str(data_path)]}
    cube = make_cube(spectra, axis, told, beside=declared.beside(), source=str(path), **attrs)
    for sentence in (*guesses, *doubt):
        cube = note_guess(cube, sentence)
    return cube


def _dtype(path: Path, header: dict[str, str]) -> tuple[np.dtype, list[str]]:
    """The type of the numbers, and what was guessed."""
    bits = whole(path, header, "NBITS", default=8)
    kind = _KINDS.get(header.get("PIXELTYPE", "UNSIGNEDINT").upper())
    if kind is None or bits not in ((32, 64) if kind == "f" else (8, 16, 32)):
        raise ReadError(f"{path} has NBITS {bits} and PIXELTYPE {header.get('PIXELTYPE')}. Try to correct the header.")
    order = header.get("BYTEORDER", "I").upper()
    if order not in ("I", "LSBFIRST", "M", "MSBFIRST"):
        raise ReadError(f"{path} has BYTEORDER {order!r}. Try to correct it to I (little-endian) or M (big-endian).")
    sign = "<" if order in ("I", "LSBFIRST") else ">"
    missing = "BYTEORDER" not in header and bits > 8
    guess = [f"{path.name} has no BYTEORDER; took I (little-endian). Correct the header."] if missing else []
    return np.dtype(f"{sign}{kind}{bits // 8}"), guess


def _with_padding(path: Path, header: dict[str, str], layout: str, stored: Sequence[int], dtype: np.dtype) -> list[int]:
    """The shape as stored, with the numbers that fill up each row, or each band of a row."""
    item, (first, second, third) = dtype.itemsize, stored
    sizes = {
        name: whole(path, header, name, default=0, low=0) for name in ("BANDROWBYTES", "TOTALROWBYTES", "BANDGAPBYTES")
    }
    wanted = {
        "BIL": (third * item, second * third * item),
        "BIP": (0, second * third * item),
        "BSQ": (third * item, third * item),
    }
    row, total = wanted[layout]
    band_row, total_row = sizes["BANDROWBYTES"] or row, sizes["TOTALROWBYTES"] or total
    if layout == "BIP":
        return [first, _length(path, total_row, third * item, second, total), third]
    if layout == "BSQ":
        columns = _length(path, max(band_row, total_row), item, third, row)
        return [first, second + _length(path, sizes["BANDGAPBYTES"], columns * item, 0, 0), columns]
    columns = _length(path, band_row, item, third, row)
    total_row = max(total_row, second * columns * item)
    return [first, _length(path, total_row, columns * item, second, total), columns]


def _length(path: Path, size: int, unit: int, least: int, wanted: int) -> int:
    """How many units a size in bytes is; ReadError if it is less than it has to be, or no whole number of them."""
    if size == wanted:
        return least
    if size % unit or size // unit < least:
        raise ReadError(f"{path}: rows of {size} bytes do not fit numbers of {unit} bytes. Try to correct the header.")
    return size // unit


def _sniff(path: Path, head: bytes) -> bool:
    return is_header(head) or is_paired(find_pair, path, head)


reader = Reader(
    "esri",
    "an ESRI BIL, BIP or BSQ file",
    (".bil", ".bip", ".bsq", ".hdr"),
    _sniff,
    open_esri,
    formats=(Format("ESRI BIL, BIP, BSQ", ".hdr with .bil, .bip, .bsq", "yes", "WAVELENGTHS in the header", "NODATA"),),
)
