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
    r"(^|[_\W])(wave|lambda|lam($|[_\W])|wl|wn|wvl|raman|shift|energ|kev|ev|nm|cm_?-?1|spectral_?axis|channel_?axis|freq"
    r"|list_cw|central_?w)|wavelen|wave_?number|photon_?energ|(band|channel)_?cent|EnergyAxis",
    re.I,
)
_TOLD = (  # a unit that the name itself states
    (re.compile(r"(^|[_\W])nm($|[_\W])|nanomet|list_cw", re.I), "nm"),
    (re.compile(r"(^|[_\W])(um|microns?)($|[_\W])|micromet", re.I), "um"),
    (re.compile(r"angstrom", re.I), "Angstrom"),
    (re.compile(r"cm_?\^?-?1|1/cm|wave_?number|raman|shift|(^|_)wn($|_)", re.I), "1/cm"),
    (re.compile(r"kev", re.I), "keV"),
    (re.compile(r"(^|[_\W])ev($|[_\W])", re.I), "eV"),
    (re.compile(r"(^|[_\W])thz($|[_\W])", re.I), "THz"),
    (re.compile(r"(^|[_\W])ghz($|[_\W])", re.I), "GHz"),
)
_RANGES = ((0.2, 30.0, "um"), (150.0, 3200.0, "nm"), (3200.0, 32000.0, "Angstrom"))  # of wavelengths without a unit
_OPTICAL = 1e-4  # below this, metres are those of light and are shown in nm
_DOUBLED = 0.75  # this share of the values of an axis has to differ, else the list is no axis


class Axis(NamedTuple):
    """Axis values, their unit (None: not known), origin in words, name, what was guessed, and why it is none ('' if it is)."""

    values: np.ndarray
    units: str | None
    origin: str
    name: str
    guesses: tuple[str, ...] = ()
    fault: str = ""


def is_spectral(name: str) -> bool:
    """Whether a variable of this name is a spectral axis (wavelengths, lambda_x, raman_shift_cm1, energy)."""
    return _SPECTRAL.search(name.replace("/", "_")) is not None


def fault_of(values: np.ndarray) -> str:
    """Why numbers cannot be an axis, '' if they can: flags of 0 and 1, a list that repeats itself, NaN, no order.

    >>> fault_of(np.array([1.0, 0.0, 1.0, 1.0]))
    'it holds 2 different values for 4 channels'
    >>> fault_of(np.array([400.0, 410.0, 405.0, 420.0]))
    ''
    """
    if not np.isfinite(values).all():
        return "it holds NaN or infinite values"
    n, different = len(values), len(np.unique(values))
    if n > 1 and (different < _DOUBLED * n or (n > 2 and different == 2)):
        return f"it holds {different} different value{'s' if different > 1 else ''} for {n} channels"
    steps = np.diff(values)
    if n >= 20 and min((steps > 0).sum(), (steps < 0).sum()) > n / 4:
        return "it goes up and down all along"
    return ""


def in_order(axis: Axis) -> Axis:
    """The axis, its doubled values moved apart, with what was done as a guess; the cube sorts the channels by it.

    Two detectors that overlap (VNIR and SWIR) give values that turn back, and the same value twice. Every channel is kept: the
    k-th of n equal values moves up by k / n of the smallest step.
    """
    values = np.asarray(axis.values, dtype=float)
    steps = np.diff(values)
    if len(values) < 2 or (steps > 0).all() or (steps < 0).all():
        return axis
    _, first, counts = np.unique(values, return_inverse=True, return_counts=True)
    doubled, smallest = int((counts > 1).sum()), float(np.diff(np.unique(values)).min())
    seen, moved = np.zeros(len(counts), int), values.copy()
    for at, group in enumerate(first):
        moved[at] += smallest * seen[group] / counts[group]
        seen[group] += 1
    twice = f", and {doubled} of them occur{'s' if doubled == 1 else ''} more than once: moved apart" if doubled else ""
    words = f"The values of {axis.origin} are not in order (as where two detectors overlap); sorted{twice}."
    return axis._replace(values=moved, guesses=(*axis.guesses, f"{words} Option channel decides."))


def units_of(name: str, values: np.ndarray) -> tuple[str, bool]:
    """The unit of an axis from its name and else from its range: (unit, whether the name says it)."""
    for pattern, units in _TOLD:
        if pattern.search(name):
            return units, True
    if re.search("energ", name, re.I):  # no spectrum of X-ray fluorescence starts at 60 keV
        return "keV" if values.max() < 200 and values.min() < 60 else "eV", False
    inside = [u for low, high, u in _RANGES if low <= values.min() and values.max() <= high]
    return (inside[0] if inside else "index"), False


def settle_units(axis: Axis, units: str | None) -> Axis:
    """The axis with its unit: the option, else what the file says, else the name, else a guess from the range.

    units : what the user gave, or None
    """
    if units is not None:
        return axis._replace(units=canonical_units(units))
    if axis.units and canonical_units(axis.units) != "index":
        return _in_nm(axis._replace(units=canonical_units(axis.units)))
    found, told = units_of(axis.name, axis.values)
    if told:
        return axis._replace(units=found)
    low, high = axis.values.min(), axis.values.max()
    took = f"took {found} from its range {low:g} to {high:g}" if found != "index" else "kept the numbers without a unit"
    sentence = f"{axis.origin} has no unit; {took}. Option units decides."
    return axis._replace(units=found, guesses=(*axis.guesses, sentence))


def _in_nm(axis: Axis) -> Axis:
    """Wavelengths of light in metres as nm; others stay in metres."""
    if axis.units != "m" or not 0 < np.abs(axis.values).max() < _OPTICAL:
        return axis
    return axis._replace(values=axis.values * 1e9, units="nm")


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


def numbers_of_list(text: str, n: int | None = None) -> np.ndarray:
    """The numbers of a list in a header, also with decimal commas: '400,5; 410,5' or '400,5, 410,5' are two numbers.

    n : how many there should be, if it is known: it decides whether a comma is decimal or stands between two numbers
    Raises ValueError if something is no number.

    >>> numbers_of_list("400,50; 405,25").tolist(), numbers_of_list("400,405, 410", 3).tolist()
    ([400.5, 405.25], [400.0, 405.0, 410.0])
    """
    text = text.strip(" ,;\t\n")
    with_commas = "." not in text and re.search(r"\d,\d", text) is not None
    if with_commas:
        cells = [cell for cell in re.split(r";\s*|,\s+|\s+", text) if cell]
        apart = [part for part in re.split(r"[,;\s]+", text) if part]
        decimal = len(cells) > 1 and all(re.fullmatch(NUMBER, cell) for cell in cells)
        if decimal and (len(cells) == n or (";" in text and len(apart) != n)):
            return np.array([float(cell.replace(",", ".")) for cell in cells])
    return np.array([float(part) for part in re.split(r"[,;\s]+", text) if part])
