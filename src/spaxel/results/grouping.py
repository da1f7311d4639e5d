"""Merges and names by hand: which components become one, and what people call them. Numbers and words, no pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from spaxel.errors import ParameterError

Which = int | str  # a component: its number, or the name that it has


class Grouping(NamedTuple):
    """into : (n,) the group of each component, 0..g-1      names : (g,), "" for none      words : what was done, sentences."""

    into: np.ndarray
    names: list[str]
    words: list[str]


def group(
    known: Sequence[str], merge: Sequence[Sequence[Which]] = (), names: Mapping[Which, str] | None = None
) -> Grouping:
    """Components merged and named by hand.

    known : (n,) the names that the components have, "" for none
    merge : of each merge, the components that become one, by number or name
    names : {component: name}; any component of a merge stands for what the merge gives; "" takes a name back
    A merge keeps the name of its components if only one has one. Raises ParameterError for a component that is not there,
    or in two merges, a merge of one, a name that is no name, or given twice.
    """
    merged: set[int] = set()
    into, words = np.arange(len(known)), []
    for members in merge:
        numbers = _members(members, known)
        if again := merged & set(numbers):
            raise ParameterError(f"Component {min(again)} is in two merges. Try one merge of all of them.")
        merged |= set(numbers)
        into[numbers] = min(numbers)
        words.append("Merged by hand: " + " + ".join(_call(i, known) for i in numbers) + ".")
    leaders, into = np.unique(into, return_inverse=True)
    given = _given(names or {}, known, into)
    found = [given[g] if g in given else _kept(np.flatnonzero(into == g), known) for g in range(len(leaders))]
    _check_once(found, leaders)
    words += [f"Named by hand: {leaders[g]} {found[g]}." for g in sorted(given) if found[g]]
    return Grouping(into, found, words)


def _members(members: Sequence[Which], known: Sequence[str]) -> list[int]:
    if isinstance(members, (str, int)):
        raise ParameterError(f"A merge is {members!r}, expected several components, as (3, 7).")
    numbers = sorted({_number(which, known) for which in members})
    if len(numbers) < 2:
        given = ", ".join(map(str, members)) or "nothing"
        raise ParameterError(f"A merge of {given} joins fewer than two components. Try two or more, as 3,7.")
    return numbers


def _number(which: Which, known: Sequence[str]) -> int:
    """The number of a component that is given by number or name."""
    if isinstance(which, str) and which and which in known:
        return list(known).index(which)
    try:
        number = int(which)
    except ValueError:
        number = -1
    if not 0 <= number < len(known):
        called = ", ".join(f"{i} {name}" for i, name in enumerate(known) if name)
        raise ParameterError(
            f"There is no component {which}. Try a number from 0 to {len(known) - 1}"
            + (f", or a name of these: {called}." if called else ".")
        )
    return number


def _given(names: Mapping[Which, str], known: Sequence[str], into: np.ndarray) -> dict[int, str]:
    """{group: the name that is given to it}."""
    found: dict[int, str] = {}
    for which, text in names.items():
        place, name = int(into[_number(which, known)]), _checked(text)
        if found.setdefault(place, name) != name:
            raise ParameterError(
                f"Component {which} is given two names, {found[place]!r} and {name!r}, as it is merged. Try one of them."
            )
    return found


def _checked(name: str) -> str:
    """A name without needless spaces. Raises ParameterError if it looks like a number of a component."""
    clean = " ".join(str(name).split())
    if re.fullmatch(r"(component\s*)?[+-]?\d+", clean, re.IGNORECASE):
        raise ParameterError(f"The name {clean!r} looks like the number of a component. Try a word, as lesion.")
    return clean


def _kept(members: np.ndarray, known: Sequence[str]) -> str:
    old = [known[i] for i in members if known[i]]
    if len(old) > 1:
        raise ParameterError(
            f"The merge joins {' and '.join(map(repr, old))}. Try to say what it is called, with a name."
        )
    return old[0] if old else ""


def _check_once(names: Sequence[str], leaders: np.ndarray) -> None:
    for name in names:
        twice = [str(number) for number, other in zip(leaders, names, strict=True) if name and other == name]
        if len(twice) > 1:
            raise ParameterError(
                f"The name {name!r} is given to components {' and '.join(twice)}. Try another name, or to merge them: "
                f"{','.join(twice)}."
            )


def _call(number: int, known: Sequence[str]) -> str:
    return f"{number} {known[number]}".strip()
