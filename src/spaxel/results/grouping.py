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
    known: Sequence[str],
    merge: Sequence[Sequence[Which]] = (),
    names: Mapping[Which, str] | None = None,
    called: Sequence[str] | None = None,
) -> Grouping:
    """Components merged and named by hand.

    known : (n,) the names that the components have, "" for none
    merge : of each merge, the components that become one, by number or name
    names : {component: name}; any component of a merge stands for what the merge gives; "" takes a name back
    called : (n,) how each is called beside its name: its number, or as a part of a split one, as 3a; None: the numbers
    A merge keeps the name of its components if only one has one. Raises ParameterError for a component that is not there,
    or in two merges, a merge of one, a name that is no name, or given twice.
    """
    called = [str(i) for i in range(len(known))] if called is None else called
    merged: set[int] = set()
    into, words = np.arange(len(known)), []
    for members in merge:
        places = _members(members, known, called)
        if again := merged & set(places):
            raise ParameterError(f"Component {called[min(again)]} is in two merges. Try one merge of all of them.")
        merged |= set(places)
        into[places] = min(places)
        words.append("Merged by hand: " + " + ".join(f"{called[i]} {known[i]}".strip() for i in places) + ".")
    leaders, into = np.unique(into, return_inverse=True)
    given = _given(names or {}, known, called, into)
    found = [given[g] if g in given else _kept(np.flatnonzero(into == g), known) for g in range(len(leaders))]
    _check_once(found, [called[i] for i in leaders])
    words += [f"Named by hand: {called[leaders[g]]} {found[g]}." for g in sorted(given) if found[g]]
    return Grouping(into, found, words)


def place_of(which: Which, known: Sequence[str], called: Sequence[str]) -> int:
    """The place of a component that is given by its name, its number, or as a part of a split one (3a).

    known : (n,) names, "" for none      called : (n,) numbers and parts, as text      Raises ParameterError if there is none
    """
    if isinstance(which, str) and which and which in known:
        return list(known).index(which)
    word = str(which).strip()
    if word.isdecimal():
        word = str(int(word))
    if word in called:
        return list(called).index(word)
    if parts := [part for part in called if part.rstrip("ab") == word]:
        raise ParameterError(f"Component {which} was split. Try one of its parts: {', '.join(parts)}.")
    named = ", ".join(f"{call} {name}" for call, name in zip(called, known, strict=True) if name)
    there = f"a number from 0 to {len(called) - 1}" if called[-1:] == [str(len(called) - 1)] else ", ".join(called)
    raise ParameterError(
        f"There is no component {which}. Try {there}" + (f", or a name of these: {named}." if named else ".")
    )


def _members(members: Sequence[Which], known: Sequence[str], called: Sequence[str]) -> list[int]:
    if isinstance(members, (str, int)):
        raise ParameterError(f"A merge is {members!r}, expected several components, as (3, 7).")
    numbers = sorted({place_of(which, known, called) for which in members})
    if len(numbers) < 2:
        given = ", ".join(map(str, members)) or "nothing"
        raise ParameterError(f"A merge of {given} joins fewer than two components. Try two or more, as 3,7.")
    return numbers


def _given(names: Mapping[Which, str], known: Sequence[str], called: Sequence[str], into: np.ndarray) -> dict[int, str]:
    """{group: the name that is given to it}."""
    found: dict[int, str] = {}
    for which, text in names.items():
        place, name = int(into[place_of(which, known, called)]), _checked(text)
        if found.setdefault(place, name) != name:
            raise ParameterError(
                f"Component {which} is given two names, {found[place]!r} and {name!r}, as it is merged. Try one of them."
            )
    return found


def _checked(name: str) -> str:
    """A name without needless spaces. Raises ParameterError if it looks like a number of a component, or a part of it."""
    clean = " ".join(str(name).split())
    if re.fullmatch(r"(component\s*)?[+-]?\d+[ab]*", clean, re.IGNORECASE):
        raise ParameterError(f"The name {clean!r} looks like the number of a component. Try a word, as lesion.")
    return clean


def _kept(members: np.ndarray, known: Sequence[str]) -> str:
    old = [known[i] for i in members if known[i]]
    if len(old) > 1:
        raise ParameterError(
            f"The merge joins {' and '.join(map(repr, old))}. Try to say what it is called, with a name."
        )
    return old[0] if old else ""


def _check_once(names: Sequence[str], leaders: Sequence[str]) -> None:
    for name in names:
        twice = [call for call, other in zip(leaders, names, strict=True) if name and other == name]
        if len(twice) > 1:
            raise ParameterError(
                f"The name {name!r} is given to components {' and '.join(twice)}. Try another name, or to merge them: "
                f"{','.join(twice)}."
            )
