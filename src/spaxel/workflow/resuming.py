"""When --resume may go on with a run that was interrupted after its fit: what decides its bits must be the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from warnings import warn

from spaxel.errors import all_called
from spaxel.methods.registry import load
from spaxel.methods.saving import save
from spaxel.store import provenance
from spaxel.store.owner import kept_at
from spaxel.store.run_folder import ARRAYS
from spaxel.store.unfinished import Unfinished
from spaxel.store.uploads import place_of
from spaxel.workflow.plan import Opened, RunPlan, shown_options

NEVER = (
    "memory",
    "checkpoint",
    "device",
)  # parameters that never change what is mapped, or are in the arrays of the model


def fit_or_load(
    unfinished: Unfinished, plan: RunPlan, model: Any, files: Sequence[Opened], fit: Callable[[], Path | None]
) -> tuple[Any, Path | None]:
    """The fitted model, kept from an interrupted run or fitted now and kept; and the checkpoint that goes in the end, or None.

    Raises ParameterError if what was interrupted is another run.
    """
    key = key_of_run(plan, model, files)
    place = unfinished.scratch / "model"
    if unfinished.begin(key):
        again = load(place)
        kept = {name: value for name, value in model.get_params().items() if name in NEVER}
        return again.set_params(**kept), place_of(plan.out).with_name(f"{place_of(plan.out).name}.checkpoint")
    checkpoint = fit()
    unfinished.scratch.mkdir(exist_ok=True)
    save(model, place, overwrite=True)
    unfinished.keep(key)
    return model, checkpoint


def awaits_no_help(plan: RunPlan) -> bool:
    """Whether the first of several processes goes on after the fit, so that the others have nothing to do."""
    return plan.resume and kept_at(place_of(plan.out))


def go_on(unfinished: Unfinished, key: dict[str, Any], *, resume: bool = False) -> None:
    """Begin a run that has no fit, or go on with it. Raises ParameterError if what was interrupted is another run."""
    if not unfinished.begin(key):
        if resume:
            warn("There is nothing to resume from, so the run begins anew.", UserWarning, stacklevel=2)
        unfinished.keep(key)


def key_of_run(plan: RunPlan, model: Any, files: Sequence[Opened]) -> dict[str, Any]:
    """What decides the bits of a run with a fit, by names that people know."""
    parameters = {name: value for name, value in model.get_params().items() if name not in NEVER}
    asked = {name: getattr(plan, name) for name in ("steps", "despike", "drop_channels", "reference")}
    return (
        {"method": plan.method}
        | all_called(parameters)
        | provenance.contents(parameters)
        | asked
        | _common(plan, files)
    )


def key_of_prediction(plan: RunPlan, run: Path, held: dict[str, Any], file: Opened) -> dict[str, Any]:
    """What decides the bits of a prediction."""
    digest = hashlib.sha256((run / ARRAYS).read_bytes()).hexdigest()
    return {"method": held["method"], "model": digest, "cut": held.get("cut")} | _common(plan, [file])


def _common(plan: RunPlan, files: Sequence[Opened]) -> dict[str, Any]:
    asked: dict[str, Any] = {
        name: getattr(plan, name) for name in ("lines", "rare", "lean", "calibrate", "redshift", "medium")
    }
    asked["options"] = shown_options(plan)
    inputs = {f"input {i}": provenance.told(file.path, file.signature, file.raw) for i, file in enumerate(files)}
    steps = {
        f"step {i} {name}": value
        for i, step in enumerate(plan.steps)
        for name, value in step.get("parameters", {}).items()
    }
    return (
        asked
        | inputs
        | provenance.contents((plan.options or {}) | steps)
        | {"versions": provenance.about("", None)["versions"]}
    )
