"""Bruker OPUS: a spectrum, or a series of them.

Source: the layout that the documentation of the package brukeropus describes. A header (4 bytes, version as double, then int32:
where the directory is, how many entries it can hold, how many it holds), a directory of entries of three int32 (type, size in
words of 4 bytes, place), and blocks. The bits of a type: 2-3 sample, reference or ratio; 4-9 kind of parameters, 0 for data;
10-16 kind of data; 19-21 form of the block. Parameters are a name of three letters, type and size (int16 each), value.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.errors import NotFound, ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.listing import Bytes, Spectra
from spaxel.readers.parts.reader import Format, Reader

MAGIC = b"\n\n\xfe\xfe"
KINDS = {4: "a", 5: "t", 12: "r", 10: "ra", 6: "km", 11: "e", 15: "logr", 16: "atr", 17: "pas", 14: "pw", 1: "sm"}
NAMES = {"a": "absorbance", "t": "transmittance", "r": "reflectance", "ra": "Raman", "km": "Kubelka-Munk", "e": "emission",
         "logr": "log(1/R)", "atr": "ATR", "pas": "photoacoustic", "pw": "power", "sm": "single channel",
         "rf": "single channel, reference"}  # fmt: skip
UNITS = {"WN": "1/cm", "MI": "um", "MIN": "min"}
REFERENCE, STATUS, SERIES = 2, 1, 2  # values of the bits of a type
MOST = 4096  # entries of a directory


class Block(NamedTuple):
    """An entry of the directory: the bits of its type, where it lies and how many bytes it has."""

    channel: int
    source: int
    parameters: int
    kind: int
    form: int
    at: int
    size: int

    @property
    def same(self) -> tuple[int, ...]:
        """What a block of data and the one of its parameters have in common."""
        return self.channel, self.source, self.kind, self.form

    @property
    def key(self) -> str:
        """What the data are called: a, t, r … sm, rf; "" if they are no spectrum."""
        key = KINDS.get(self.kind % 32, "")
        return "rf" if key == "sm" and self.source == REFERENCE else key


def open_opus(
    path: str | Path,
    *,
    dataset: str | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
) -> xr.Dataset:
    """The spectrum of an OPUS file, or a series of them (n, 1, channel), as float64, loaded.

    dataset : which: a (absorbance), t (transmittance), r (reflectance), ra (Raman), km, e, logr, atr, pas, pw, sm (single
              channel), rf (its reference); else the first of these that the file holds
    channel : axis values, a file with them, or "index"     units : of the axis, where the file does not say it
    Raises NotFound, ReadError: truncated, no spectrum.
    """
    path = Path(path)
    file = Bytes(path)
    blocks = _blocks(file)
    held: dict[str, tuple[Block, dict[str, Any]]] = {}
    for block in blocks:
        status = [b for b in blocks if b.parameters == STATUS and b.same == block.same]
        if not block.parameters and block.key and status:
            held.setdefault(block.key, (block, _parameters(file, status[0])))
    if dataset is not None and dataset not in held:
        raise NotFound(f"{path} holds no {dataset!r}. It holds: {', '.join(held) or 'no spectrum'}.")
    taken = dataset or next((key for key in NAMES if key in held), None)
    if taken is None:
        raise ReadError(f"{path} holds no spectrum, or is truncated. Try to copy it again.")
    values, axis = _values(file, *held[taken])
    found = Spectra(path, values, axis)
    named = [
        value for b in blocks if b.parameters > 1 for k, value in _parameters(file, b).items() if k == "SNM" and value
    ]
    found.samples = [str(named[0]) if named else path.stem] if len(values) == 1 else []
    found.quantity = NAMES[taken]
    if len(held) > 1:
        found.notes.append(f"the file holds {', '.join(held)}; took {taken} (option dataset decides)")
    return found.cube(channel, units)


def _blocks(file: Bytes) -> list[Block]:
    """The entries of the directory."""
    start, most, n = file.unpack("3i", 12)
    found = []
    for i in range(min(max(most, n), MOST)):
        if start + 12 * (i + 1) > len(file.data):
            break
        kind, words, at = file.unpack("3i", start + 12 * i)
        if at <= 0:
            break
        bits = (kind & 3, kind >> 2 & 3, kind >> 4 & 63, kind >> 10 & 127, kind >> 19 & 7)
        found.append(Block(*bits, at, words * 4))
    return found


def _parameters(file: Bytes, block: Block) -> dict[str, Any]:
    """The parameters of a block by their names: integers, floats and texts."""
    data, at, found = file.piece(block.at, block.size), 0, {}
    while at + 8 <= len(data) and data[at : at + 3] != b"END":
        kind, words = struct.unpack_from("<hH", data, at + 4)
        value = data[at + 8 : at + 8 + 2 * words]
        name = data[at : at + 3].decode("latin-1")
        if kind == 0 and len(value) >= 4:
            found[name] = struct.unpack_from("<i", value)[0]
        elif kind == 1 and len(value) >= 8:
            found[name] = struct.unpack_from("<d", value)[0]
        elif kind > 1:
            found[name] = value.split(b"\0")[0].decode("latin-1").strip()
        at += 8 + 2 * words
    return found


def _values(file: Bytes, block: Block, said: dict[str, Any]) -> tuple[np.ndarray, Axis]:
    """(spectra (n, channel), axis) of a block of data. said : NPT, FXV, LXV, CSF, DXU, DPF of its parameters"""
    missing = [name for name in ("NPT", "FXV", "LXV") if not isinstance(said.get(name), int | float)]
    if missing or not 0 < said["NPT"] <= len(file.data) or not np.isfinite([said["FXV"], said["LXV"]]).all():
        raise ReadError(f"{file.path} is damaged: its spectrum has no {', '.join(missing) or 'sound axis'}.")
    n, kind = int(said["NPT"]), "i4" if said.get("DPF") == 2 else "f4"
    scale = said["CSF"] if isinstance(said.get("CSF"), float) else 1.0
    if block.form == SERIES:
        spectra, offset, size, info = file.unpack("4i", block.at + 4)
        if spectra < 1 or size < 4 * n or info < 0 or spectra * 4 > len(file.data):
            raise ReadError(f"{file.path} is damaged: a series of {spectra} spectra. Try to copy it again.")
        starts = [block.at + offset + i * (size + info) for i in range(spectra)]
    else:
        starts = [block.at + max(0, block.size - 4 * n) * (block.form == 4)]
    values = np.array([file.numbers(kind, n, start) for start in starts]) * scale
    unit = UNITS.get(str(said.get("DXU", "")))
    return values, Axis(np.linspace(said["FXV"], said["LXV"], n), unit, f"the axis of {file.path.name}", "axis")


def _sniff(path: Path, head: bytes) -> bool:
    return head.startswith(MAGIC)


reader = Reader(
    "opus",
    "a file of Bruker OPUS",
    (".0", ".opus"),
    _sniff,
    open_opus,
    formats=(Format("Bruker OPUS", ".0, .1 …", "no", "in the file", "-"),),
)
