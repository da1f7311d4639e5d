"""Quality arrays beside a cube: whether 1 means "use" or "bad", said by their names and values, and how they are laid on.

A reader hands them to `make_cube` among `beside`, by `flagged`, in the order of the file; the door lays them on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import note, note_guess
from spaxel.readers.parts.physical import set_missing

FLAGS = "stored_flags"  # variables whose names begin so are quality arrays: True where a value is not to be used
_USE = re.compile(
    r"(^|_)(valid|good|use|used|usable|roi|keep|inside|foreground)(_?(mask|pix\w*|data|flag))?($|_)", re.I
)
_BAD = re.compile(
    r"(^|_)(bad\w*|invalid\w*|flags?|flagged|dq|quality|qual|masked|bpm|dead\w*|hot\w*|exclude\w*|clouds?|saturat\w*|"
    r"(sat|l2)_err_matrix)($|_)",
    re.I,
)
_MASK = re.compile(r"(^|_)masks?($|_)", re.I)
RARE = 0.05  # a mask with fewer ones than this lists bad pixels


def is_quality(name: str) -> bool:
    """Whether an array of this name says which values are good or bad."""
    last = name.rpartition("/")[2]
    return any(pattern.search(last) for pattern in (_USE, _BAD, _MASK))


def flagged(name: str, absent: Any, words: str, guess: str = "") -> dict[str, tuple[Any, ...]]:
    """A part of the argument `beside` of make_cube: `absent` (y, x) or (y, x, channel) is True where a value is bad.

    name : of the array in the file      words : for the history      guess : the same for a guess, which is said aloud
    """
    dims = ("y", "x", "channel")[: np.ndim(absent)]
    return {f"{FLAGS} {name}": (dims, absent, {"words": words, "guess": guess})}


def meaning(name: str, values: np.ndarray) -> tuple[str, bool] | None:
    """What a quality array of this name means: ("use" or "bad", whether that was a guess); None if it is no such array.

    values : of the array, or a part of them. What its name does not decide is decided by the values: a `mask` of 0 and 1
    says what to use, unless hardly any is 1; an array `quality` of 0 and 1 that is mostly 1 says what is good.
    """
    last = name.rpartition("/")[2]
    if values.dtype.kind not in "biuf" or not values.size:
        return None
    kinds = np.unique(values)
    two = len(kinds) <= 2 and kinds[0] in (0, 1) and kinds[-1] in (0, 1, 255)
    ones = float(np.mean(values != 0))
    if _BAD.search(last):
        if not two and values.dtype.kind == "f":
            return None
        return ("use", True) if re.search(r"qual", last, re.I) and two and ones > 0.5 else ("bad", False)
    if not two:
        return None
    if _USE.search(last):
        return "use", False
    if not _MASK.search(last):
        return None
    rare = ones < (RARE if values.ndim == 2 else 0.5)
    return ("bad" if rare else "use"), True


def is_doubtful(cube: xr.Dataset) -> bool:
    """Whether a quality array of the file does not say if 1 means use or bad."""
    return any(str(name).startswith(FLAGS) and v.attrs["guess"] for name, v in cube.data_vars.items())


def without_flagged(cube: xr.Dataset, *, ignore: bool = False, invert: bool = False) -> xr.Dataset:
    """The cube with no value where a quality array of its file says so, lazily and noted.

    ignore : they are left unused      invert : those that do not say what 1 means are turned round
    """
    for name in [str(name) for name in cube.data_vars if str(name).startswith(FLAGS)]:
        flags, shown = cube[name], name.removeprefix(FLAGS).strip()
        cube = cube.drop_vars(name)
        if ignore:
            cube = note(cube, f"the quality array {shown} is not used, as asked by mask=none")
            continue
        words: Mapping[str, str] = flags.attrs
        turned = invert and bool(words["guess"])
        cube = set_missing(cube, ~flags.astype(bool) if turned else flags.astype(bool))
        if turned:
            cube = note(cube, f"the quality array {shown} is turned round, as asked by mask_invert")
            continue
        cube = note_guess(cube, words["guess"]) if words["guess"] else note(cube, words["words"])
    return cube
