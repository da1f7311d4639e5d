"""JCAMP-DX: one spectrum, or several in one file.

Source: McDonald & Wilks, Appl. Spectrosc. 42 (1988) 151, doi:10.1366/0003702884428734 (JCAMP-DX 4.24), with its squeezed forms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import canonical_units
from spaxel.errors import ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.listing import Spectra
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.squeezed import unsqueezed
from spaxel.readers.parts.text_lines import decode

_UNITS = {"1/cm": "1/cm", "nanometers": "nm", "micrometers": "um", "m/z": "m/z", "seconds": "s"}
_LABEL = re.compile(r"^\s*##([^=]*)=(.*)$")
_DATA = ("XYDATA", "XYPOINTS", "PEAKTABLE")


def open_jcamp(
    path: str | Path,
    *,
    dataset: int | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
) -> xr.Dataset:
    """The spectra of a JCAMP-DX file, loaded, as a list (n, 1, channel) with their titles as `sample`.

    dataset : number of a spectrum, if those of the file lie on different axes
    channel : axis values, a file with them, or "index"     units : of the axis, where the file does not say it
    Raises ReadError: truncated (fewer values than promised, a check that fails, no end), NTUPLES (which are not read), spectra
    on different axes.
    """
    path = Path(path)
    blocks = _blocks(path)
    if dataset is not None:
        if not 0 <= int(dataset) < len(blocks):
            raise ReadError(f"{path} holds {len(blocks)} spectra. Try dataset=0 to {len(blocks) - 1}.")
        blocks = [blocks[int(dataset)]]
    read = [_spectrum(path, block) for block in blocks]
    x = read[0][0]
    if any(len(other) != len(x) or not np.allclose(other, x, rtol=1e-6) for other, _ in read):
        raise ReadError(f"{path} holds {len(blocks)} spectra on different axes. Try dataset=0 to {len(blocks) - 1}.")
    unit = blocks[0].get("XUNITS", "").strip()
    unit = _UNITS.get(unit.lower(), canonical_units(unit))
    found = Spectra(path, np.array([y for _, y in read]), Axis(x, unit or None, f"the axis of {path.name}", "axis"))
    found.samples = [block.get("TITLE", "").strip() for block in blocks]
    found.quantity = blocks[0].get("YUNITS", "").strip().lower()
    return found.cube(channel, units)


def _blocks(path: Path) -> list[dict[str, Any]]:
    """The blocks that hold a spectrum: label -> value, and the lines of the data under "lines"."""
    found: list[dict[str, Any]] = []
    open_: list[dict[str, Any]] = []
    for line in decode(path.read_bytes()).splitlines():
        text = line.split("$$")[0].rstrip()
        label = _LABEL.match(text)
        name = re.sub(r"[\s\-_/]", "", label[1]).upper() if label else ""
        if name == "TITLE":
            open_.append({"lines": [], "name": ""})
        if not open_:
            continue
        block = open_[-1]
        if name == "END":
            found += [block] if block["lines"] else []
            open_.pop()
        elif label:
            block[name] = label[2].strip()
            block["name"] = name
        elif block["name"] in _DATA and text.strip():
            block["lines"].append(text)
            block["kind"] = block["name"]
    if open_:
        raise ReadError(f"{path} is truncated: a block begins and has no ##END. Try to copy it again.")
    if not found:
        raise ReadError(f"{path} holds no spectrum. Does it hold NTUPLES? They are not read. Or is it incomplete?")
    return found


def _spectrum(path: Path, block: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of a block."""
    factor = [_number(path, block, name, 1.0) for name in ("XFACTOR", "YFACTOR")]
    if block["kind"] != "XYDATA" or "XY..XY" in block["XYDATA"].upper():
        cells = [word for line in block["lines"] for word in re.split(r"[,;\s]+", line) if word]
        values = _floats(path, cells)
        if len(values) % 2:
            raise ReadError(f"{path} is truncated: a pair of x and y is not complete. Try to copy it again.")
        return values[::2] * factor[0], values[1::2] * factor[1]
    y = unsqueezed(path, block["lines"]) * factor[1]
    n = _number(path, block, "NPOINTS", float(len(y)))
    if n != len(y):
        raise ReadError(f"{path} is truncated or damaged: {n:g} values are promised, and {len(y)} are there.")
    first = _number(path, block, "FIRSTX", None)
    last = _number(path, block, "LASTX", None)
    return np.linspace(first, last, len(y)), y


def _number(path: Path, block: dict[str, Any], name: str, default: float | None) -> float:
    if name not in block and default is not None:
        return default
    return float(_floats(path, [block.get(name, "").replace(",", ".")])[0])


def _floats(path: Path, cells: Sequence[str]) -> np.ndarray:
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError as error:
        raise ReadError(f"{path} holds something else than a number: {error}. Try to correct it.") from error
    if not np.isfinite(values).all():
        raise ReadError(f"{path} holds a number that is not finite. Try to correct it.")
    return values


def _sniff(path: Path, head: bytes) -> bool:
    text = re.sub(rb"^(\s|\$\$[^\n]*\n|\xef\xbb\xbf)*", b"", head)
    return text[:8].upper().startswith(b"##TITLE") or text[:9].upper().startswith(b"##JCAMP")


reader = Reader(
    "jcamp",
    "a JCAMP-DX file",
    (".jdx", ".dx", ".jcm"),
    _sniff,
    open_jcamp,
    formats=(Format("JCAMP-DX", ".jdx, .dx, .jcm", "no", "in the file", "-"),),
)
