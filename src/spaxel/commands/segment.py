"""spaxel segment, spaxel unmix, spaxel predict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from spaxel.commands.allocator import return_tiles
from spaxel.commands.console import command_line, print_table, say, watching
from spaxel.commands.method_options import options_of, table
from spaxel.commands.options import (
    Lean,
    Lines,
    Memory,
    Out,
    Overwrite,
    OwnMemory,
    Quiet,
    Rare,
    Reading,
    Resume,
    Seed,
    Treating,
    Where,
    parse_memory,
)
from spaxel.errors import ParameterError

DryRun = Annotated[
    bool,
    Parameter(negative="", help="say what it would take (memory, time, disk, pixels learned from), and write nothing"),
]
Files = Annotated[list[Path], Parameter(negative="", help="cubes on one axis; several share one model")]
DEFAULT = {"segment": "consensus", "unmix": "mcr"}  # the method of each verb


def default_method(verb: str, tokens: list[str]) -> str:
    """The method of a verb where none is named: a library is unmixed by the one that knows libraries."""
    asked = any(token.partition("=")[0] == "--library" for token in tokens)
    return "library" if verb == "unmix" and asked else DEFAULT[verb]


def _methods(verb: str) -> str:
    return f"{', '.join(table()[verb])}; each has its options, see --method NAME --help (default {DEFAULT[verb]})"


@Parameter(name="*")
@dataclass
class Fitting:
    """How a fit is run, whatever the method."""

    seed: Seed = 0
    memory: Memory = "1GiB"
    overwrite: Overwrite = False
    resume: Resume = False
    dry_run: DryRun = False
    quiet: Quiet = False
    rare: Rare = False
    lean: Lean = False


def segment(
    files: Files,
    /,
    *,
    out: Out,
    method: Annotated[str, Parameter(help=_methods("segment"), show_default=False)] = "consensus",
    fitting: Fitting | None = None,
    reference: Annotated[
        tuple[Path, ...],
        Parameter(negative="", help="of several files, one to compare the others with; may be repeated"),
    ] = (),
    reading: Reading | None = None,
    treating: Treating | None = None,
    lines: Lines | None = None,
    where: Where | None = None,
    **parameters: str | bool | None,
) -> None:
    """Which pixels are alike: a label map, the mean spectra and a report, without labels."""
    parameters = _parameters("segment", method, fitting or Fitting(), parameters)
    told = (lines or Lines()).asked()
    asked = {"method": method, "parameters": parameters, "reference": reference} | told
    _run(files, out, fitting or Fitting(), reading, treating, where, **asked)


def unmix(
    files: Files,
    /,
    *,
    out: Out,
    method: Annotated[str, Parameter(help=_methods("unmix"), show_default=False)] = "mcr",
    calibrate: Annotated[
        str | None,
        Parameter(
            help="a column of the table with known values of some samples: the others are predicted, with errors"
        ),
    ] = None,
    fitting: Fitting | None = None,
    reading: Reading | None = None,
    treating: Treating | None = None,
    lines: Lines | None = None,
    where: Where | None = None,
    **parameters: str | bool | None,
) -> None:
    """Which pure spectra are mixed, how many, and how much of each: tables, maps and a report."""
    parameters = _parameters("unmix", method, fitting or Fitting(), parameters)
    told = (lines or Lines()).asked()
    told |= {"calibrate": calibrate}
    _run(files, out, fitting or Fitting(), reading, treating, where, method=method, parameters=parameters, **told)


def _parameters(verb: str, method: str, fitting: Fitting, options: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the method that were given. Raises ParameterError for a device that it has no use for."""
    given = {name: value for name, value in options.items() if value is not None}
    if not any(option.name == "device" for option in options_of(verb, method)):
        device = given.pop("device", "cpu")
        if device != "cpu":
            raise ParameterError(f"--device is {device!r}, but {method} runs on the cpu only.")
    return given | {"random_state": fitting.seed, "memory": parse_memory(fitting.memory)}


def _run(
    files: list[Path], out: Path, fitting: Fitting, reading: Reading | None, treating: Treating | None,
    where: Where | None, **asked: Any,
) -> None:  # fmt: skip
    """Fit and print. asked : method, parameters, reference, lines, as spaxel.workflow.runs.segment takes them."""
    from spaxel.commands.summary import print_all
    from spaxel.workflow import runs
    from spaxel.workflow.fitting import process_number

    reading, treating = reading or Reading(), treating or Treating()
    asked |= {
        "steps": treating.steps(), "despike": treating.despike or "auto", "drop_channels": not treating.keep_channels,
        "options": reading.options(), "overwrite": fitting.overwrite, "resume": fitting.resume, "rare": fitting.rare,
        "lean": fitting.lean,
        "command": command_line(),
    }  # fmt: skip
    if fitting.dry_run:
        from spaxel.workflow.foreseen import foresee

        return _say(foresee(runs.RunPlan(paths=files, out=out, **asked)))
    return_tiles()
    with watching(quiet=fitting.quiet or process_number() > 0), (where or Where()).executing():
        runs.segment(files, out, **asked)
    if process_number() == 0:
        print_all(out)
    return None


def _say(told: dict[str, str]) -> None:
    """What a run would take, on stdout."""
    print_table(list(told.items()), ("", ""))
    say("nothing was written")


def predict(
    run: Path,
    file: Path,
    /,
    *,
    out: Out,
    overwrite: Overwrite = False,
    resume: Resume = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    memory: OwnMemory = None,
    rare: Rare = False,
    lean: Lean = False,
    reading: Reading | None = None,
    lines: Lines | None = None,
    where: Where | None = None,
) -> None:
    """Apply the model of a run to another file on the same axis; labels mean the same."""
    from spaxel.commands.summary import print_run
    from spaxel.workflow import runs

    reading = reading or Reading()
    if dry_run:
        from spaxel.workflow.foreseen import foresee_prediction
        from spaxel.workflow.plan import RunPlan

        asked = {} if memory is None else {"memory": parse_memory(memory)}
        plan = RunPlan(
            paths=[file],
            out=out,
            overwrite=overwrite,
            resume=resume,
            options=reading.options(),
            parameters=asked,
        )
        return _say(foresee_prediction(run, plan))
    return_tiles()
    with watching(quiet=quiet), (where or Where()).executing():
        runs.predict(
            run, file, out, options=reading.options(), overwrite=overwrite, resume=resume, rare=rare, lean=lean,
            command=command_line(), memory=None if memory is None else parse_memory(memory),
            **(lines or Lines()).asked(),
        )  # fmt: skip
    print_run(out)
    return None
