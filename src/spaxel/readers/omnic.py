"""Thermo (Nicolet) Omnic: a spectrum (.spa) or a group of them (.spg).

Source: what users have found out about the format and written down: the file begins with its kind; at byte 294 there is the
number of entries of a directory that begins at 304, of 16 bytes each: a key (2: header of a spectrum, 3: its values as
float32, 107: its title), position and size. The header holds the number of values (+4), kinds of x and y (+8, +12), first
and last x (+16, +20).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.errors import ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.listing import Bytes, Spectra, clean
from spaxel.readers.parts.reader import Format, Reader

MAGIC = (b"Spectral Data File", b"Spectral Exte File")
HEADER, VALUES, TITLE = 2, 3, 107
DIRECTORY, ENTRY, MOST = 304, 16, 200_000
X_UNITS = {1: "1/cm", 3: "nm", 4: "um", 32: "1/cm"}
Y_NAMES = {11: "reflectance", 12: "log(1/R)", 16: "transmittance", 17: "absorbance", 20: "Kubelka-Munk", 22: "V",
           26: "photoacoustic", 31: "Raman intensity"}  # fmt: skip


def open_omnic(
    path: str | Path, *, channel: str | Sequence[float] | None = None, units: str | None = None
) -> xr.Dataset:
    """The spectra of an Omnic file, loaded, as a list (n, 1, channel) of float64 with their titles as `sample`.

    channel : axis values, a file with them, or "index"     units : of the axis, where the file does not say it
    Raises ReadError: truncated, no spectrum, spectra on different axes.
    """
    path = Path(path)
    file = Bytes(path)
    heads, places, titles = _directory(file)
    axes = [file.unpack("iBxxxBxxxff", at + 4) for at in heads]
    if not axes or len(places) < len(axes):
        raise ReadError(
            f"{path} holds no spectrum, or is damaged: {len(heads)} headers, {len(places)} lists of values."
        )
    n, x_kind, y_kind, first, last = axes[0]
    if any(axis[:2] != axes[0][:2] or not np.allclose(axis[3:], axes[0][3:], rtol=1e-5) for axis in axes[1:]):
        raise ReadError(f"{path} holds spectra on different axes. Try to save them in files of their own.")
    values = np.array([file.numbers("f4", n, at) for at in places[: len(axes)]])
    if not np.isfinite([first, last]).all():
        raise ReadError(f"{path} is damaged: its axis reaches from {first} to {last}. Try to copy it again.")
    found = Spectra(
        path, values, Axis(np.linspace(first, last, n), X_UNITS.get(x_kind), f"the axis of {path.name}", "x")
    )
    found.samples = [clean(file.piece(at, 256)) for at in titles[: len(axes)]] or [clean(file.piece(30, 256))]
    found.quantity = Y_NAMES.get(y_kind, "")
    return found.cube(channel, units)


def _directory(file: Bytes) -> tuple[list[int], list[int], list[int]]:
    """Positions of headers, values and titles."""
    found: dict[int, list[int]] = {HEADER: [], VALUES: [], TITLE: []}
    for i in range(min(file.one("H", 294), MOST)):
        at = DIRECTORY + ENTRY * i
        if at + ENTRY > len(file.data):
            break
        key, position = file.data[at], file.one("i", at + 2)
        if key in found:
            found[key].append(position)
    return found[HEADER], found[VALUES], found[TITLE]


def _sniff(path: Path, head: bytes) -> bool:
    return head.startswith(MAGIC)


reader = Reader(
    "omnic",
    "a file of Thermo Omnic",
    (".spa", ".spg"),
    _sniff,
    open_omnic,
    formats=(Format("Thermo Omnic", ".spa, .spg", "no", "in the file", "-"),),
)
