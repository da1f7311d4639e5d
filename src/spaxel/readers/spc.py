"""Galactic SPC: one spectrum or many, on an even axis, on a list of values, or each on its own (mass spectra).

Source: "Galactic Universal Data Format Specification", Galactic Industries 1997 (SPC.H). Versions 4B and 4C.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.errors import ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.listing import Bytes, Spectra, clean
from spaxel.readers.parts.masses import bin_width, in_bins, mass_table, said_of_bins
from spaxel.readers.parts.reader import Format, Reader

SHORT, MULTI, OWN_X, LISTED_X = (
    0x01,
    0x04,
    0x40,
    0x80,
)  # bits of the first byte: 16-bit, many, each its own x, a list of x
HEAD, SUBHEAD = 512, 32
FLOAT = -128  # exponent that means that the numbers are floats
ORDERS = {0x4B: "<", 0x4C: ">"}
X_UNITS = {1: "1/cm", 2: "um", 3: "nm", 4: "s", 5: "min", 6: "Hz", 7: "kHz", 8: "MHz", 9: "m/z", 10: "ppm", 13: "1/cm",
           14: "eV", 255: "index"}  # fmt: skip
Y_NAMES = {1: "interferogram", 2: "absorbance", 3: "Kubelka-Munk", 4: "counts", 5: "V", 11: "%", 12: "intensity",
           22: "counts", 23: "log(1/R)", 128: "transmission", 129: "reflectance", 130: "arbitrary single beam",
           131: "emission"}  # fmt: skip
Z_UNITS = {4: "s", 5: "min", 0: ""}


def open_spc(
    path: str | Path,
    *,
    bin: float | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
) -> xr.Dataset:
    """The spectra of an SPC file, loaded: a list (n, 1, channel) of float64, or an image where it has planes.

    bin     : width in m/z of the bins of mass spectra that each have masses of their own; 1 if not given
    channel : axis values, a file with them, or "index"     units : of the axis, where the file does not say it
    Names (`sample`) are the positions along z (the times of a chromatogram). Spectra that each have an axis of their own and
    are no mass spectra are brought on that of the first by linear interpolation, aloud.
    Raises ReadError (truncated, an older version), AxisError.
    """
    path = Path(path)
    width = bin_width(bin)
    file, flags = _opened(path)
    n = max(1, file.one("i", 24))
    if n * SUBHEAD > len(file.data):
        raise ReadError(f"{path} is truncated or damaged: it says that it holds {n} spectra. Try to copy it again.")
    unit = X_UNITS.get(file.one("B", 28), "")
    if flags & OWN_X and flags & MULTI:
        found, times = _own_axes(file, n, flags, unit, width)
    else:
        found, times = _one_axis(file, n, flags, unit)
    z = Z_UNITS.get(file.one("B", 30), "")
    found.samples = [f"{time:.6g} {z}".strip() for time in times] if n > 1 else [clean(file.piece(88, 130))]
    found.quantity = Y_NAMES.get(file.one("B", 29), "")
    planes = file.one("i", 316)
    if planes > 1 and n % planes == 0 and n > planes:
        found.values = found.values.reshape(planes, n // planes, -1)
    return found.cube(channel, units)


def _opened(path: Path) -> tuple[Bytes, int]:
    """The file in its order of bytes, and its flags."""
    file = Bytes(path)
    flags, version = file.unpack("BB", 0)
    if version == 0x4D:
        raise ReadError(f"{path} is of the old SPC version 4D, which is not read. Try to save it anew in its program.")
    if version not in ORDERS:
        raise ReadError(f"{path} is no SPC file: its version is {version:#x}. Try reader=… if you know what it is.")
    file.order = ORDERS[version]
    file.piece(0, HEAD)
    return file, flags


def _one_axis(file: Bytes, n: int, flags: int, unit: str) -> tuple[Spectra, list[float]]:
    """Spectra on one axis: even, or a list of values."""
    points, first, last = file.one("i", 4), file.one("d", 8), file.one("d", 16)
    at = HEAD
    if flags & OWN_X:  # a single spectrum with its own axis
        points = file.one("i", HEAD + 16) or points
        axis = file.numbers("f4", points, HEAD + SUBHEAD)
        subhead, at = HEAD, HEAD + SUBHEAD + 4 * points
        only = _values(file, at, points, flags, file.one("b", subhead + 1))
        return Spectra(file.path, only[None], _axis(file, axis, unit)), [0.0]
    if flags & LISTED_X:
        axis, at = file.numbers("f4", points, at), at + 4 * points
    else:
        file.piece(at, points)
        axis = np.linspace(first, last, points)
    size = 2 if flags & SHORT else 4
    file.piece(at, n * (SUBHEAD + size * points))
    values, times = np.empty((n, points)), []
    for i in range(n):
        start = at + i * (SUBHEAD + size * points)
        exponent = file.one("b", start + 1) if flags & MULTI else file.one("b", 3)
        values[i] = _values(file, start + SUBHEAD, points, flags, exponent)
        times.append(file.one("f", start + 4))
    return Spectra(file.path, values, _axis(file, axis, unit)), times


def _own_axes(file: Bytes, n: int, flags: int, unit: str, width: float) -> tuple[Spectra, list[float]]:
    """Spectra that each have an axis of their own, one after the other."""
    at, held, times = HEAD, [], []
    for _ in range(n):
        points, exponent = file.one("i", at + 16), file.one("b", at + 1)
        axis = file.numbers("f4", points, at + SUBHEAD)
        values = _values(file, at + SUBHEAD + 4 * points, points, flags, exponent)
        times.append(file.one("f", at + 4))
        held.append((axis, values))
        size = 4 + (2 if flags & SHORT and exponent != FLOAT else 4)
        at += SUBHEAD + size * points
    if unit == "m/z":
        table, masses = mass_table(file.path, [in_bins(axis, values, width) for axis, values in held], width)
        found = Spectra(file.path, table, masses)
        found.guesses.append(said_of_bins(file.path, width))
        return found, times
    common = held[0][0]
    if not len(common) or not all(len(axis) for axis, _ in held):
        raise ReadError(f"{file.path} holds a spectrum without a single value. Try to copy it again.")
    moved = [_onto(common, axis, values) for axis, values in held]
    found = Spectra(file.path, np.array(moved), _axis(file, common, unit))
    if any(len(axis) != len(common) or (axis != common).any() for axis, _ in held):
        found.guesses.append(
            f"{file.path.name} has an axis of its own for each spectrum; brought them on that of the first by linear "
            "interpolation. Option channel decides what it is called."
        )
    return found, times


def _onto(common: np.ndarray, axis: np.ndarray, values: np.ndarray) -> np.ndarray:
    order = np.argsort(axis, kind="stable")
    return np.interp(common, axis[order], values[order], left=np.nan, right=np.nan)


def _values(file: Bytes, at: int, points: int, flags: int, exponent: int) -> np.ndarray:
    """Floats, or integers times 2 to the exponent less their bits."""
    if exponent == FLOAT:
        return file.numbers("f4", points, at)
    bits = 16 if flags & SHORT else 32
    return np.ldexp(file.numbers(f"i{bits // 8}", points, at), exponent - bits)


def _axis(file: Bytes, values: np.ndarray, unit: str) -> Axis:
    return Axis(values, unit or None, f"the axis of {file.path.name}", "axis")


def _sniff(path: Path, head: bytes) -> bool:
    if len(head) < HEAD or head[1] not in (0x4B, 0x4C, 0x4D):
        return False
    kinds = (head[28] <= 30 or head[28] == 255) and head[30] <= 30 and head[2] <= 20
    return kinds and not any(head[325:HEAD]) and not any(head[56:88])


reader = Reader(
    "spc",
    "a Galactic SPC file",
    (".spc",),
    _sniff,
    open_spc,
    formats=(Format("Galactic SPC", ".spc", "no", "in the file", "-"),),
)
