"""spaxel cut: other components of a run, by level and by hand; in place of its own, or kept beside them under a name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from spaxel.commands.console import command_line, say, watching
from spaxel.commands.options import Memory, Overwrite, parse_memory
from spaxel.errors import ParameterError

Texts = tuple[str, ...]
_NUMBERED = re.compile(r"\s*\d+[ab]*\s*=")  # a number or a part of one, and an equals sign


def cut(
    run: Path,
    level: Annotated[int | None, Parameter(help="number of components at which the merge tree is cut")] = None,
    /,
    *,
    split: Annotated[
        Texts,
        Parameter(negative="", help="component to split in two as the tree does: 3 becomes 3a and 3b; may be repeated"),
    ] = (),
    merge: Annotated[
        Texts,
        Parameter(negative="", help="components that become one, as 3,7 (or 3a, or their names); may be repeated"),
    ] = (),
    name: Annotated[
        Texts,
        Parameter(negative="", help="lesion: what the merge is called; 3=lesion: what component 3 is; may be repeated"),
    ] = (),
    color: Annotated[
        Texts, Parameter(negative="", help="3=#D55E00: the colour of component 3 (or of its name); 3= takes it back")
    ] = (),
    background: Annotated[
        Texts, Parameter(negative="", help="component that is grey and no part of the shares; 3= takes that back")
    ] = (),
    from_: Annotated[
        str | None,
        Parameter(name="--from", help="name of a kept cut to begin with, in place of the components as they are"),
    ] = None,
    save_as: Annotated[
        str | None, Parameter(help="keep it under this name in RUN/cuts, and leave the run itself as it is")
    ] = None,
    report: Annotated[bool, Parameter(negative="", help="with --save-as: write a page of the cut too")] = False,
    overwrite: Overwrite = False,
    memory: Memory = "1GiB",
) -> None:
    """Change the components of a run, without fitting again; labels, spectra, tables and report follow.

    With LEVEL, the run gets that many components, and everything done by hand starts anew: the other options then mean these.
    Without: they are added to the components as they are now. First come splits, then merges, then names and colours.
    """
    merges = [_members(text) for text in merge]
    by_hand: dict[str, Any] = {
        "split": [_which(text) for text in split],
        "merge": merges,
        "names": _names(name, merges),
    }
    by_hand |= {"colors": _colors(color), "background": _marks(background)}
    if level is None and from_ is None and not any(by_hand.values()) and save_as is None:
        raise ParameterError(
            "There is nothing to do. Try a LEVEL (a number of components), --merge 3,7 or --name 3=lesion."
        )
    if save_as is not None:
        return _keep(run, level, save_as, by_hand, start=from_ or "", report=report, overwrite=overwrite)
    if report or overwrite:
        raise ParameterError(
            "--report and --overwrite go with --save-as NAME; the report of the run is written anyway."
        )
    from spaxel.commands.summary import print_all
    from spaxel.results.walk import bounded
    from spaxel.workflow.recut import recut

    held = parse_memory(memory)
    with watching():
        cut_run = recut(run, level, start=from_ or "", command=command_line(), memory=held, **by_hand)
    with bounded(held):
        return print_all(cut_run)


def _keep(
    run: Path, level: int | None, name: str, by_hand: dict[str, Any], *, start: str, report: bool, overwrite: bool
) -> None:
    """Keep a cut under a name, and say how it is used."""
    from spaxel.workflow.recut import keep_cut

    typed = command_line()
    folder = keep_cut(run, name, level, start=start, overwrite=overwrite, command=typed, **by_hand)
    say(f"kept: {folder}")
    if report:
        from spaxel.reporting.cuts import report_cut

        say(f"report: {report_cut(run, name)}")
    say(f"{run} itself is as it was. To take it over: spaxel cut {run} --from {name}")


def _members(text: str) -> list[int | str]:
    """'3,7' -> [3, 7]; what is no whole number is the name of a component."""
    return [_which(part) for part in text.split(",") if part.strip()]


def _which(text: str) -> int | str:
    """A component as it was typed: a number, else a part or a name."""
    text = text.strip()
    return int(text) if text.isdecimal() else text


def _colors(texts: Texts) -> dict[int | str, str]:
    """("3=#D55E00", …) -> {3: '#D55E00'}. Raises ParameterError where there is no =."""
    if wrong := [text for text in texts if "=" not in text]:
        raise ParameterError(
            f"--color {wrong[0]} names no component. Try --color 3={wrong[0]}, with its number or name."
        )
    return {_which(which): color.strip() for which, _, color in (text.rpartition("=") for text in texts)}


def _marks(texts: Texts) -> dict[int | str, bool]:
    """("3", "4=") -> {3: True, 4: False}."""
    return {_which(text.removesuffix("=")): not text.endswith("=") for text in texts}


def _names(texts: tuple[str, ...], merges: list[list[int | str]]) -> dict[int | str, str]:
    """("3=lesion", …) -> {3: lesion}; names alone belong to the merges, in their order. Raises ParameterError."""
    numbered = [text.partition("=") for text in texts if _NUMBERED.match(text)]
    alone = [text for text in texts if not _NUMBERED.match(text)]
    if alone and len(alone) != len(merges):
        raise ParameterError(
            f"It is not clear what {alone[0]!r} names: names without a number go with as many merges, and there are "
            f"{len(merges) or 'none'}. Try --name NUMBER={alone[0]}, with the number of a component."
        )
    if any(not name.strip() for name in alone) or any(not members for members in merges):
        raise ParameterError(
            "A name or a merge is empty. Try --merge 3,7 --name lesion, or --name 3= to take a name back."
        )
    given: dict[int | str, str] = {members[0]: name for members, name in zip(merges, alone, strict=False)}
    for number, _, name in numbered:
        if given.setdefault(_which(number), name) != name:
            raise ParameterError(f"Component {number.strip()} is given two names. Try one of them.")
    return given
