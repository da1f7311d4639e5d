"""spaxel demo, spaxel doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import command_line, print_json, print_table, say, watching
from spaxel.commands.options import Json, Overwrite, Seed


def demo(
    folder: Annotated[Path, Parameter(help="where the painting and its run are written")] = Path("runs/demo"),
    /,
    *,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Simulate a small painting under an X-ray scanner, segment it, and say how well that agrees with the truth."""
    from spaxel.commands.summary import print_run
    from spaxel.readers.native import write_cube
    from spaxel.synth import simulate
    from spaxel.workflow.runs import segment

    painting = write_cube(
        simulate("maxrf", height=96, width=128, seed=seed), folder / "painting.zarr", overwrite=overwrite
    )
    say(f"simulated {painting}: 96 x 128 pixels, known pigments")
    with watching():
        run = segment(
            [painting],
            folder / "run",
            parameters={"random_state": seed},
            overwrite=overwrite,
            command=command_line(),
        )
    print_run(run)


def doctor(*, json: Json = False) -> None:
    """Versions, processors, readers, and what is missing."""
    from spaxel.workflow.describe import diagnose

    found = diagnose()
    if json:
        return print_json(found)
    for title, rows in found.items():
        say(title)
        print_table([(f"  {name}", value) for name, value in rows.items()], ("", ""))
    return None
