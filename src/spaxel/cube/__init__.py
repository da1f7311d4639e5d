"""A cube: its convention, and how it is read piece by piece."""

from __future__ import annotations

from spaxel.cube.convention import (
    as_cube,
    axis_label,
    check_cube,
    make_cube,
    note,
    note_guess,
    usable,
)
from spaxel.cube.units import QUANTITY, canonical_units

__all__ = [
    "QUANTITY",
    "as_cube",
    "axis_label",
    "canonical_units",
    "check_cube",
    "make_cube",
    "note",
    "note_guess",
    "usable",
]
