"""spaxel score, spaxel report, spaxel cut."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import print_json, print_table, say
from spaxel.commands.options import Json
from spaxel.commands.summary import print_run, print_score
from spaxel.errors import NotFound

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
    from spaxel.granularity import cut as cut_result
    from spaxel.metrics import score as score_labels
    from spaxel.readers.truth_file import read_truth
    from spaxel.store import read_result

    result = read_result(run)
    if truth is None and "truth_labels" not in result:
        raise NotFound(f"{run} holds no truth. Try --truth FILE.")
    known = result[["truth_labels"]] if truth is None else read_truth(truth, *result["labels"].shape)
    found = score_labels(result if level is None else cut_result(result, level), known)
    if json:
        return print_json(found)
    print_score(found)
    rows = [(name, f"{iou:.3f}", found["matching"].get(name, "-")) for name, iou in found["iou"].items()]
    return print_table(rows, ("class", "IoU", "component"), right=(0, 1, 2))


def report(run: Path, /) -> None:
    """Write the page of a run anew."""
    from spaxel.reporting import report as write_report

    say(f"report: {write_report(run)}")


def cut(run: Path, level: int, /) -> None:
    """Change the number of components of a run, without fitting again; labels, spectra and report follow."""
    from spaxel.workflow import recut

    print_run(recut(run, level))
