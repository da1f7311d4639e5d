"""From files to a run folder: what `spaxel segment`, `unmix` and `predict` do, as functions.

`segment` has four steps: open the files, fit a model, map each cube, write tables and pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel import reporting
from spaxel.cube import note
from spaxel.cube.kept import keeping
from spaxel.cube.mapping import DEFAULT_MEMORY
from spaxel.cube.remembered import forget, kept_now, remembering
from spaxel.cube.sampling import MOST_TOGETHER
from spaxel.cube.stored import is_lazy
from spaxel.errors import NotFound, ParameterError, naming
from spaxel.methods.contract import parse_parameters
from spaxel.methods.registry import UNMIXING, apply, load, method_class, with_few_maps
from spaxel.methods.saving import describe
from spaxel.metrics import matched_spectra
from spaxel.metrics.labels import truth_labels
from spaxel.metrics.shares import rmse_of_shares
from spaxel.preprocess import mask_channels, repeat
from spaxel.preprocess.advice import background_advice
from spaxel.preprocess.steps import apply_to_all
from spaxel.readers import open_cube
from spaxel.results.advice import try_next
from spaxel.results.cut import recall
from spaxel.results.line_maps import check_lines
from spaxel.results.walk import bounded
from spaxel.store import provenance
from spaxel.store.addresses import address_of, said, using
from spaxel.store.here import check_local
from spaxel.store.run_folder import (
    ACTIVATION,
    new_run,
    read_json,
    read_result,
    write_arrays,
    write_history,
    write_json,
    write_result,
)
from spaxel.store.unfinished import Unfinished, advised
from spaxel.workflow.beside import (
    common_colors,
    cubes_of,
    folder_names,
    referred,
    scored,
    write_beside,
    write_joined,
)
from spaxel.workflow.calibrating import check_column, with_calibration, with_calibration_of, write_calibration
from spaxel.workflow.fanning import mapped_together, small
from spaxel.workflow.fitting import fit, process_number
from spaxel.workflow.lines import with_lines
from spaxel.workflow.plan import Clock, Opened, RunPlan
from spaxel.workflow.rare import with_rare, write_rare
from spaxel.workflow.recut import recut
from spaxel.workflow.resuming import awaits_no_help, fit_or_load, go_on, key_of_prediction

KEEPING, OF_SAMPLE = ("kmeans", "consensus"), 4  # methods whose fit holds about so many samples in float64

__all__ = ["Clock", "RunPlan", "carry_out", "predict", "recut", "segment"]


@dataclass
class Work:
    """What the steps of a run share: the plan, the folder that is filled, the model, and the clock."""

    plan: RunPlan
    folder: Path
    model: Any
    clock: Clock
    unfinished: Unfinished
    cut: dict[str, Any] | None = (
        None  # of `predict`: the components of a run that was cut, see spaxel.results.cut.record
    )


def segment(paths: Sequence[str | Path], out: str | Path, **options: Any) -> Path:
    """Segment or unmix one file, or several on one axis with one model, and write a run folder. Returns `out`.

    paths, out : also addresses (s3://…)
    options : see spaxel.workflow.plan.RunPlan: method, parameters, steps, despike, drop_channels, options, reference,
              overwrite, resume, lean, command, storage
    Several files: the model and a joined page lie in `out`, the result of each in a folder of its own inside. Of several
    processes of torchrun only the first writes.
    Raises any SpaxelError; then nothing is written but the checkpoint of a method that trains.
    """
    plan = RunPlan(paths=paths, out=out, **options)
    with using(plan.storage):
        return carry_out(plan)


def carry_out(plan: RunPlan) -> Path:
    """Do what a plan says, as `segment`: open, fit, map each cube, write tables and pages."""
    _check_apart(plan.out, *plan.paths)
    method = method_class(plan.method)
    model = method(**parse_parameters(method, plan.parameters or {}))
    if process_number():  # it helps the first one with the training
        if not awaits_no_help(plan):
            _fit(plan, model, open_all(plan))
        return Path(plan.out)
    clock = Clock()
    held = bounded(getattr(model, "memory", None))
    with (
        held,
        new_run(plan.out, overwrite=plan.overwrite, resume=plan.resume) as folder,
        advised(folder),
        remembering(_room(plan, model)) as cells,
    ):
        files = clock("open", open_all, plan)
        cells.keep = _kept_room(plan, model, files[0])
        cells.limit(_room_beside(model, files[0]))
        check_column(plan, files[0].raw)
        check_lines(files[0].raw, plan.lines, plan.redshift, plan.medium)
        unfinished = Unfinished(folder)
        with naming(plan.paths[0]) if len(files) == 1 else nullcontext():
            model, checkpoint = fit_or_load(
                unfinished, plan, model, files, partial(clock, "fit", _fit, plan, model, files)
            )
        forget()
        seed, used = getattr(model, "random_state", None), getattr(model, "libraries", ())
        run = describe(model) | provenance.about(plan.command, seed, used)
        write_arrays(folder, model.state_)
        work = Work(plan, folder, with_few_maps(model) if plan.lean else model, clock, unfinished)
        _map_one(work, files[0], run) if len(files) == 1 else _map_each(work, files, run)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return Path(plan.out)


def predict(run: str | Path, path: str | Path, out: str | Path, *, memory: int | None = None, **options: Any) -> Path:
    """Apply the model of a run to another file and write a run folder; labels mean the same as in the first. Returns `out`.

    memory  : bytes of the cube and of maps that are held at once; None: as the model was fitted
    options : see spaxel.workflow.plan.RunPlan: options, overwrite, resume, lean, command, storage
    If the run was cut, merged or named by hand, so is the answer. What is present here and in no cube of the run is new.

    Raises CubeError if the file's axis is another one (the message says what differs), NotFound if there is no model.
    """
    own = {} if memory is None else {"memory": memory}
    plan = RunPlan(paths=[path], out=out, parameters=own, **options)
    with using(plan.storage):
        _check_apart(out, run, path)
        return _predict(plan, check_local(run), said(run), memory)


def _predict(plan: RunPlan, run: Path, called: str, memory: int | None) -> Path:
    """As `predict`. called : where the run lies"""
    path, out = plan.paths[0], plan.out
    held = read_json(run)
    if "model" in held and "learned" not in held:
        raise NotFound(f"{run} holds no fitted model. Try {(run / held['model']).resolve()}, which made it.")
    clock = Clock()
    with bounded(memory), new_run(out, overwrite=plan.overwrite, resume=plan.resume) as folder, advised(folder):
        model = clock("load", load, run)
        model.memory = memory or model.memory
        cube = clock("open", open_cube, path, **(plan.options or {}))
        about = provenance.about(plan.command, held.get("seed")) | {
            "method": held["method"],
            "model": called,
        }
        about |= {key: held[key] for key in ("cut", "colors") if key in held}
        plan = replace(plan, redshift=plan.redshift or held.get("redshift"), medium=plan.medium or held.get("medium"))
        file, unfinished = Opened(path, cube, cube), Unfinished(folder)
        go_on(unfinished, key_of_prediction(plan, run, held, file), resume=plan.resume)
        model = with_few_maps(model) if plan.lean else model
        work = Work(plan, folder, model, clock, unfinished, held.get("cut"))
        _map_one(work, file, about, run)
    return Path(out)


def open_all(plan: RunPlan) -> list[Opened]:
    """The cubes as they are in the files, and after the steps."""
    if not plan.paths:
        raise ParameterError("There is no file to segment. Try spaxel segment FILE --out RUN.")
    cubes = [open_cube(path, **(plan.options or {})) for path in plan.paths]
    if plan.redshift is not None:
        cubes = [cube.assign_attrs(redshift=float(plan.redshift)) for cube in cubes]
    with naming(plan.paths[0]):
        treated = apply_to_all(cubes, _steps(plan))
        first = mask_channels(treated[0]) if plan.drop_channels else treated[0]
        advice = "" if plan.method in UNMIXING or _flat(first) else background_advice(first)
    treated = [first, *(repeat(cube, first.attrs["steps"]) for cube in treated[1:])]
    treated = [note(cube, advice) for cube in treated] if advice else treated
    return [Opened(*file) for file in zip(plan.paths, cubes, treated, strict=True)]


def _steps(plan: RunPlan) -> list[dict[str, Any]]:
    """The steps of a plan, with the search for spikes where it belongs."""
    steps = list(plan.steps)
    if plan.despike != "auto" or plan.method in UNMIXING or any(step["name"] == "despike" for step in steps):
        return steps
    place = next((i for i, step in enumerate(steps) if step["name"] not in ("crop", "rebin")), len(steps))
    return [*steps[:place], {"name": "despike", "parameters": {"threshold": "auto"}}, *steps[place:]]


def _flat(cube: xr.Dataset) -> bool:
    """Whether a step has taken a background away already."""
    return any(step["name"] in ("baseline", "derivative", "emsc", "continuum_removal") for step in cube.attrs["steps"])


def _room(plan: RunPlan, model: Any) -> int:
    """Bytes for cells of a single file that are read for its channels and again for the fit."""
    once = len(plan.paths) != 1 or not plan.drop_channels
    return 0 if once else max(0, (getattr(model, "memory", None) or DEFAULT_MEMORY) // 2 - 2 * MOST_TOGETHER)


def _room_beside(model: Any, file: Opened) -> int:
    """Bytes of these cells that may stay while the sample is drawn and looked at."""
    memory, sampled = getattr(model, "memory", None) or DEFAULT_MEMORY, getattr(model, "sampled_bytes", None)
    spectra = file.cube["spectra"]
    sample = sampled(spectra.shape[2], spectra.dtype) if sampled else 0
    return max(0, memory - 2 * sample - 2 * MOST_TOGETHER)


def _kept_room(plan: RunPlan, model: Any, file: Opened) -> int:
    """Bytes for cells of it that stay until the file is mapped: a quarter of the memory, where the fit needs little of it."""
    memory, sample = getattr(model, "memory", None) or DEFAULT_MEMORY, getattr(model, "n_sample", 0)
    small = plan.method in KEEPING and OF_SAMPLE * 8 * sample * file.cube.sizes["channel"] <= memory // 4
    return memory // 4 if small else 0


def _fit(plan: RunPlan, model: Any, files: Sequence[Opened]) -> Path | None:
    """Fit the model to the cubes; the checkpoint that is to be deleted once the run is written, or None."""
    cubes = [file.cube for file in files]
    data = cubes if len(cubes) > 1 else cubes[0]
    return fit(model, data, plan.out, resume=plan.resume, overwrite=plan.overwrite)


def _map_one(work: Work, file: Opened, run: dict[str, Any], compared: Path | None = None) -> None:
    """The run of a single cube: its result, tables and page. compared : the run whose cubes say what is new in it."""
    run = run | file.about(work.plan)
    result = _answer(work, work.folder, file, compared)
    others = None if compared is None else cubes_of(compared)
    beside = work.clock("tables", write_beside, work.folder, run["name"], result, others)
    run |= beside if compared is not None else beside | {"colors": common_colors([result])}
    _finish(work, work.folder, run | _judged(work, result, file.cube, _shown(work.plan.out)))
    if not work.plan.lean:
        work.clock("report", reporting.report, work.folder)


def _map_each(work: Work, files: Sequence[Opened], run: dict[str, Any]) -> None:
    """The run of several cubes: a result and a page for each, in common colours, and tables and a page of all."""
    plan, folder, clock = work.plan, work.folder, work.clock
    names = folder_names(plan.paths)
    run |= {
        "inputs": dict(zip(names, map(_shown, plan.paths), strict=True)),
        "reference": referred(plan.reference, names, plan.paths),
    }
    children = {name: about for name in names if (about := work.unfinished.cube(name)) is not None}
    left = [(name, file) for name, file in zip(names, files, strict=True) if name not in children]
    for name, file, result in _answers(work, left):
        about = provenance.about(plan.command, run["seed"]) | {"method": plan.method, "model": ".."} | file.about(plan)
        children[name] = about | _judged(work, result, file.cube, f"{_shown(plan.out)}/{name}")
        write_history(folder / name, clock.lines)
        work.unfinished.keep_cube(name, children[name])
    colors = clock("colors", lambda: common_colors([read_result(folder / name) for name in names]))
    write_json(folder, run | {"colors": colors, "seconds": clock.seconds()})
    beside = clock("tables", write_joined, folder, names, run["reference"])
    for name in names:
        write_json(folder / name, children[name] | {"colors": colors} | beside[name])
    write_history(folder, [*run["learned"].get("history", []), *clock.lines])
    for name in [] if plan.lean else [*names, *([""] if (folder / ACTIVATION).is_file() else [])]:
        clock("report", reporting.report, folder / name)


def _check_apart(out: str | Path, *read: str | Path) -> None:
    """Refuse to write where something lies that is read: with `overwrite` it would be deleted."""
    place = check_local(out, write=True)
    address = address_of(place, write=True)
    for path in read:
        there = address_of(path)
        if there is None and address is None:
            inside = check_local(path).resolve().is_relative_to(place.resolve())
        else:
            inside = f"{there}/".startswith(f"{address}/")
        if inside:
            raise ParameterError(f"{out} cannot be written: {path}, which is read, lies there. Try another place.")


def _shown(path: str | Path) -> str:
    return str(path) if address_of(path) is None else said(path)


def _answers(work: Work, files: Sequence[tuple[str, Opened]]) -> Iterator[tuple[str, Opened, xr.Dataset]]:
    """The results of the cubes of a series, written: first those that are small, many at a time, then the others."""
    together = small(files, getattr(work.model, "memory", None))
    with closing(mapped_together(work.model, work.plan, together)) as made:
        for _ in together:
            name, file, result = work.clock("predict", next, made)
            (work.folder / name).mkdir()
            yield name, file, _written(work, work.folder / name, file, result)
    for name, file in files:
        if name not in dict(together):
            (work.folder / name).mkdir()
            yield name, file, _answer(work, work.folder / name, file)


def _answer(work: Work, folder: Path, file: Opened, compared: Path | None = None) -> xr.Dataset:
    """The result of the model on a cube, with the components of a cut by hand, written. compared : the run of the model"""
    with keeping(work.unfinished.maps(folder.name if folder != work.folder else "")):
        with naming(file.path):
            result = work.clock("predict", apply, work.model, file.cube)
        if work.plan.rare:
            result = work.clock("rare", with_rare, work.model, file.cube, result)
        result = with_calibration(work.plan, file.raw, result)
        if compared is not None:
            result = with_calibration_of(compared, result)
        if work.cut:
            result = recall(result, work.cut)
        result = work.clock("lines", with_lines, work.plan, file.raw, file.cube.attrs.get("steps", []), result)
    if (cells := kept_now()) is not None:
        cells.forget()
    return _written(work, folder, file, result)


def _written(work: Work, folder: Path, file: Opened, result: xr.Dataset) -> xr.Dataset:
    """The result, which lies in its folder now."""
    if "truth_labels" not in result and "truth_abundances" in file.cube:
        known = truth_labels(file.cube).astype("int32")
        result["truth_labels"] = (("y", "x"), known if is_lazy(result["labels"].data) else np.asarray(known))
    work.clock("write", write_result, folder, result)
    write_rare(folder, result)
    write_calibration(folder, result)
    return read_result(folder) if is_lazy(result["labels"].data) else result


def _judged(work: Work, result: xr.Dataset, cube: xr.Dataset, place: str) -> dict[str, Any]:
    """What run.json says of a result: what to try next, how well it agrees with a truth, and what it cost so far.

    place : where the run will lie
    """
    cost = {"seconds": work.clock.seconds(), "peak_memory_bytes": provenance.peak_memory()}
    return {"advice": try_next(result, place)} | scored(result) | _compared(result, cube) | cost


def _finish(work: Work, folder: Path, run: dict[str, Any]) -> None:
    """run.json and history of a result."""
    write_json(folder, run)
    write_history(folder, [*run.get("learned", {}).get("history", []), *work.clock.lines])


def _compared(result: xr.Dataset, cube: xr.Dataset) -> dict[str, Any]:
    """{"unmixing": angles and errors after matching} where the cube holds true spectra or abundances, else {}."""
    found: dict[str, Any] = {}
    if "abundances" in result and "truth_spectra" in cube and cube.sizes["channel"] == result.sizes["channel"]:
        match = matched_spectra(result["component_spectra"].values, cube["truth_spectra"].values)
        found |= {"n_true": cube.sizes["truth_component"], "mean_angle": match["mean_angle"], "angle": match["angle"]}
    if "abundances" in result and "truth_abundances" in cube:
        found |= {"abundance_rmse_of_shares": rmse_of_shares(result["abundances"], cube["truth_abundances"])}
    return {"unmixing": found} if found else {}
