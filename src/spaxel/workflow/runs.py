"""From a file to a run folder: what `spaxel segment` and `spaxel predict` do, as functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.errors import NotFound, ParameterError, naming
from spaxel.methods.contract import parse_parameters
from spaxel.methods.registry import apply, load, method_class
from spaxel.methods.saving import describe
from spaxel.metrics import abundance_rmse, matched_spectra
from spaxel.metrics.labels import truth_labels
from spaxel.preprocess import mask_channels, repeat
from spaxel.preprocess.steps import apply_step
from spaxel.readers import open_cube
from spaxel.reporting import report
from spaxel.results.cut import recall
from spaxel.store import provenance
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
from spaxel.workflow.fitting import fit, process_number
from spaxel.workflow.recut import (
    common_colors,
    cubes_of,
    folder_names,
    recut,
    referred,
    scored,
    write_beside,
    write_joined,
)

__all__ = ["Clock", "predict", "recut", "segment"]

Tell = Callable[[str], Any]  # told the name of each stage
Progress = Callable[[int, int], Any]


class Clock:
    """Seconds per stage, for run.json and history.jsonl."""

    def __init__(self, tell: Tell | None = None) -> None:
        self.lines: list[dict[str, Any]] = []
        self._tell = tell or (lambda stage: None)

    def __call__(self, stage: str, function: Callable, *arguments: Any, **options: Any) -> Any:
        """Call a function as a stage of this name."""
        self._tell(stage)
        wall, cpu = time.perf_counter(), time.process_time()
        answer = function(*arguments, **options)
        seconds = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
        self.lines.append({"stage": stage, **{k: round(v, 3) for k, v in seconds.items()}})
        return answer

    def seconds(self) -> dict[str, float]:
        """Wall seconds by stage."""
        return {line["stage"]: line["seconds"] for line in self.lines}


def segment(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    method: str = "kmeans",
    parameters: dict[str, Any] | None = None,
    steps: Sequence[dict[str, Any]] = (),
    drop_channels: bool = True,
    options: dict[str, Any] | None = None,
    reference: Sequence[str | Path] = (),
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Path:
    """Segment one file, or several on one axis with one model, and write a run folder.

    paths, options : files, and what open_cube needs to know of them      out : the folder to make
    method, parameters : which, and its parameters by name                steps : {name, parameters} of spaxel.preprocess
    drop_channels  : leave out channels that say nothing (see mask_channels)
    reference : of several files, those that the others are compared with (else each with all others): what is new?
    resume    : go on from the checkpoint `OUT.checkpoint` of a fit that was interrupted, see spaxel.workflow.fitting
    tell, progress : told the name of each stage; called with (done, in all): epochs, then pixels
    Several files: the model and a joined page lie in `out`, the result of each in a folder of its own inside. Of several
    processes of torchrun only the first writes.
    Raises any SpaxelError; then nothing is written but the checkpoint of a method that trains.
    """
    _check_apart(out, *paths)
    model = method_class(method)(**parse_parameters(method_class(method), parameters or {}))
    clock, how = Clock(tell), {"resume": resume, "overwrite": overwrite, "progress": progress}
    if process_number():  # it helps the first one with the training
        cubes = _open_all(paths, options or {}, steps, drop_channels)[1]
        fit(model, cubes if len(cubes) > 1 else cubes[0], out, **how)
        return Path(out)
    with new_run(out, overwrite=overwrite) as folder:
        opened, cubes = clock("open", _open_all, paths, options or {}, steps, drop_channels)
        with naming(paths[0]) if len(cubes) == 1 else nullcontext():
            checkpoint = clock("fit", fit, model, cubes if len(cubes) > 1 else cubes[0], out, **how)
        run = describe(model) | provenance.about(
            command, getattr(model, "random_state", None), getattr(model, "libraries", ())
        )
        write_arrays(folder, model.state_)
        if len(cubes) == 1:
            run |= _input(paths[0], opened[0])
            result = _answer(folder, run["input"]["path"], model, cubes[0], clock, progress)
            beside = clock("tables", write_beside, folder, run["name"], result)
            _finish(folder, run | {"presence": beside, "colors": common_colors([result])}, result, cubes[0], clock)
            clock("report", report, folder)
        else:
            names = folder_names(paths)
            run |= {"inputs": dict(zip(names, paths, strict=True)), "reference": referred(reference, names, paths)}
            for name, path, raw, cube in zip(names, paths, opened, cubes, strict=True):
                (folder / name).mkdir()
                child = provenance.about(command, run["seed"]) | {"method": method, "model": ".."} | _input(path, raw)
                result = _answer(folder / name, child["input"]["path"], model, cube, clock, progress)
                _finish(folder / name, child, result, cube, clock)
            _join(folder, run, names, clock)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return Path(out)


def _join(folder: Path, run: dict[str, Any], names: Sequence[str], clock: Clock) -> None:
    """Common colours, tables and pages of several cubes of one model."""
    colors = clock("colors", lambda: common_colors([read_result(folder / name) for name in names]))
    for name in names:
        write_json(folder / name, read_json(folder / name) | {"colors": colors})
    write_json(folder, run | {"colors": colors, "seconds": clock.seconds()})
    clock("tables", write_joined, folder, names, run["reference"])
    write_history(folder, [*run["learned"].get("history", []), *clock.lines])
    for name in [*names, *([""] if (folder / ACTIVATION).is_file() else [])]:
        clock("report", report, folder / name)


def predict(
    run: str | Path,
    path: str | Path,
    out: str | Path,
    *,
    options: dict[str, Any] | None = None,
    overwrite: bool = False,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Path:
    """Apply the model of a run to another file and write a run folder; labels mean the same as in the first.

    If the run was cut, merged or named by hand, so is the answer. What is present here and in no cube of the run is new.

    Raises CubeError if the file's axis is another one (the message says what differs), NotFound if there is no model.
    """
    _check_apart(out, run, path)
    run, clock = Path(run), Clock(tell)
    held = read_json(run)
    if "model" in held and "learned" not in held:
        raise NotFound(f"{run} holds no fitted model. Try {(run / held['model']).resolve()}, which made it.")
    with new_run(out, overwrite=overwrite) as folder:
        model = clock("load", load, run)
        cube = clock("open", open_cube, path, **(options or {}))
        child = provenance.about(command, held.get("seed")) | {"method": held["method"], "model": str(run.resolve())}
        child |= _input(path, cube) | {key: held[key] for key in ("cut", "colors") if key in held}
        result = _answer(folder, child["input"]["path"], model, cube, clock, progress, held.get("cut"))
        beside = clock("tables", write_beside, folder, child["name"], result, cubes_of(run))
        _finish(folder, child | {"presence": beside}, result, cube, clock)
        clock("report", report, folder)
    return Path(out)


def _open_all(
    paths: Sequence[str | Path], options: dict[str, Any], steps: Sequence[dict[str, Any]], drop_channels: bool
) -> tuple[list[xr.Dataset], list[xr.Dataset]]:
    """The cubes as they are in the files, and after the steps."""
    if not paths:
        raise ParameterError("There is no file to segment. Try spaxel segment FILE --out RUN.")
    cubes = [open_cube(path, **options) for path in paths]
    first = cubes[0]
    with naming(paths[0]):
        for step in steps:
            first = apply_step(first, step["name"], step["parameters"])
        first = mask_channels(first) if drop_channels else first
    return cubes, [first, *(repeat(cube, first.attrs["steps"]) for cube in cubes[1:])]


def _input(path: str | Path, cube: xr.Dataset) -> dict[str, Any]:
    """What run.json says of the file."""
    return {"name": Path(path).resolve().stem, "input": provenance.signature(Path(path), cube)}


def _check_apart(out: str | Path, *read: str | Path) -> None:
    """Refuse to write where something lies that is read: with `overwrite` it would be deleted."""
    place = Path(out).resolve()
    for path in read:
        if Path(path).resolve().is_relative_to(place):
            raise ParameterError(f"{out} cannot be written: {path}, which is read, lies there. Try another place.")


def _answer(
    folder: Path,
    path: str,
    model: Any,
    cube: xr.Dataset,
    clock: Clock,
    progress: Progress | None,
    made: dict[str, Any] | None = None,
) -> xr.Dataset:
    """The result of a model on a cube, with the components of a cut by hand (see granularity.record), written."""
    with naming(path):
        result = clock("predict", apply, model, cube, progress=progress)
    if made:
        result = recall(result, made)
    if "truth_labels" not in result and "truth_abundances" in cube:
        result["truth_labels"] = (("y", "x"), truth_labels(cube).astype("int32"))
    clock("write", write_result, folder, result)
    return result


def _finish(folder: Path, run: dict[str, Any], result: xr.Dataset, cube: xr.Dataset, clock: Clock) -> None:
    """run.json and history of a result."""
    run = run | scored(result) | _compared(result, cube)
    run |= {"seconds": clock.seconds(), "peak_memory_bytes": provenance.peak_memory()}
    write_json(folder, run)
    write_history(folder, [*run.get("learned", {}).get("history", []), *clock.lines])


def _compared(result: xr.Dataset, cube: xr.Dataset) -> dict[str, Any]:
    """{"unmixing": angles and errors after matching} where the cube holds true spectra or abundances, else {}."""
    found: dict[str, Any] = {}
    if "abundances" in result and "truth_spectra" in cube and cube.sizes["channel"] == result.sizes["channel"]:
        match = matched_spectra(result["component_spectra"].values, cube["truth_spectra"].values)
        found |= {"n_true": cube.sizes["truth_component"], "mean_angle": match["mean_angle"], "angle": match["angle"]}
    if "abundances" in result and "truth_abundances" in cube:
        shares = result["abundances"] / result["abundances"].sum("component")
        true = cube["truth_abundances"] / cube["truth_abundances"].sum("truth_component")
        found |= {"abundance_rmse_of_shares": abundance_rmse(shares.values, true.values)["mean_rmse"]}
    return {"unmixing": found} if found else {}
