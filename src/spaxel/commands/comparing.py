"""spaxel compare: two runs of one image, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import print_json, print_table, say
from spaxel.commands.options import Json, Memory, Overwrite, parse_memory


def compare(
    run: Path,
    other: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(alias="-o", help="page to write, as both.html")] = None,
    same_image: Annotated[
        bool, Parameter(negative="", help="the runs are of one image, although their files differ")
    ] = False,
    overwrite: Overwrite = False,
    memory: Memory = "1GiB",
    json: Json = False,
) -> None:
    """How far two runs of one image agree, and where not; neither is taken for the truth.

    Other methods, scalings or levels of one image can be compared; a kept cut is named as RUN/cuts/NAME.
    """
    from spaxel.workflow.comparing import compare as compare_runs

    held = parse_memory(memory)
    found = compare_runs(run, other, out=out, overwrite=overwrite, same_image=same_image, memory=held)
    if json:
        return print_json(found.values())
    agreed, (one, two) = found.agreement, found.sides
    say(found.sentence)
    say(
        f"adjusted mutual information {agreed.ami:.2f}; mean intersection over union {sum(agreed.iou) / len(agreed.iou):.2f}"
    )
    shares = agreed.table.sum(1) / agreed.n_pixels, agreed.table.sum(0) / agreed.n_pixels
    rows = [
        (found.names[0][i], f"{shares[0][i]:.1%}", found.names[1][j], f"{shares[1][j]:.1%}", f"{iou:.2f}")
        for (i, j), iou in zip(agreed.matching, agreed.iou, strict=True)
    ]
    for k in (0, 1):
        matched = {pair[k] for pair in agreed.matching}
        rest = [(name, f"{shares[k][i]:.1%}") for i, name in enumerate(found.names[k]) if i not in matched]
        rows += [(*pair, "-", "", "") if k == 0 else ("-", "", *pair, "") for pair in rest]
    print_table(rows, (one.title, "share", two.title, "share", "IoU"), right=(1, 3, 4))
    return say(f"page: {out}") if out is not None else None
