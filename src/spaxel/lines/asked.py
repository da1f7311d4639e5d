"""Which lines are meant: 'Fe', 'Pb La', 'Ha', '[O III] 5007' as people type them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from spaxel.errors import ParameterError
from spaxel.lines.patterns import series
from spaxel.lines.xray import elements

GREEK = str.maketrans("αβγδη", "abgdn")


def bare(text: str) -> str:
    """A name without what people leave out: '[O III] 5007' and 'OIII5007', 'Hα' and 'ha' become the same."""
    return re.sub(r"[^a-z0-9]", "", text.lower().translate(GREEK))


def gas_asked(names: Sequence[str], where: Mapping[str, float], axis: np.ndarray) -> list[tuple[str, float]]:
    """Lines of gas by name, (name, wavelength) each. where : wavelength of each known line as seen, in units of `axis`.

    Raises ParameterError for a name that no line has, more than one has ('[O III]'), or a line off the axis.
    """
    found = []
    for name in names:
        own = [line for line in where if bare(line) == bare(name)] or [
            line for line in where if bare(line).startswith(bare(name)) and axis[0] < where[line] < axis[-1]
        ]
        if not own:
            near = get_close_matches(name, list(where), 1)
            raise ParameterError(
                f"There is no line {name!r}. {f'Did you mean {near[0]}? ' if near else ''}Known: {', '.join(where)}."
            )
        found += [(line, _on(line, where[line], axis)) for line in own]
    return list(dict.fromkeys(found))


def elements_asked(names: Sequence[str], axis: np.ndarray, resolution: float) -> list[tuple[str, float]]:
    """Lines of elements by name, (name, keV) each: 'Fe' is its strongest line on the axis, K before L before M.

    axis : keV. Raises ParameterError for what is no element or line, or lies off the axis.
    """
    known = {bare(element): element for element in elements()}
    found = []
    for name in names:
        word, _, line = name.strip().partition(" ")
        element = known.get(bare(word))
        if element is None:
            raise ParameterError(f"There is no element {word!r} with X-ray lines. Try one as Fe, or a line as 'Pb La'.")
        found.append(_line_of(element, line, axis, resolution))
    return list(dict.fromkeys(found))


def _line_of(element: str, line: str, axis: np.ndarray, resolution: float) -> tuple[str, float]:
    own = {
        f"{element} {n}": float(e) for s in series(element, resolution) for n, e in zip(s.names, s.energy, strict=True)
    }
    if line:
        asked = next((name for name in own if bare(name) == bare(f"{element} {line}")), None)
        if asked is None:
            raise ParameterError(f"{element} has no line {line!r}. Known: {', '.join(own)}.")
        return asked, _on(asked, own[asked], axis)
    strongest = [
        (f"{element} {s.names[int(s.share.argmax())]}", float(s.energy[s.share.argmax()]))
        for s in series(element, resolution)
    ]
    on = [(name, at) for name, at in strongest if axis[0] < at < axis[-1]]
    if not on:
        raise ParameterError(f"No strong line of {element} lies on the axis, {axis[0]:.4g} to {axis[-1]:.4g} keV.")
    return on[0]


def _on(name: str, at: float, axis: np.ndarray) -> float:
    if not axis[0] < at < axis[-1]:
        raise ParameterError(f"{name} at {at:.5g} lies off the axis, {axis[0]:.5g} to {axis[-1]:.5g}.")
    return float(at)
