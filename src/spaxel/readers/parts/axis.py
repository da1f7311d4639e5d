"""The spectral axis as files tell it: by name, unit, or text like "850 nm"; and what is guessed where they do not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spaxel.cube import canonical_units

NUMBER = r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?"
_CELL = re.compile(rf"^\s*({NUMBER})\s*([^\d\s.,;].*)?$")
_SPECTRAL = re.compile(
    r"(^|[_\W])(wave|lambda|wl|wn|wvl|raman|shift|energ|kev|ev|nm|cm_?-?1|spectral_?axis|channel_?axis|freq)", re.I
)
_TOLD = (  # a unit that the name itself states
    (re.compile(r"(^|[_\W])nm($|[_\W])|nanomet", re.I), "nm"),
    (re.compile(r"(^|[_\W])(um|microns?)($|[_\W])|micromet", re.I), "um"),
    (re.compile(r"angstrom", re.I), "Angstrom"),
    (re.compile(r"cm_?\^?-?1|1/cm|wave_?number|raman|shift|(^|_)wn($|_)", re.I), "1/cm"),
    (re.compile(r"kev", re.I), "keV"),
    (re.compile(r"(^|[_\W])ev($|[_\W])", re.I), "eV"),
)
_RANGES = ((0.2, 30.0, "um"), (150.0, 3200.0, "nm"), (3200.0, 32000.0, "Angstrom"))  # of wavelengths without a unit


class Axis(NamedTuple):
    """Axis values, their unit (None: not known), their origin in words, their name, and what was guessed."""

    values: np.ndarray
    units: str | None
    origin: str
    name: str
    guesses: tuple[str, ...] = ()


def is_spectral(name: str) -> bool:
    """Whether a variable of this name is a spectral axis (wavelengths, lambda_x, raman_shift_cm1, energy)."""
    return _SPECTRAL.search(name.replace("/", "_")) is not None


def units_of(name: str, values: np.ndarray) -> tuple[str, bool]:
    """The unit of an axis from its name and else from its range: (unit, whether the name says it)."""
    for pattern, units in _TOLD:
        if pattern.search(name):
            return units, True
    if re.search("energ", name, re.I):
        return "keV" if values.max() < 200 else "eV", False
    inside = [u for low, high, u in _RANGES if low <= values.min() and values.max() <= high]
    return (inside[0] if inside else "index"), False


def settle_units(axis: Axis, units: str | None) -> Axis:
    """The axis with its unit: the option, else what the file says, else the name, else a guess from the range.

    units : what the user gave, or None
    """
    if units is not None:
        return axis._replace(units=canonical_units(units))
    if axis.units and canonical_units(axis.units) != "index":
        return axis._replace(units=canonical_units(axis.units))
    found, told = units_of(axis.name, axis.values)
    if told:
        return axis._replace(units=found)
    low, high = axis.values.min(), axis.values.max()
    took = f"took {found} from its range {low:g} to {high:g}" if found != "index" else "kept the numbers without a unit"
    sentence = f"{axis.origin} has no unit; {took}. Option units decides."
    return axis._replace(units=found, guesses=(*axis.guesses, sentence))


def parse_cells(cells: Sequence[str]) -> tuple[np.ndarray, str | None] | None:
    """Axis values from texts like '850', '850 nm', '1,25 µm': (values, unit or None), or None."""
    found = [_CELL.match(str(cell)) for cell in cells]
    if not found or any(match is None for match in found):
        return None
    values = np.array([float(match[1].replace(",", ".")) for match in found if match])
    units = {(match[2] or "").strip() for match in found if match}
    if len(units) > 1:
        return None
    return values, units.pop() or None


def numbers_in(text: str) -> np.ndarray:
    """All numbers of a text file that holds nothing but an axis, separated by anything but a decimal point."""
    return np.array([float(word) for word in re.split(r"[\s;,\t]+", text.strip()) if word], dtype=float)
