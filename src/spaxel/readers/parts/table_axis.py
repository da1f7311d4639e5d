"""The unit of an axis in a text table: what its comments say, and what files of its kind are like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spaxel.cube import canonical_units
from spaxel.readers.parts.axis import Axis, units_of
from spaxel.readers.parts.table_names import bare

_LABSPEC = re.compile(r"^[#%\s]*AxisUnit\[(\d+)\]\s*=\s*(\S+)", re.I)
_WORDS = (
    (re.compile(r"raman|wave ?numbers?|cm[ _]?[-^*]*1|1/cm", re.I), "1/cm"),
    (re.compile(r"nanomet|\bnm\b", re.I), "nm"),
    (re.compile(r"\bkev\b", re.I), "keV"),
)
_FILE = re.compile(r"raman|(^|[^a-z])(ft[-_]?ir|atr)([^a-z]|$)", re.I)
_WIRE = "wave"  # the name that Renishaw's WiRE writes above an axis, whatever it is


class UnitGuess(NamedTuple):
    """A unit, and the sentence that says why."""

    units: str
    sentence: str


def told_units(comments: Sequence[str]) -> str:
    """The unit that the comments of a table say: of LabSpec's AxisUnit[1], else the only one that they name; "" for none."""
    for comment in comments:
        if (found := _LABSPEC.match(comment)) and found[1] == "1":
            return canonical_units(found[2])
    text = "\n".join(comment for comment in comments if not _LABSPEC.match(comment))
    named = [units for pattern, units in _WORDS if pattern.search(text)]
    return named[0] if len(named) == 1 else ""


def pixel_units(comments: Sequence[str]) -> str:
    """The unit of positions that LabSpec writes in its comments, "" for none."""
    found = [m for comment in comments if (m := _LABSPEC.match(comment)) and int(m[1]) > 1]
    return found[0][2] if found else ""


def guess_units(name: str, axis: Axis, *, blank: bool = False, mapped: str | None = None) -> UnitGuess | None:
    """1/cm for axes that are most likely Raman shifts or wavenumbers; None for all others, which `settle_units` looks at.

    Such an axis has no unit in its name, lies within 50 to 15000, and decreases in the file (wavelengths hardly ever do),
    or stands under two columns without a name (LabSpec) or under the name Wave (WiRE), or the file is called after Raman or
    infrared, or the range is none of wavelengths: from below 800 to above 2600; in maps also below 350, and in those of a
    microscope (positions in um) above 1200. mapped : the unit of the positions of a map, "" if not known; None for a list
    """
    values = axis.values[np.isfinite(axis.values)]
    if len(values) < 2 or units_of(axis.name, values)[1] or not 50 <= values.min() < values.max() <= 15000:
        return None
    whole = bool((values == np.round(values)).all()) and values.min() < 50
    why = ""
    if blank and values.max() <= 4500:
        why = "as text maps of Raman microscopes have no names above their positions"
    elif bare(axis.name).lower() == _WIRE and values.max() <= 4500:
        why = "as Raman microscopes export their shifts under this name"
    elif (np.diff(values) < 0).all() and not whole:
        why = "since it decreases, as wavenumbers do in files"
    elif _FILE.search(name):
        why = "from the name of the file"
    elif (values.min() < 800 and 2600 < values.max() <= 4500) or (values.min() < 3200 < values.max() <= 4500):
        why = "from its range"
    elif mapped is not None and values.max() <= 4500 and (values.min() < 350 or (mapped and values.max() > 1200)):
        why = "from its range, in a map of a microscope" if mapped else "from its range, in a map"
    if not why:
        return None
    low, high = values.min(), values.max()
    return UnitGuess(
        "1/cm", f"{axis.origin} has no unit; took 1/cm ({low:g} to {high:g}), {why}. Option units decides."
    )
