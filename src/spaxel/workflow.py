"""From a file to a run folder: what `spaxel segment` and `spaxel predict` do, as functions."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel import provenance
from spaxel.errors import NotFound, ParameterError, naming
from spaxel.granularity import cut
from spaxel.methods import apply, describe, load, method_class
from spaxel.methods.contract import parse_parameters
from spaxel.methods.mixing import write_tables
from spaxel.metrics import abundance_rmse, matched_spectra, score
from spaxel.metrics.labels import truth_labels
from spaxel.preprocess import mask_channels, repeat
from spaxel.preprocess.steps import apply_step
from spaxel.readers import open_cube
from spaxel.reporting import report
from spaxel.store import (
    RESULT,
    new_run,
    read_json,
    read_result,
    write_arrays,
    write_history,
    write_json,
    write_result,
)

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
    overwrite: bool = False,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Path:
    """Segment one file, or several on one axis with one model, and write a run folder.

    paths, options : files, and what open_cube needs to know of them      out : the folder to make
    method, parameters : which, and its parameters by name                steps : {name, parameters} of spaxel.preprocess
    drop_channels  : leave out channels that say nothing (see mask_channels)
    tell, progress : told the name of each stage; called with (done, in all)
    Several files: the model lies in `out`, the result of each in a folder of its own inside.
    Raises any SpaxelError; then nothing is written.
    """
    _check_apart(out, *paths)
    model = method_class(method)(**parse_parameters(method_class(method), parameters or {}))
    clock = Clock(tell)
    with new_run(out, overwrite=overwrite) as folder:
        opened, cubes = clock("open", _open_all, paths, options or {}, steps, drop_channels)
        with naming(paths[0]) if len(cubes) == 1 else nullcontext():
            clock("fit", model.fit, cubes if len(cubes) > 1 else cubes[0])
        run = describe(model) | provenance.about(command, getattr(model, "random_state", None))
        write_arrays(folder, model.state_)
        if len(cubes) == 1:
            _write_one(folder, run | _input(paths[0], opened[0]), model, cubes[0], clock, progress)
            return Path(out)
        inputs = dict(zip(_names(paths), paths, strict=True))
        for (name, path), raw, cube in zip(inputs.items(), opened, cubes, strict=True):
            (folder / name).mkdir()
            child = provenance.about(command, run["seed"]) | {"method": method, "model": ".."} | _input(path, raw)
            _write_one(folder / name, child, model, cube, clock, progress)
        write_json(folder, run | {"inputs": inputs, "seconds": clock.seconds()})
        write_history(folder, clock.lines)
    return Path(out)


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
        _write_one(folder, child | _input(path, cube), model, cube, clock, progress)
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


def _write_one(
    folder: Path,
    run: dict[str, Any],
    model: Any,
    cube: xr.Dataset,
    clock: Clock,
    progress: Progress | None,
) -> None:
    with naming(run["input"]["path"]):
        result = clock("predict", apply, model, cube, progress=progress)
    if "truth_labels" not in result and "truth_abundances" in cube:
        result["truth_labels"] = (("y", "x"), truth_labels(cube).astype("int32"))
    clock("write", write_result, folder, result)
    if "abundances" in result:
        clock("tables", write_tables, folder, result)
    run = run | _scored(result) | _compared(result, cube)
    run |= {"seconds": clock.seconds(), "peak_memory_bytes": provenance.peak_memory()}
    write_json(folder, run)
    write_history(folder, [*run.get("learned", {}).get("history", []), *clock.lines])
    clock("report", report, folder)


def _scored(result: xr.Dataset) -> dict[str, Any]:
    """{"score": …} where the result holds a truth with at least one label, else {}."""
    known = "truth_labels" in result and bool((result["truth_labels"] >= 0).any())
    return {"score": score(result, result)} if known else {}


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


def _names(paths: Sequence[str | Path]) -> list[str]:
    """A folder name for each file: its stem, with a number where stems repeat; no name twice."""
    stems = [Path(path).resolve().stem for path in paths]
    names: list[str] = []
    for i, stem in enumerate(stems):
        name = stem if stems.count(stem) == 1 else f"{stem}-{i}"
        while name in names or (name != stem and name in stems):
            name += "-"
        names.append(name)
    return names


def recut(run: str | Path, level: int) -> Path:
    """Cut the merge tree of a run at another level and write result and report anew, in place of the old ones.

    Raises ParameterError if the result keeps no such level. The fitted model stays as it is.
    """
    run = Path(run)
    about, result = read_json(run), read_result(run).load()
    again = cut(result, level)
    with new_run(run, overwrite=True) as folder:
        for kept in run.iterdir():
            if kept.is_dir() and kept.name != RESULT:
                shutil.copytree(kept, folder / kept.name)
            elif kept.is_file():
                shutil.copy2(kept, folder / kept.name)
        write_result(folder, again)
        first, by_hand = (
            str(about.get("command", "")).split("\n")[0],
            shlex.join(["spaxel", "cut", str(run), str(level)]),
        )
        write_json(folder, about | _scored(again) | {"level": level, "command": f"{first}\n{by_hand}"})
        report(folder)
    return run
