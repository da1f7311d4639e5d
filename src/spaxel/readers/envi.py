"""ENVI: a text header (.hdr) beside a file of raw numbers, mapped lazily in any interleave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note, note_guess
from spaxel.errors import CubeError, ReadError
from spaxel.readers.parts.envi_axis import beside_channels, header_axis, named_spectra
from spaxel.readers.parts.envi_header import find_pair, georeference, integer, is_header, numbers, read_header
from spaxel.readers.parts.envi_values import declared_values
from spaxel.readers.parts.file_array import FileArray
from spaxel.readers.parts.lazy import lazy_array
from spaxel.readers.parts.reader import Format, Reader, is_paired
from spaxel.readers.parts.side import settle_axis

_TYPES = {
    1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 6: "c8", 9: "c16", 12: "u2", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_ORDERS = {
    "bsq": ("bands", "lines", "samples"),
    "bil": ("lines", "bands", "samples"),
    "bip": ("lines", "samples", "bands"),
}


def open_envi(
    path: str | Path, *, channel: str | Sequence[float] | None = None, units: str | None = None
) -> xr.Dataset:
    """The cube of an ENVI header and its raw file, lazily; `path` is either of them.

    channel : axis values, a file with them, "file:variable", or "index" to number the channels; else the header's (its list of
              wavelengths, also with decimal commas, or band names that hold numbers)
    units   : of the axis, if the header does not say them
    Besides the spectra: `good_channel (channel)` from the bad band list and `fwhm (channel)` as coordinates, crs,
    transform (GDAL order) and map_info in attrs. Declared for the door (see spaxel.readers.parts.stored): data ignore
    value, data gain values, data offset values, reflectance scale factor (which divides, unless there are gains).
    Raises ReadError (truncated, incomplete header), NotFound (half of the pair), CubeError (complex), AxisError.
    """
    header_path, data_path = find_pair(Path(path))
    header = read_header(header_path)
    guesses: list[str] = []
    source, channel_axis, offset_note = _source(header_path, data_path, header, guesses)
    spectra = lazy_array(source, path=data_path, part=str(source.offset), channel_axis=channel_axis)
    if "spectral library" in header.get("file type", "").lower():
        spectra = spectra[0][:, None, :]
    n_channels = spectra.shape[2]
    found = header_axis(header_path, header, n_channels)
    values, told, doubt = settle_axis(header_path, found, n_channels, channel, units)
    declared, left_out = declared_values(header_path, header, n_channels)
    attrs = georeference(header) | _kept(header) | {"files": [str(header_path), str(data_path)]}
    cube = make_cube(spectra, values, told, beside=declared.beside(), source=str(path), **attrs)
    cube = beside_channels(cube, header_path, header, values)
    cube = named_spectra(cube, header)
    for sentence in offset_note:
        cube = note(cube, sentence)
    for sentence in guesses + left_out + doubt:
        cube = note_guess(cube, sentence)
    return cube


def _source(
    header_path: Path, data_path: Path, header: dict[str, str], guesses: list[str]
) -> tuple[FileArray, int, list[str]]:
    """The raw array as stored, its channel axis, and sentences for the history."""
    sizes = {name: integer(header_path, header, name, low=1) for name in ("samples", "lines", "bands")}
    code = integer(header_path, header, "data type")
    if code not in _TYPES:
        raise ReadError(f"{header_path} has data type = {code}, which ENVI does not define. Try to correct the header.")
    if code in (6, 9):
        raise CubeError(
            f"{header_path} has complex numbers (data type = {code}). Try to save their modulus or real part."
        )
    for name in ("interleave", "byte order"):
        if name not in header:
            guesses.append(
                f"{header_path.name} has no {name}; took {'bsq' if name == 'interleave' else 0}. Correct the header."
            )
    interleave = header.get("interleave", "bsq").strip().lower()
    if interleave not in _ORDERS:
        raise ReadError(f"{header_path} has interleave = {interleave!r}. Try to correct it to bsq, bil or bip.")
    _refuse_unsupported(header_path, header)
    big = integer(header_path, header, "byte order", default=0) == 1
    dtype = np.dtype(("<>"[big]) + _TYPES[code])
    offset = integer(header_path, header, "header offset", default=0, low=0)
    order = _ORDERS[interleave]
    source = FileArray(data_path, dtype, tuple(sizes[name] for name in order), offset).check_size()
    if "spectral library" in header.get("file type", "").lower():
        return FileArray(data_path, dtype, (1, sizes["lines"], sizes["samples"]), offset), 2, []
    extra = data_path.stat().st_size - offset - source.nbytes
    return (
        source,
        order.index("bands"),
        [f"{data_path.name} has {extra} bytes more than its header says"] if extra else [],
    )


def _refuse_unsupported(path: Path, header: dict[str, str]) -> None:
    if header.get("file compression", "0").strip() not in ("0", ""):
        raise ReadError(f"{path} says that its data are compressed (file compression). Try to unpack them with gunzip.")
    if any(numbers(path, header, "major frame offsets")) or any(numbers(path, header, "minor frame offsets")):
        raise ReadError(f"{path} has frame offsets, which spaxel does not read. Try to save the cube without them.")


def _kept(header: dict[str, str]) -> dict[str, str]:
    names = ("description", "sensor type", "reflectance scale factor", "acquisition time")
    return {name.replace(" ", "_"): header[name] for name in names if header.get(name)}


def _sniff(path: Path, head: bytes) -> bool:
    return is_header(head) or is_paired(find_pair, path, head)


reader = Reader(
    "envi",
    "an ENVI file",
    (".hdr", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip"),
    _sniff,
    open_envi,
    formats=(
        Format(
            "ENVI", ".hdr with .img, .dat, .raw, .bsq, .bil, .bip", "yes", "wavelength, band names", "data ignore value"
        ),
    ),
)
