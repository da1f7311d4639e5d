"""spaxel match."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import print_json, print_table, say
from spaxel.commands.options import Json, Overwrite, Reading


def match(
    run: Path,
    /,
    *,
    library: Annotated[Path, Parameter(help="file of named spectra: ENVI .sli, CSV, JCAMP-DX, ASD, SPC …")],
    top: Annotated[int, Parameter(help="entries to name for each component", show_default=True)] = 3,
    out: Annotated[Path | None, Parameter(alias="-o", help="CSV file to write")] = None,
    keep: Annotated[bool, Parameter(negative="", help="keep the answers in the run, whose report shows them")] = False,
    overwrite: Overwrite = False,
    json: Json = False,
    reading: Reading | None = None,
) -> None:
    """Which spectra of a library are nearest to the components of a run, and whether any fits: candidates, never a proof.

    The angle between the spectra (radians, 0: same shape) has the spread of the component as its error.
    """
    from spaxel.workflow.matching import match as find
    from spaxel.workflow.matching import write_matches

    answers = find(run, library, top=top, **(reading or Reading()).options())
    if out is not None:
        write_matches(answers, out, overwrite=overwrite)
    if keep:
        from spaxel.reporting import report
        from spaxel.store.uploads import changing
        from spaxel.workflow.matching import keep_matches

        with changing(run) as place:
            keep_matches(place, library, answers)
            report(place)
    if json:
        return print_json(
            [answer._asdict() | {"candidates": [c._asdict() for c in answer.candidates]} for answer in answers]
        )
    rows = [
        (answer.component if not place else "", c.name, f"{c.angle:.3f} ± {c.error:.3f}", f"{c.correlation:.3f}",
         answer.verdict if not place else "")
        for answer in answers
        for place, c in enumerate(answer.candidates)
    ]  # fmt: skip
    print_table(rows, ("component", "library", "angle", "correlation", ""), right=(2, 3))
    for answer in answers:
        say(f"{answer.component}: {answer.sentence}")
    if out is not None:
        say(f"wrote {out}")
    return None
