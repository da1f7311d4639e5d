"""spaxel score, spaxel report, spaxel cut."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import command_line, print_json, print_table, say
from spaxel.commands.options import Json
from spaxel.errors import NotFound, ParameterError

Level = Annotated[int | None, Parameter(help="number of components at which the merge tree is cut")]


def score(
    run: Path,
    /,
    *,
    truth: Annotated[
        str | None, Parameter(help="file with truth arrays, or file:variable (default: the truth of the run)")
    ] = None,
    level: Level = None,
    json: Json = False,
) -> None:
    """How well a run agrees with a truth: ARI, NMI, accuracy after matching, IoU of each class."""
    from spaxel.commands.summary import called_by, print_score
    from spaxel.metrics import score as score_labels
    from spaxel.readers.truth_file import read_truth
    from spaxel.results.convention import given_names
    from spaxel.results.cut import cut as cut_result
    from spaxel.store.run_folder import read_result

    result = read_result(run)
    if truth is None and "truth_labels" not in result:
        raise NotFound(f"{run} holds no truth. Try --truth FILE.")
    known = result[["truth_labels"]] if truth is None else read_truth(truth, *result["labels"].shape)
    result = result if level is None else cut_result(result, level)
    found = score_labels(result, known)
    if json:
        return print_json(found)
    print_score(found)
    called = {name: called_by(result, k) for name, k in found["matching"].items()}
    rows = [(name, f"{iou:.3f}", called.get(name, "-")) for name, iou in found["iou"].items()]
    return print_table(rows, ("class", "IoU", "component"), right=(0, 1) if any(given_names(result)) else (0, 1, 2))


def report(
    run: Path,
    /,
    *,
    redshift: Annotated[
        float | None, Parameter(help="of the object: names emission lines along a wavelength axis; kept in the run")
    ] = None,
    medium: Annotated[str | None, Parameter(help="of the wavelengths: air or vacuum; kept in the run")] = None,
) -> None:
    """Write the report of a run again."""
    from spaxel.reporting import report as write_report

    say(f"report: {write_report(run, redshift=redshift, medium=medium)}")


def cut(
    run: Path,
    level: Level = None,
    /,
    *,
    merge: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="components that become one, as 3,7 (or their names); may be repeated"),
    ] = (),
    name: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="lesion: what the merge is called; 3=lesion: what component 3 is; may be repeated"),
    ] = (),
) -> None:
    """Change the components of a run, without fitting again; labels, spectra, tables and report follow.

    With LEVEL, the run gets that many components, without merges and names: --merge and --name then mean these.
    Without: --merge and --name are added to the components as they are now.
    """
    from spaxel.commands.summary import print_all
    from spaxel.workflow.runs import recut

    if level is None and not merge and not name:
        raise ParameterError(
            "There is nothing to do. Try a LEVEL (a number of components), --merge 3,7 or --name 3=lesion."
        )
    merges = [_members(text) for text in merge]
    print_all(recut(run, level, merge=merges, names=_names(name, merges), command=command_line()))


def _members(text: str) -> list[int | str]:
    """'3,7' -> [3, 7]; what is no whole number is the name of a component."""
    parts = [part.strip() for part in text.split(",")]
    return [int(part) if part.isdecimal() else part for part in parts if part]


def _names(texts: tuple[str, ...], merges: list[list[int | str]]) -> dict[int | str, str]:
    """("3=lesion", …) -> {3: lesion}; names alone belong to the merges, in their order. Raises ParameterError."""
    numbered = [text.partition("=") for text in texts if text.partition("=")[0].strip().isdecimal() and "=" in text]
    alone = [text for text in texts if not ("=" in text and text.partition("=")[0].strip().isdecimal())]
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
        if given.setdefault(int(number), name) != name:
            raise ParameterError(f"Component {number.strip()} is given two names. Try one of them.")
    return given
