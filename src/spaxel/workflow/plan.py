"""What a run is asked to do, in one object, and the clock that times its stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.errors import all_called
from spaxel.pace import within
from spaxel.store import provenance
from spaxel.store.addresses import stem_of


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What `segment` and `predict` are asked to do; `predict` takes what it needs of method and steps from its run.

    paths, options : files, and what open_cube needs to know of them      out : the folder to make
    method, parameters : which, and its parameters by name                steps : {name, parameters} of spaxel.preprocess
    despike : auto: methods that segment remove spikes where there are any, after crop and rebin, unless a step does it
              (unmixing has its own way); anything else: only what the steps say
    drop_channels  : leave out channels that say nothing (see mask_channels)
    reference : of several files, those that the others are compared with (else each with all others): what is new?
    overwrite : replace the run that lies at `out`
    resume    : go on with a run that was interrupted: from the checkpoint `OUT.checkpoint` of its fit, or, after the fit, with
                the cubes and tiles that are finished (spaxel.workflow.fitting, spaxel.store.unfinished)
    lines     : of which maps are made: ("auto",), ("none",) or names, see spaxel.line_maps
    rare      : look for small targets, see spaxel.find_rare
    lean      : of maps labels and confidence only; no page, and no maps of lines unless they are named: `spaxel report RUN`
                makes both later, `spaxel predict RUN FILE` all maps, with the same labels
    calibrate : name of a column of numbers of the table, from whose known values abundances are calibrated (spaxel.calibrate)
    redshift, medium : of the object and its wavelengths, for lines of gas; kept in run.json
    command   : as it was typed, for run.json
    storage   : options of what opens addresses (spaxel.store.addresses.using); never written
    """

    paths: Sequence[str | Path]
    out: str | Path
    method: str = "consensus"
    parameters: dict[str, Any] = field(default_factory=dict)
    steps: Sequence[dict[str, Any]] = ()
    despike: str = "auto"
    drop_channels: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    reference: Sequence[str | Path] = ()
    overwrite: bool = False
    resume: bool = False
    lines: Sequence[str] = ("auto",)
    rare: bool = False
    lean: bool = False
    calibrate: str | None = None
    redshift: float | None = None
    medium: str | None = None
    command: str = ""
    storage: dict[str, Any] | None = None

    @property
    def mapped_lines(self) -> Sequence[str]:
        """The lines of which maps are made with the run."""
        return ("none",) if self.lean and tuple(self.lines) == ("auto",) else self.lines


@dataclass(frozen=True)
class Opened:
    """A file, the cube as it is in it, and after the steps."""

    path: str | Path
    raw: xr.Dataset
    cube: xr.Dataset

    @cached_property
    def signature(self) -> dict[str, Any]:
        """What the input was, see spaxel.store.provenance; the file is read for it."""
        return provenance.signature(self.path, self.raw)

    def about(self, plan: RunPlan) -> dict[str, Any]:
        """What run.json says of the file, and of how it was read."""
        about = {"name": stem_of(self.path), "input": self.signature}
        told = {"reading": shown_options(plan) or None, "redshift": plan.redshift, "medium": plan.medium}
        return about | {name: value for name, value in told.items() if value is not None}


def shown_options(plan: RunPlan) -> dict[str, Any]:
    """How files are read, as it may be kept: addresses (of a mask, an axis, a truth) without their secrets, no `storage`."""
    return {name: all_called(value) for name, value in (plan.options or {}).items() if name != "storage"}


class Clock:
    """Seconds per stage, for run.json and history.jsonl."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __call__(self, stage: str, function: Callable, *arguments: Any, **options: Any) -> Any:
        """Call a function as a stage of this name, which is told (spaxel.pace)."""
        wall, cpu = time.perf_counter(), time.process_time()
        with within(stage):
            answer = function(*arguments, **options)
        seconds = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
        self.lines.append({"stage": stage, **{k: round(v, 3) for k, v in seconds.items()}})
        return answer

    def seconds(self) -> dict[str, float]:
        """Wall seconds by stage."""
        return {line["stage"]: line["seconds"] for line in self.lines}
