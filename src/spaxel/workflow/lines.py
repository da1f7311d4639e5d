"""Maps of lines in a run: made with it, or later from the file that it was made from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.cube.kept import keeping
from spaxel.errors import CubeError, NotFound
from spaxel.lines.gas import wavelengths
from spaxel.preprocess import repeat
from spaxel.readers import open_cube
from spaxel.results.line_maps import line_maps
from spaxel.results.walk import bounded
from spaxel.store.addresses import address_of
from spaxel.store.run_folder import read_json, read_result, write_json, write_result
from spaxel.store.temporary import new_home
from spaxel.store.uploads import changes
from spaxel.workflow.plan import RunPlan

KEPT = ("crop", "mask_channels", "despike", "destripe")  # steps that take faults away and leave what was measured


def with_lines(plan: RunPlan, raw: xr.Dataset, steps: Sequence[dict[str, Any]], result: xr.Dataset) -> xr.Dataset:
    """The result with the line maps that a plan asks for. raw : the cube as it is in the file     steps : of the run

    Lines are summed in the values of the file, after those steps that only take faults away: net counts of a derivative
    would mean nothing.
    """
    memory = plan.parameters.get("memory")
    return line_maps(
        measured(raw, steps), result, plan.mapped_lines, redshift=plan.redshift, medium=plan.medium, memory=memory,
    )  # fmt: skip


def measured(raw: xr.Dataset, steps: Sequence[dict[str, Any]]) -> xr.Dataset:
    """A cube after those steps of a run that leave its values."""
    done = list(raw.attrs.get("steps", []))
    return repeat(raw, done + [step for step in steps[len(done) :] if step["name"] in KEPT])


@changes
def add_lines(
    run: str | Path,
    lines: Sequence[str] | None = None,
    *,
    redshift: float | None = None,
    medium: str | None = None,
    cube: str | Path | None = None,
    memory: int | None = None,
) -> list[Path]:
    """Line maps for a run that lies on disk, from the file that it was made from; the report is not written.

    lines : names, ("auto",) or ("none",); None: those of a redshift that is given, if the file is still there
    cube  : the file, if it lies elsewhere now      memory : of the pass over the cube, see spaxel.cube.mapping
    returns : the folders of the results that were changed
    Raises NotFound if lines are asked for and the file is gone, CubeError if it is another one, ParameterError.
    """
    run = Path(run)
    about = read_json(run)
    wavelengths(medium or "air", redshift or 0.0)
    told = {name: value for name, value in (("redshift", redshift), ("medium", medium)) if value is not None}
    folders = [run / name for name in about["inputs"]] if "inputs" in about else [run]
    changed = []
    for folder in folders:
        own = read_json(folder) | told
        path = cube or own.get("input", {}).get("path", "")
        if tuple(lines or ()) != ("none",) and address_of(path) is None and not Path(path or "nowhere").exists():
            if lines is None:
                continue
            raise NotFound(f"The cube of {folder} is not at {path}. Try --cube FILE.")
        asked = ("auto",) if lines is None else tuple(lines)
        with new_home() as home, keeping(Path(home)), bounded(memory):  # no map is held whole
            write_result(folder, _mapped(path, own, read_result(folder), asked, memory))
        write_json(folder, own)
        changed.append(folder)
    return changed


def _mapped(
    path: str | Path, about: dict[str, Any], result: xr.Dataset, lines: tuple[str, ...], memory: int | None
) -> xr.Dataset:
    """The result of a run with line maps from the file at `path`."""
    if lines == ("none",):
        return result.drop_dims("line", errors="ignore")
    raw = open_cube(path, **about.get("reading", {}))
    if raw["spectra"].shape[:2] != result["labels"].shape:
        rows, columns = raw["spectra"].shape[:2]
        here = " x ".join(map(str, result["labels"].shape))
        raise CubeError(f"{path} has {rows} x {columns} pixels, the run {here}. Try --cube with the file of the run.")
    steps = result.attrs.get("steps", [])
    cube = measured(raw, steps_of(steps))
    return line_maps(cube, result, lines, redshift=about.get("redshift"), medium=about.get("medium"), memory=memory)


def steps_of(steps: Any) -> list[dict[str, Any]]:
    """Steps as a result holds them (JSON text) or a cube does (a list)."""
    return json.loads(steps) if isinstance(steps, str) else list(steps)
