"""spaxel train-metric."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import command_line, say, watching
from spaxel.commands.options import Overwrite, Quiet, Resume, Seed


def train_metric(
    field: Annotated[str, Parameter(help="maxrf: paintings under X-ray fluorescence; ifu: galaxies")],
    /,
    *,
    out: Annotated[Path, Parameter(alias="-o", help="file to write, .safetensors")],
    worlds: Annotated[
        int, Parameter(help="simulated images to learn from, about a CPU second each", show_default=True)
    ] = 400,
    epochs: Annotated[int, Parameter(help="epochs of 250 steps", show_default=True)] = 24,
    seed: Seed = 0,
    device: Annotated[str, Parameter(help="where it is trained: cpu, cuda, auto")] = "cpu",
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Learn distances from simulated worlds of a field, for --method learned --weights FILE."""
    from spaxel.workflow.fitting import process_number
    from spaxel.workflow.metric_training import train_metric as train

    with watching(quiet=quiet or process_number() > 0):
        last = train(
            field, out, worlds=worlds, epochs=epochs, seed=seed, device=device, resume=resume, overwrite=overwrite,
            command=command_line(),
        )  # fmt: skip
    if process_number() == 0:
        say(f"wrote {out}: loss on worlds that were not learned from {last['score']:.3f}")
        say(f"use it: spaxel segment FILE --out RUN --method learned --weights {out}")
