"""What the names of columns mean: positions, intensities, samples, groups; and headers that stand in a comment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spaxel.readers.parts.axis import is_spectral, parse_cells

ID = re.compile(r"^(|unnamed.*|id|ids|index|nr|no|sample|sample[ _-]?(id|name|no|nr)|name|spectrum|file(name)?)$", re.I)
GROUP = re.compile(
    r"^(class(es)?|label|group|category|cultivar|species|variety|treatment|type|origin|batch|material|diagnosis)s?$",
    re.I,
)
INTENSITY = re.compile(
    r"^(intensit(y|ies)|counts?|absorbance|reflectance|transmittance|signal|value|intens|flux|abundance|i|y|a\.?u\.?)\b",
    re.I,
)
UNIT = re.compile(r"[\[(]\s*([^\])]*)[\])]\s*$|[_\s](um|µm|μm|microns?|mm|cm|nm|px|deg)$", re.I)  # at the end of a name
_WORDS = (
    r"(?:map|pos|position|stage|coord|coords|coordinate|spatial|pixel|px|loc|location|axis|sample|scan|index|no|nr)"
)
_XY = re.compile(rf"^(?:{_WORDS}[ _.-]*)?([xy])(?:[ _.-]*{_WORDS})?$", re.I)
_NAMED = {"x": re.compile(r"^(col|cols|column|columns|lon|longitude|easting)([ _.-]*(index|no|nr|number))?$", re.I),
          "y": re.compile(r"^(row|rows|line|lines|lat|latitude|northing)([ _.-]*(index|no|nr|number))?$", re.I)}  # fmt: skip
_TYPES = {
    "continuous",
    "c",
    "n",
    "numeric",
    "discrete",
    "d",
    "string",
    "s",
    "text",
    "time",
    "t",
}  # of columns of Orange
_FLAGS = {"": "", "class": "class", "c": "class", "meta": "meta", "m": "meta", "ignore": "meta", "i": "meta", "weight": "meta",
          "w": "meta"}  # fmt: skip
_PREFIX = re.compile(r"^([mcwi]?)([CDSTN]?)#(.*)$")
_QUANTITY = re.compile(
    r"conc|fat|protein|moist|water|mass|weight|temp|time|age|dose|ratio|yield|ph$|mg|ml|mol|ppm|ppb|%|g/l|wt|score|octane"
    r"|content|level|amount|min$|sec$|hour|day",
    re.I,
)


def bare(name: str) -> str:
    """A name without its unit and its quotes: 'X (µm)' -> 'X', '#Wave' -> 'Wave'."""
    return UNIT.sub("", name.strip().lstrip("#").strip()).strip()


def unit_of(name: str) -> str:
    """The unit at the end of a name, "" if there is none: 'X (µm)' -> 'µm'."""
    found = UNIT.search(name.strip())
    return (found[1] or found[2] or "").strip() if found else ""


def position_of(name: str) -> str:
    """ "x" or "y" if a column of this name holds a position, else ""."""
    word = bare(name)
    if found := _XY.match(word):
        return found[1].lower()
    return next((axis for axis, pattern in _NAMED.items() if pattern.match(word)), "")


def is_quantity(name: str) -> bool:
    """Whether this is the name of something measured or mixed (a concentration, a time), which is never a position."""
    return _QUANTITY.search(name) is not None


def commented_header(comments: Sequence[str], separator: str, width: int) -> list[str] | None:
    """The cells of a header in the last comment before a table of this width: '#X #Y #Wave #Intensity', '# 400,410,420'.

    A comment is a header if its words are those of a table: axis values that increase or decrease, or names of which each
    is known or begins with # itself. None if it is not.
    """
    if not comments:
        return None
    text = comments[-1].lstrip("#% ")
    for cells in (text.split(None if separator == " " else separator), text.split(), text.split(",")):
        names = [cell.strip().strip("#").strip() for cell in cells]
        if len(names) != width:
            names = [name for name in names if name]
        if len(names) == width and (_is_axis(names) or _are_names(names, comments[-1].count("#"))):
            return names
    return None


def _is_axis(names: list[str]) -> bool:
    parsed = parse_cells(names)
    steps = np.diff(parsed[0]) if parsed else np.array([])
    return len(steps) > 1 and bool((steps > 0).all() or (steps < 0).all())


def _are_names(names: list[str], marks: int) -> bool:
    known = [bool(is_spectral(n) or position_of(n) or INTENSITY.match(n) or ID.match(n)) for n in names]
    numbers = sum(parse_cells([name]) is not None for name in names)
    return marks == len(names) or all(known) or (numbers > 1 and numbers + sum(known) == len(names))


class Orange(NamedTuple):
    """A header of Orange: names, how many rows it takes, and the columns that are "class" or "meta"."""

    names: list[str]
    rows: int
    roles: dict[int, str]


def orange_header(rows: Sequence[Sequence[str]]) -> Orange | None:
    """The header of a table of Orange (names, types, flags; or names such as mS#patient), None if it is none.

    Source: the description of the tab-delimited format in the documentation of Orange, "Loading your data".
    """
    cells = [[cell.strip() for cell in row] for row in rows]
    if len(cells) > 1 and any(cells[1]) and all(c.lower() in _TYPES or not c for c in cells[1]):
        flagged = len(cells) > 2 and all(c.lower() in _FLAGS or "=" in c for c in cells[2])
        flags = [_FLAGS.get(c.lower().split("=")[0], "") for c in cells[2]] if flagged else [""] * len(cells[0])
        texts = [c.lower() in ("string", "s", "text") for c in cells[1]]
        roles = {at: flag or "meta" for at, (flag, text) in enumerate(zip(flags, texts, strict=False)) if flag or text}
        return Orange(cells[0], 3 if flagged else 2, roles)
    found = [_PREFIX.match(cell) for cell in cells[0]]
    if not any(found) or len(cells) < 2:
        return None
    names = [match[3] if match else cell for match, cell in zip(found, cells[0], strict=True)]
    flags = [_FLAGS.get(m[1], "") or ("meta" if m[2] in ("S", "T") else "") if m else "" for m in found]
    return Orange(names, 1, {at: flag for at, flag in enumerate(flags) if flag})
