"""spaxel score, spaxel report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from spaxel.commands.console import print_json, print_table, say
from spaxel.commands.options import Json, Lines, Memory, parse_lines, parse_memory
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
    memory: Memory = "1GiB",
    json: Json = False,
) -> None:
    """How well a run agrees with a truth: ARI, NMI, accuracy after matching, IoU of each class."""
    from spaxel.commands.summary import called_by, print_score
    from spaxel.metrics import score as score_labels
    from spaxel.readers.truth_file import read_truth
    from spaxel.results.convention import given_names
    from spaxel.results.cut import cut as cut_result
    from spaxel.results.walk import bounded
    from spaxel.store.run_folder import read_result

    result = read_result(run)
    if truth is None and "truth_labels" not in result:
        raise NotFound(f"{run} holds no truth. Try --truth FILE.")
    known = result[["truth_labels"]] if truth is None else read_truth(truth, *result["labels"].shape)
    result = result if level is None else cut_result(result, level)
    with bounded(parse_memory(memory)):
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
    lines: Lines | None = None,
    cube: Annotated[
        Path | None, Parameter(help="the file of the run, for maps of lines, if it lies elsewhere now")
    ] = None,
    memory: Memory = "1GiB",
    cut: Annotated[
        str | None, Parameter(help="name of a kept cut (cut --save-as), whose page is written into RUN/cuts/NAME")
    ] = None,
) -> None:
    """Write the report of a run again, or that of a cut that is kept beside it.

    With --lines or --redshift maps of lines are made anew, from the file of the run.
    """
    from spaxel.results.walk import bounded

    asked, held = lines or Lines(), parse_memory(memory)
    told = asked.lines is not None or asked.redshift is not None or asked.medium is not None
    if cut is not None and told:
        raise ParameterError(
            "Lines, a redshift and a medium are kept in the run. Try spaxel report RUN with them, without --cut."
        )
    with bounded(held):
        for page in _reported(run, asked if told else None, cube, cut, held):
            say(f"report: {page}")


def _reported(run: Path, asked: Lines | None, cube: Path | None, cut: str | None, memory: int) -> Iterator[Path]:
    """Write the pages, one after the other. asked : lines of which maps are made before"""
    if cut is not None:
        from spaxel.reporting.cuts import report_cut

        yield report_cut(run, cut)
        return
    from spaxel.reporting import report as write_report

    if asked is None:
        yield from _all_reports(run, write_report)
        return
    from spaxel.store.uploads import changing
    from spaxel.workflow.lines import add_lines

    names = None if asked.lines is None else parse_lines(asked.lines)
    known: dict[str, Any] = {"redshift": asked.redshift, "medium": asked.medium}
    with changing(run) as place:
        for folder in add_lines(place, names, cube=cube, memory=memory, **known):
            if folder != place:
                yield write_report(folder)
        if _is_joined(place):
            yield write_report(place, **known)


def _is_joined(run: Path) -> bool:
    """Whether a run has a page of its own: each has, but several cubes that were unmixed."""
    from spaxel.store.run_folder import ACTIVATION, read_json

    return "inputs" not in read_json(run) or (run / ACTIVATION).is_file()


def _all_reports(run: Path, write_report: Callable[[Path], Path]) -> Iterator[Path]:
    """Write the page of a run, and before it those of its cubes that have none."""
    from spaxel.store.addresses import address_of
    from spaxel.store.run_folder import read_json

    inside = [] if address_of(run) else list(read_json(run).get("inputs", {}))
    missing = [run / name for name in inside if not (run / name / "report.html").is_file()]
    for folder in missing:
        yield write_report(folder)
    if not missing or _is_joined(run):
        yield write_report(run)
