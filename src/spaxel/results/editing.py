"""A history of changes by hand: what was done, undone and done again, and the one command that repeats what stands.

A move means the components as they are when it is made, by number or name, as people see them. Whatever the moves were, what
stands in the end is written as one set of options of `spaxel cut` for one level of the tree: the components of that level that
have to be split, which parts are merged, names, colours, backgrounds. `apply` goes through these options too, so that the
command gives the same labels, numbers and colours.

>>> import spaxel
>>> from spaxel.results.editing import History, Move, apply, command, done, edit_of, undone
>>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
>>> result = spaxel.KMeans(4).fit(cube).predict(cube)
>>> history = done(done(History(), Move("split", (0,))), Move("merge", (1, 2)))
>>> apply(result, undone(history)).sizes["component"], apply(result, history).sizes["component"]
(5, 4)
>>> command("RUN", edit_of(result, undone(history)), "mine")
'spaxel cut RUN 4 --split 0 --save-as mine'
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.results.changes import NO_PAINT, Changes, changed
from spaxel.results.cut import at_level, components_of, cut, forest_of
from spaxel.results.grouping import Which
from spaxel.results.parts import Components, Forest, halves

Verb = Literal["level", "split", "merge", "name", "color", "background"]


class Move(NamedTuple):
    """One thing done by hand. which : the components that it is done to; value : level, name, colour, whether to mark."""

    verb: Verb
    which: tuple[Which, ...] = ()
    value: Any = None


class History(NamedTuple):
    """What was done, first thing first, and what was undone of it, last undone first."""

    moves: tuple[Move, ...] = ()
    undone: tuple[Move, ...] = ()


class Edit(NamedTuple):
    """What stands: a level of the tree (None: the components as they are) and the changes by hand at it."""

    level: int | None
    changes: Changes


def done(history: History, move: Move) -> History:
    """The history with one more move; what was undone before is forgotten."""
    return History((*history.moves, move))


def undone(history: History) -> History:
    """The history with its last move taken back; the same if there is none."""
    if not history.moves:
        return history
    return History(history.moves[:-1], (history.moves[-1], *history.undone))


def redone(history: History) -> History:
    """The history with the move done again that was taken back last; the same if there is none."""
    if not history.undone:
        return history
    return History((*history.moves, history.undone[0]), history.undone[1:])


def apply(result: xr.Dataset, history: History) -> xr.Dataset:
    """The result with all moves of a history done; the result itself where there are none.

    Raises ParameterError for a move that makes no sense, as spaxel.cut.
    """
    if not history.moves:
        return result
    edit = edit_of(result, history)
    return cut(result, edit.level, **edit.changes._asdict())


def edit_of(result: xr.Dataset, history: History) -> Edit:
    """What stands after all moves of a history, as options of one cut. Costs no more than the tree is large."""
    now = components_of(result)
    forest = forest_of(result) if "merge_tree" in result else None
    edit = _edit(forest, now)
    for move in history.moves:
        now = _after(forest, now, move)
        edit = _edit(forest, now)
        if forest is not None and edit.level is not None:
            now, _ = changed(forest, at_level(forest, edit.level), edit.changes)
    return edit


def command(run: str | Path, edit: Edit, save_as: str = "") -> str:
    """The command that repeats what stands, on a run. save_as : the name of the cut, else the run itself is changed."""
    words = ["spaxel", "cut", str(run), *([] if edit.level is None else [str(edit.level)]), *options_of(edit.changes)]
    return shlex.join([*words, *(["--save-as", save_as] if save_as else [])])


def options_of(changes: Changes) -> list[str]:
    """Changes by hand as words of a command line."""
    words: list[str] = []
    for which in changes.split:
        words += ["--split", str(which)]
    for members in changes.merge:
        words += ["--merge", ",".join(map(str, members))]
    for which, name in (changes.names or {}).items():
        words += ["--name", f"{which}={name}"]
    for which, color in (changes.colors or {}).items():
        words += ["--color", f"{which}={color}"]
    for which, mark in changes.marks.items():
        words += ["--background", f"{which}" if mark else f"{which}="]
    return words


def _after(forest: Forest | None, now: Components, move: Move) -> Components:
    """The components after one move."""
    which, value = move.which, move.value
    if move.verb == "level":
        if forest is None:
            raise ParameterError("This result keeps no merge tree, so it has one level only.")
        return _kept(now, at_level(forest, int(value)))
    if forest is None and move.verb in ("split", "merge"):
        raise ParameterError(f"This result keeps no merge tree, so there is nothing to {move.verb}.")
    changes = {
        "split": lambda: Changes(split=which),
        "merge": lambda: Changes(merge=[which], names={} if value is None else {which[0]: value}),
        "name": lambda: Changes(names=dict.fromkeys(which, value)),
        "color": lambda: Changes(colors=dict.fromkeys(which, value)),
        "background": lambda: Changes(background=dict.fromkeys(which, True if value is None else bool(value))),
    }
    return changed(forest, now, changes[move.verb]())[0]


def _kept(before: Components, level: Components) -> Components:
    """A level of the tree with the names, colours and backgrounds of the components that it leaves as they were."""
    names, paint, grey = list(level.names), level.paint.copy(), level.background.copy()
    sets = {(before.component == k).tobytes(): k for k in range(len(before.color))}
    for k in range(len(level.color)):
        old = sets.get((level.component == k).tobytes())
        if old is not None:
            names[k], paint[k], grey[k] = before.names[old], before.paint[old], before.background[old]
    return level._replace(names=names, paint=paint, background=grey)


def _edit(forest: Forest | None, now: Components) -> Edit:
    """Components as options of one cut at their level: numbers are those of the level as nobody has touched it."""
    if forest is None:
        return Edit(None, _said([str(i) for i in range(len(now.color))], now))
    level = min(max(now.level, 1), len(forest.weight))
    base = at_level(forest, level).component
    split: list[Which] = []
    pieces: list[list[Which]] = [[] for _ in now.color]
    for number in range(level):
        _divide(forest, now.component, str(number), base == number, split, pieces)
    merge = [members for members in pieces if len(members) > 1]
    return Edit(level, _said([members[0] for members in pieces], now)._replace(split=split, merge=merge))


def _divide(
    forest: Forest, component: np.ndarray, call: str, members: np.ndarray, split: list[Which], pieces: list[list[Which]]
) -> None:
    """Note which splits divide a part of the tree into pieces of one component each, and the pieces of each component."""
    owners = np.unique(component[members])
    if len(owners) == 1:
        pieces[owners[0]].append(call)
        return
    split.append(call)
    for half, letter in zip(halves(forest, members), "ab", strict=True):
        _divide(forest, component, call + letter, half, split, pieces)


def _said(calls: Sequence[Which], now: Components) -> Changes:
    """Names, colours and backgrounds of components that are called so."""
    named = {call: name for call, name in zip(calls, now.names, strict=True) if name}
    colors = {call: f"#{paint:06X}" for call, paint in zip(calls, now.paint, strict=True) if paint != NO_PAINT}
    return Changes(
        names=named, colors=colors, background={c: True for c, b in zip(calls, now.background, strict=True) if b}
    )
