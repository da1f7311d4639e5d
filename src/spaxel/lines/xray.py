"""X-ray lines of the elements C to U: energies, strengths, and how strongly matter absorbs. A table, read when asked.

The table (xray_lines.json) was extracted from xraydb; docs/decisions/0002-xray-line-table.md says how.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from spaxel.errors import ParameterError

SLOPE = 2.8  # the photoelectric cross section of a shell falls as energy^-2.8 above its edge


class Line(NamedTuple):
    """A fluorescence line. energy : keV      intensity : relative to the strongest line of its series (K, L or M)."""

    name: str
    energy: float
    intensity: float


class Shell(NamedTuple):
    """An electron shell that emits. edge : keV     strength : photons cm2/g at the edge, all lines together.

    lines : (n, 2) energy in keV, share of the shell's photons
    """

    name: str
    edge: float
    strength: float
    lines: np.ndarray
    line_names: tuple[str, ...]


def elements() -> tuple[str, ...]:
    """Symbols of the elements in the table, by atomic number: C, N, O … U."""
    return tuple(_table())


def line_energies(element: str) -> list[Line]:
    """Lines of an element, by energy: name (Ka1, Lb1 …), energy in keV, relative intensity (strongest of a series = 1).

    Source: xraydb (Elam, Ravel and Sieber 2002, doi:10.1016/S0969-806X(01)00227-4). Lines under 0.5 keV and those with
    less than 0.5 % of their shell are left out. Intensities hold for a white beam well above the edges of the series.
    Raises ParameterError for an element that is not in the table.
    """
    found = [
        (name, float(energy), shell.name[0], shell.strength * shell.edge**SLOPE * float(share))
        for shell in shells(element)
        for name, (energy, share) in zip(shell.line_names, shell.lines, strict=True)
    ]
    strongest = {series: max(w for _, _, s, w in found if s == series) for _, _, series, _ in found}
    lines = [Line(name, energy, weight / (strongest[series] or 1)) for name, energy, series, weight in found]
    return sorted(lines, key=lambda line: line.energy)


@cache
def shells(element: str) -> tuple[Shell, ...]:
    """The shells of an element that emit lines. Raises ParameterError for an unknown element."""
    return tuple(
        Shell(name, edge, section * yield_ * cascade, np.array(list(lines.values())), tuple(lines))
        for name, (edge, section, yield_, cascade, lines) in _entry(element)["shells"].items()
    )


def atomic_number(element: str) -> int:
    """Z. Raises ParameterError for an unknown element."""
    return int(_entry(element)["z"])


def absorption(composition: dict[str, float], energy: np.ndarray) -> np.ndarray:
    """Photoelectric mass absorption of a mixture: (…) cm2/g at energies (…) in keV, within 0.5 … 100.

    composition : mass fraction by element; hydrogen, which absorbs next to nothing, is passed over
    """
    total = np.zeros(np.shape(energy))
    for element, share in composition.items():
        if element != "H":
            known, section = np.log(_entry(element)["photo"])
            total += share * np.exp(np.interp(np.log(energy), known, section))
    return total


def _entry(element: str) -> dict[str, Any]:
    if element not in _table():
        raise ParameterError(f"There are no X-ray lines of {element!r}. Known elements: {', '.join(_table())}.")
    return _table()[element]


@cache
def _table() -> dict[str, dict[str, Any]]:
    return json.loads(files("spaxel.lines").joinpath("xray_lines.json").read_text())["elements"]
