"""spaxel segment, spaxel unmix, spaxel predict."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.allocator import return_tiles
from spaxel.commands.console import command_line, watching
from spaxel.commands.options import (
    Device,
    Memory,
    Out,
    Overwrite,
    Reading,
    Seed,
    Treating,
    parse_memory,
    with_method_parameters,
)
from spaxel.commands.summary import print_all, print_run
from spaxel.errors import ParameterError
from spaxel.methods.registry import METHODS, UNMIXING, method_class
from spaxel.workflow import runs
from spaxel.workflow.fitting import process_number

SEGMENTING = tuple(name for name in METHODS if name not in UNMIXING)
Resume = Annotated[bool, Parameter(negative="", help="go on with a fit that was interrupted, from OUT.checkpoint")]
Files = Annotated[list[Path], Parameter(negative="", help="cubes on one axis; several share one model")]


@with_method_parameters(SEGMENTING)
def segment(
    files: Files,
    /,
    *,
    out: Out,
    method: Annotated[str, Parameter(help=", ".join(SEGMENTING))] = "kmeans",
    seed: Seed = 0,
    memory: Memory = "1GiB",
    device: Device = "cpu",
    overwrite: Overwrite = False,
    resume: Resume = False,
    reference: Annotated[
        tuple[Path, ...],
        Parameter(negative="", help="of several files, one to compare the others with; may be repeated"),
    ] = (),
    reading: Reading | None = None,
    treating: Treating | None = None,
    **parameters: str | None,
) -> None:
    """Which pixels are alike: a label map, the mean spectra and a report, without labels."""
    _check_method(method, SEGMENTING, UNMIXING, "unmix")
    _run(files, out, method, seed, memory, device, overwrite, resume, reading, treating, parameters, reference)


@with_method_parameters(UNMIXING)
def unmix(
    files: Files,
    /,
    *,
    out: Out,
    method: Annotated[str, Parameter(help=", ".join(UNMIXING))] = "mcr",
    seed: Seed = 0,
    memory: Memory = "1GiB",
    device: Device = "cpu",
    overwrite: Overwrite = False,
    resume: Resume = False,
    reading: Reading | None = None,
    treating: Treating | None = None,
    **parameters: str | None,
) -> None:
    """Which pure spectra are mixed, how many, and how much of each: tables, maps and a report."""
    _check_method(method, UNMIXING, SEGMENTING, "segment")
    _run(files, out, method, seed, memory, device, overwrite, resume, reading, treating, parameters)


def _check_method(method: str, known: tuple[str, ...], others: tuple[str, ...], verb: str) -> None:
    if method in others:
        raise ParameterError(f"--method {method} belongs to spaxel {verb}. Known here: {', '.join(known)}.")


def _where(method: str, device: str) -> dict[str, str]:
    """The parameter `device` of methods that declare one; ParameterError where another than the cpu is asked of the others."""
    if any(field.name == "device" for field in dataclasses.fields(method_class(method))):
        return {"device": device}
    if device != "cpu":
        raise ParameterError(f"--device is {device!r}, but {method} runs on the cpu only.")
    return {}


def _run(
    files: list[Path],
    out: Path,
    method: str,
    seed: int,
    memory: str,
    device: str,
    overwrite: bool,
    resume: bool,
    reading: Reading | None,
    treating: Treating | None,
    parameters: dict[str, str | None],
    reference: tuple[Path, ...] = (),
) -> None:
    where = _where(method, device)
    reading, treating = reading or Reading(), treating or Treating()
    given = {name: value for name, value in parameters.items() if value is not None}
    return_tiles()
    with watching() as watch:
        runs.segment(
            files, out, method=method, parameters={**given, **where, "random_state": seed, "memory": parse_memory(memory)},
            steps=treating.steps(), drop_channels=not treating.keep_channels, options=reading.options(),
            reference=reference, overwrite=overwrite, resume=resume, command=command_line(),
            tell=watch.stage, progress=watch.progress,
        )  # fmt: skip
    if process_number() == 0:
        print_all(out)


def predict(
    run: Path,
    file: Path,
    /,
    *,
    out: Out,
    overwrite: Overwrite = False,
    reading: Reading | None = None,
) -> None:
    """Apply the model of a run to another file on the same axis; labels mean the same."""
    reading = reading or Reading()
    return_tiles()
    with watching() as watch:
        runs.predict(
            run, file, out, options=reading.options(), overwrite=overwrite, command=command_line(),
            tell=watch.stage, progress=watch.progress,
        )  # fmt: skip
    print_run(out)
