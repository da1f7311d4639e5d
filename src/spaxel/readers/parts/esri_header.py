"""The text header of an ESRI raster: words and their values, one pair a line; where it lies, and where the image lies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from spaxel.errors import NotFound, ReadError

DATA_SUFFIXES = (".bil", ".bip", ".bsq", ".img", ".dat", ".raw", ".bin")
_LARGEST = 2**24  # bytes of a header
_WORDS = (rb"NROWS", rb"NCOLS", rb"NBANDS|LAYOUT|NBITS|BYTEORDER")


def is_header(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an ESRI header: its words stand at the beginning of lines."""
    if b"\0" in head:
        return False
    return all(re.search(rb"(?mi)^[ \t]*(?:" + word + rb")[ \t]+\S", head) for word in _WORDS)


def find_pair(path: Path, head: bytes | None = None) -> tuple[Path, Path]:
    """(header, data) of an ESRI raster, from either of the two. Raises NotFound if one is missing."""
    if is_header(_start(path) if head is None else head):
        names = [path.with_suffix(s) for suffix in DATA_SUFFIXES for s in (suffix, suffix.upper())]
        found = next((name for name in names if name.is_file() and name != path), None)
        if found is None:
            raise NotFound(f"{path} is an ESRI header, and no data lie beside it (looked for {path.stem}.bil …).")
        return path, found
    if path.suffix.lower() in DATA_SUFFIXES:
        for header in [path.with_suffix(s) for s in (".hdr", ".HDR")] + [path.with_name(path.name + ".hdr")]:
            if header.is_file() and header != path and is_header(_start(header)):
                return header, path
    raise NotFound(f"{path} has no ESRI header beside it. Try to name it {path.stem}.hdr.")


def read_header(path: Path) -> dict[str, str]:
    """The values by upper-case word; the lines between WAVELENGTHS and WAVELENGTHS_END as one text."""
    if path.stat().st_size > _LARGEST:
        raise ReadError(f"{path} is too large for a header. Are header and data exchanged?")
    fields: dict[str, str] = {}
    inside: list[str] | None = None
    for line in path.read_bytes().decode("utf-8-sig", "replace").splitlines():
        word, _, value = line.strip().partition(" ") if "\t" not in line.strip() else line.strip().partition("\t")
        if word.upper() == "WAVELENGTHS_END":
            fields["WAVELENGTHS"], inside = " ".join(inside or []), None
        elif inside is not None:
            inside += line.replace(",", " ").split()
        elif word.upper() == "WAVELENGTHS":
            inside = value.replace(",", " ").split()
        elif word:
            fields.setdefault(word.upper(), value.strip())
    if inside is not None:
        fields["WAVELENGTHS"] = " ".join(inside)
    return fields


def whole(path: Path, header: dict[str, str], name: str, *, default: int | None = None, low: int | None = None) -> int:
    """A value as a whole number; ReadError if it is missing without a default, no whole number, or smaller than `low`."""
    text = header.get(name, "" if default is None else str(default))
    try:
        value = int(text)
    except ValueError as error:
        said = f"{name} {text!r}, which is no whole number" if text else f"no {name}"
        raise ReadError(f"{path} has {said}. Try to correct the header.") from error
    if low is not None and value < low:
        raise ReadError(f"{path} has {name} {value}, and at least {low} is needed. Try to correct the header.")
    return value


def place(header: dict[str, str]) -> dict[str, Any]:
    """`transform` (six numbers, as GDAL orders them) from the centre of the first pixel and the sides of a pixel."""
    try:
        x, y, width, height = (float(header[name]) for name in ("ULXMAP", "ULYMAP", "XDIM", "YDIM"))
    except (KeyError, ValueError):
        return {}
    return {"transform": [x - width / 2, width, 0.0, y + height / 2, 0.0, -height]}


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2880)
