"""Components changed by hand, one rule for results, runs and the viewer: split, merge, then names, colours, backgrounds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from spaxel.errors import ParameterError
from spaxel.results.grouping import Which, group, place_of
from spaxel.results.parts import Components, Forest, join_parts, split_parts

NO_PAINT = -1


class Changes(NamedTuple):
    """What is done to components by hand, as the options of spaxel.cut say it.

    split : components to split in two, one after the other      merge : of each merge, the components that become one
    names : {component: name}, "" takes it back                  colors : {component: '#RRGGBB'}, "" takes it back
    background : {component: whether it is background}
    A component is given by its number, its name, or as a part of a split one, as 3a.
    """

    split: Sequence[Which] = ()
    merge: Sequence[Sequence[Which]] = ()
    names: Mapping[Which, str] | None = None
    colors: Mapping[Which, str] | None = None
    background: Mapping[Which, bool] | Sequence[Which] = ()

    @property
    def marks(self) -> dict[Which, bool]:
        """The backgrounds as {component: whether it is one}."""
        marks = self.background
        return dict(marks) if isinstance(marks, Mapping) else dict.fromkeys(marks, True)


def changed(forest: Forest | None, now: Components, changes: Changes) -> tuple[Components, list[str]]:
    """Components after changes by hand, largest first, and what was done, in sentences.

    forest : the tree of the result; None: there is none, and nothing can be split or merged
    Raises ParameterError for a component that is not there, a split, merge, name or colour that makes no sense.
    """
    called = [str(i) for i in range(len(now.color))]
    words: list[str] = []
    if forest is not None:
        now, called, words = split_parts(forest, now, changes.split)
    grouping = group(now.names, changes.merge, changes.names, called)
    names = now.names
    if forest is None:
        now, place = now._replace(names=grouping.names), np.arange(len(called))
    else:
        now, place = join_parts(now, grouping.into, grouping.names, forest.weight)
    paint, grey, said = now.paint.copy(), now.background.copy(), [*words, *grouping.words]
    for which, text in (changes.colors or {}).items():
        at = place_of(which, names, called)
        paint[place[grouping.into[at]]] = _paint(text)
        said += [f"Coloured by hand: {called[at]} {text}."] if text else []
    for which, mark in changes.marks.items():
        at = place_of(which, names, called)
        grey[place[grouping.into[at]]] = mark
        said += [f"Marked as background by hand: {called[at]} {names[at]}".rstrip() + "."] if mark else []
    return now._replace(paint=paint, background=grey), said


def _paint(color: str) -> int:
    """'#FF8800' as a number, "" as none. Raises ParameterError for anything else."""
    if not str(color).strip():
        return NO_PAINT
    if not (found := re.fullmatch(r"#?([0-9a-fA-F]{6})", str(color).strip())):
        raise ParameterError(
            f"The colour {color!r} cannot be read. Try red, green and blue in hexadecimal, as #D55E00."
        )
    return int(found[1], 16)
