"""FITS: an image for each map, all with the celestial WCS of the input; tables of components and spectra. Needs astropy."""

from __future__ import annotations

import unicodedata
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from spaxel.errors import missing_extra, printable
from spaxel.exporting.sky import celestial
from spaxel.exporting.source import (
    Source,
    about,
    axis_of,
    bands,
    component_planes,
    plane_dim,
    planes,
    value_units,
    write_piece,
)
from spaxel.exporting.tables import component_columns
from spaxel.results.convention import sentences, spectra_names

BLOCK = 2880  # bytes; FITS counts in them
MOST_COLUMNS = 999  # of a table
UNITS = {"1/cm": "cm-1", "1/m": "m-1", "min": "min", "index": ""}
TYPES = {"labels": ">i4", "unlike": ">u1"}
BITS = {">i4": 32, ">u1": 8, ">f4": -32}


def write_fits(source: Source, path: Path) -> None:
    """labels (the first image, -1 = no data), the other maps, COMPONENTS, SPECTRA, and SAMPLES of a list of spectra.

    Pixel [y, x] of each image is that of the cube, row 0 first as FITS has it; abundances have a third axis of components.
    Raises MissingExtra without astropy.
    """
    try:
        from astropy.io import fits
    except ImportError as error:
        raise missing_extra("Writing FITS", "astropy", "fits") from error
    with path.open("wb") as file:
        if not source.maps:
            file.write(_text(fits.PrimaryHDU(header=_told(source, fits.Header())).header))
        for number, name in enumerate(source.maps):
            _write_image(file, source, name, first=number == 0)
    with fits.open(path, mode="append") as hdus:
        hdus.extend(_tables(source, fits))


def _write_image(file: BinaryIO, source: Source, name: str, *, first: bool) -> None:
    from astropy.io import fits

    height, width = source.shape
    along = plane_dim(source, name)
    count = len(bands(source, name)) if along else 0
    kind = TYPES.get(name, ">f4")
    header = fits.Header()
    if first:
        header["SIMPLE"] = (True, "conforms to FITS standard")
    else:
        header["XTENSION"] = ("IMAGE", "image extension")
    header["BITPIX"] = BITS[kind]
    for number, size in enumerate([3 if count else 2, width, height, *([count] if count else [])]):
        header[f"NAXIS{number or ''}"] = size
    header.update({"EXTEND": True} if first else {"PCOUNT": 0, "GCOUNT": 1})
    header["EXTNAME"] = name.upper()
    if name == "labels":
        header["BLANK"] = (-1, "no data")
    for number, title in enumerate(bands(source, name) if along else ()):
        header[f"PLANE{number + 1}"] = ascii_text(title)[:68]
    header.update(celestial(source, third=along))
    if first:
        header = _told(source, header)
    file.write(_text(header))
    _write_planes(file, source, name, kind)


def _write_planes(file: BinaryIO, source: Source, name: str, kind: str) -> None:
    """Big-endian numbers, plane by plane on disk, piece by piece in time."""
    (height, width), count = source.shape, len(bands(source, name))
    begin, size = file.tell(), np.dtype(kind).itemsize
    for tile, values in planes(source, name):
        write_piece(file, begin, source.shape, tile, values.astype(kind))
    end = begin + count * height * width * size
    file.seek(end)
    file.write(b"\0" * (-end % BLOCK))


def _told(source: Source, header: Any) -> Any:
    """A header with what the file says of itself, as cards and as history."""
    words = {"ORIGIN": "software", "OBJECT": "title", "INSTRUME": "instrument", "METHOD": "method", "SEED": "seed"}
    told = about(source)
    for key, word in words.items():
        if word in told:
            header[key] = ascii_text(told[word])[:68]
    lower = source.result.attrs.get("origin") == "lower"
    header["ROWORDER"] = ("BOTTOM-UP" if lower else "TOP-DOWN", "where row 1 is in a picture of this")
    for text in (*sentences(source.result.attrs, "history"), told.get("sentence", ""), told.get("command", "")):
        if text:
            header.add_history(ascii_text(text))
    return header


def _text(header: Any) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a long value leaves no room for its comment
        return header.tostring(sep="", endcard=True, padding=True).encode("ascii")


def _tables(source: Source, fits: Any) -> list[Any]:
    found = []
    if "components" in source.what:
        columns = component_columns(source.result, source.colors, candidates=True)
        found.append(_table(fits, "COMPONENTS", {name: (list(values), "") for name, values in columns.items()}))
    if "spectra" in source.what:
        found.append(_table(fits, "SPECTRA", _spectra(source)))
    if names := spectra_names(source.result):
        called = {name: (values, "") for name, (_, values) in names.items()}
        found.append(_table(fits, "SAMPLES", {"row": (list(range(source.shape[0])), ""), **called}))
    return found


def _spectra(source: Source) -> dict[str, tuple[Any, str]]:
    """Columns of the table of spectra: the axis, then mean_0, spread_0 … of each component."""
    axis, name, units = axis_of(source)
    held = component_planes(source)
    while len(held) > 1 and 1 + len(held) * len(source.names) > MOST_COLUMNS:
        held.popitem()
    columns: dict[str, tuple[Any, str]] = {ascii_text(name).replace(" ", "_"): (axis, units)}
    for k in range(min(len(source.names), MOST_COLUMNS - 1)):
        columns |= {f"{word}_{k}": (values[k], value_units(source)) for word, values in held.items()}
    return columns


def _table(fits: Any, name: str, columns: dict[str, tuple[Any, str]]) -> Any:
    made = []
    for title, (values, unit) in columns.items():
        if isinstance(values, list) and (not values or isinstance(values[0], str)):
            values = np.array([ascii_text(text) for text in values] or [""])
        values = np.asarray(values)
        kind = (
            f"{max(1, values.dtype.itemsize // 4)}A"
            if values.dtype.kind == "U"
            else {"i": "J", "f": "D"}[values.dtype.kind]
        )
        made.append(fits.Column(name=title, format=kind, array=values, unit=UNITS.get(unit, ascii_text(unit)) or None))
    return fits.BinTableHDU.from_columns(made, name=name)


def ascii_text(text: str) -> str:
    """Text in ASCII, as headers of FITS hold it: without accents, Greek spelled out, all else as its code."""
    plain = "".join(_spelled(letter) for letter in unicodedata.normalize("NFKD", text))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return printable(plain).encode("ascii", "backslashreplace").decode("ascii")


def _spelled(letter: str) -> str:
    """alpha for α, Delta for Δ; any other letter as it is."""
    called = unicodedata.name(letter, "")
    if not called.startswith("GREEK ") or " LETTER " not in called:
        return letter
    word = called.split()[-1].lower()
    return word.capitalize() if "CAPITAL" in called else word
