"""The text header of an ENVI file: where it lies, its fields, its georeference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.errors import NotFound, ReadError
from spaxel.readers.parts.axis import numbers_of_list
from spaxel.readers.parts.ome import pixel_attrs

DATA_SUFFIXES = ("", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".bin", ".sli", ".ref", ".rfl", ".rad", ".hyspex")


def find_pair(path: Path, head: bytes | None = None) -> tuple[Path, Path]:
    """(header, data) of an ENVI cube, from either of the two.

    head : first bytes of `path`, if they are known already
    Raises NotFound if the other half is missing, ReadError if the header is none.
    """
    if head is None:
        with path.open("rb") as file:
            head = file.read(8)
    if is_header(head):
        stem = path.with_suffix("")
        names = [stem] if path.suffix.lower() == ".hdr" else []
        names += [path.with_suffix(s) for s in DATA_SUFFIXES[1:]] + [
            path.with_suffix(s.upper()) for s in DATA_SUFFIXES[1:]
        ]
        found = next((name for name in names if name.is_file() and name != path), None)
        if found is None:
            raise NotFound(
                f"{path} is an ENVI header, and no data lie beside it (looked for {stem.name}, {stem.name}.img …)."
            )
        return path, found
    headers = [path.with_name(path.name + s) for s in (".hdr", ".HDR")]
    if path.suffix.lower() in DATA_SUFFIXES:
        headers += [path.with_suffix(s) for s in (".hdr", ".HDR")]
    for header in headers:
        if header.is_file() and header != path:
            with header.open("rb") as file:
                if is_header(file.read(8)):
                    return header, path
    raise NotFound(f"{path} has no ENVI header beside it. Try to name it {path.name}.hdr.")


def is_header(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an ENVI header."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:4] == b"ENVI"


def read_header(path: Path) -> dict[str, str]:
    """The fields of a header by lower-case name; braces are taken off, line breaks inside them are kept as spaces."""
    if path.stat().st_size > 2**26:
        raise ReadError(
            f"{path} is too large for a header ({path.stat().st_size} bytes). Are header and data exchanged?"
        )
    text = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    text = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(";"))
    fields = {}
    for name, value in _fields(path, text):
        fields[" ".join(name.lower().split())] = value
    return fields


def _fields(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """(name, value) of each field, in one pass: `name = value` on a line, or `name = {value}` over several.

    Raises ReadError for a brace that is never closed.
    """
    at = 0
    while at < len(text):
        line_end = text.find("\n", at)
        line_end = len(text) if line_end < 0 else line_end
        line = text[at:line_end]
        name, equal, value = line.partition("=")
        if not equal or not name.strip() or any(mark in name for mark in "{};"):
            at = line_end + 1
            continue
        if not value.lstrip(" \t").startswith("{"):
            yield name, value.strip()
            at = line_end + 1
            continue
        begin = text.index("{", at) + 1
        end = text.find("}", begin)
        if end < 0:
            raise ReadError(
                f"{path} is truncated: the brace of {name.strip()!r} is never closed. Try to copy it again."
            )
        yield name, " ".join(text[begin:end].split())
        line_end = text.find("\n", end)
        at = len(text) if line_end < 0 else line_end + 1


def integer(
    path: Path, header: dict[str, str], name: str, *, default: int | None = None, low: int | None = None
) -> int:
    """A field as an integer; ReadError if it is missing without a default, no integer, or smaller than `low`."""
    text = header.get(name, "" if default is None else str(default))
    try:
        value = int(text)
    except ValueError as error:
        said = f"{name} = {text!r}, which is no integer" if text else f"no field {name!r}"
        raise ReadError(f"{path} has {said}. Try to correct the header.") from error
    if low is not None and value < low:
        raise ReadError(f"{path} has {name} = {value}, and at least {low} is needed. Try to correct the header.")
    return value


def numbers(path: Path, header: dict[str, str], name: str) -> np.ndarray:
    """A field as a row of floats, empty if it is missing; ReadError if one of its entries is no number."""
    try:
        return numbers_of_list(header.get(name, ""))
    except ValueError as error:
        raise ReadError(f"{path}: {name} holds something else than numbers: {error}. Try to correct it.") from error


def pixel_size(header: dict[str, str]) -> dict[str, Any]:
    """pixel_size [y, x] and pixel_units by `pixel size` or `map info`, as far as there; the unit is metres unless said."""
    for key, at in (("pixel size", 0), ("map info", 5)):
        parts = [part.strip() for part in header.get(key, "").strip("{} ").split(",")]
        if len(parts) < at + 2:
            continue
        units = next((p.partition("=")[2].strip().lower() for p in parts if p.lower().startswith("units")), "")
        if not units and parts[0].lower().startswith("geographic"):
            units = "degree"
        name = {"meters": "m", "metres": "m", "": "m", "degrees": "degree", "millimeters": "mm"}.get(units, units)
        if parts[0].lower().startswith("arbitrary") and not units:
            continue
        if found := pixel_attrs([parts[at + 1], parts[at]], [name, name]):
            return found
    return {}


def georeference(header: dict[str, str]) -> dict[str, Any]:
    """What a header says of the place: map_info (text), transform (6 floats in GDAL order), crs (WKT or EPSG code), and
    pixel_size with pixel_units.

    transform is left out if the image is rotated or has no coordinates of its own.
    """
    found: dict[str, Any] = pixel_size(header)
    if wkt := header.get("coordinate system string"):
        found["crs"] = wkt
    if "map info" not in header:
        return found
    found["map_info"] = header["map info"]
    parts = [part.strip() for part in header["map info"].split(",")]
    try:
        column, row, easting, northing, width, height = (float(part) for part in parts[1:7])
    except ValueError:
        return found
    rotation = [p for p in parts if re.match(r"rotation\s*=\s*-?0*[1-9.]", p.lower()) and float(p.split("=")[1]) != 0]
    if rotation or parts[0].lower().startswith("arbitrary"):
        return found
    found["transform"] = [easting - (column - 1) * width, width, 0.0, northing + (row - 1) * height, 0.0, -height]
    if "crs" not in found and (crs := _epsg(parts)):
        found["crs"] = crs
    return found


def _epsg(parts: list[str]) -> str | None:
    lower = [part.lower() for part in parts]
    if not any(part in ("wgs-84", "wgs84", "wgs 84") for part in lower):
        return None
    if lower[0].startswith("geographic"):
        return "EPSG:4326"
    if lower[0] == "utm" and len(parts) > 8 and parts[7].isdigit() and lower[8] in ("north", "south"):
        return f"EPSG:{326 if lower[8] == 'north' else 327}{int(parts[7]):02d}"
    return None
