"""Files of one band each: their order, and the wavelengths in their names."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import numpy as np

from spaxel.readers.parts.axis import Axis

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_UNIT = re.compile(r"(\d+(?:[.,p]\d+)?)[ _-]?(nm|um|cm-1|eV|keV)(?![A-Za-z])", re.IGNORECASE)
_LOW, _HIGH = 200, 20_000  # numbers without a unit that can be wavelengths in nm


def natural_key(name: str) -> list[tuple[int, float, str]]:
    """What to sort names by, so that band_10 comes after band_9."""
    parts = re.split(r"(\d+)", name.lower())
    return [(0, float(part), "") if part.isdigit() else (1, 0.0, part) for part in parts if part]


def axis_of_files(stems: Sequence[str], folder: str) -> Axis | None:
    """The spectral axis in the names of files: numbers with a unit, else the one number that differs, if it is no count.

    stems : names without suffix, in their order     Without a unit, only numbers from 200 to 20,000 that are not simply
    counted are taken, and the unit is guessed from them (see settle_units).
    """
    origin = f"the names of the files in {folder}"
    with_unit = [_UNIT.findall(stem) for stem in stems]
    if all(len(found) == 1 for found in with_unit) and len({found[0][1].lower() for found in with_unit}) == 1:
        values = np.array([float(re.sub("[,p]", ".", found[0][0])) for found in with_unit])
        return Axis(values, with_unit[0][0][1], origin, "wavelength") if _differ(values) else None
    start = os.path.commonprefix(list(stems))  # noqa: RUF071  by letters, as meant
    start = start[: len(start.rstrip("0123456789."))]
    numbers = [_NUMBER.findall(stem[len(start) :]) for stem in stems]
    if not stems or any(not found for found in numbers):
        return None
    values = np.array([float(found[0]) for found in numbers])
    counted = np.array_equal(np.sort(values) - values.min(), np.arange(len(values)))
    if counted or not _differ(values) or values.min() < _LOW or values.max() > _HIGH:
        return None
    return Axis(values, None, origin, "wavelength")


def _differ(values: np.ndarray) -> bool:
    return len(np.unique(values)) == len(values)
