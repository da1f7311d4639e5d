"""What a run will take, before it begins: pixels that are learned from, memory, time, disk. Nothing is written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import xarray as xr
from dask.utils import format_bytes

from spaxel.cube.mapping import DEFAULT_MEMORY
from spaxel.errors import Exists
from spaxel.methods.contract import parse_parameters
from spaxel.methods.registry import UNMIXING, method_class
from spaxel.readers import open_cube
from spaxel.store.addresses import address_of
from spaxel.store.here import check_local
from spaxel.store.run_folder import is_run, read_json
from spaxel.store.temporary import temporary_folder
from spaxel.store.uploads import check_free
from spaxel.workflow.expected import data_memory, expected_seconds, in_short, learning_memory, measured
from spaxel.workflow.plan import RunPlan
from spaxel.workflow.runs import open_all

DEEP = ("dsc", "dgc")  # methods that import torch; ebgmcr only where it trains its gates
SEGMENTED, MIXED, OF_A_COMPONENT = 60, 30, 4  # bytes of a result by pixel; of unmixing, and for each of its components
USUAL_COMPONENTS = 8  # of unmixing, where the number is to be found
PAGE = 4 * 2**20  # bytes of page and tables
_TINY = """
import sys, tempfile, pathlib
from spaxel.readers.native import write_cube
from spaxel.store.provenance import peak_memory
from spaxel.testing import tiny_cube
from spaxel.workflow.runs import segment
with tempfile.TemporaryDirectory() as folder:
    cube = write_cube(tiny_cube(16, 16), pathlib.Path(folder) / "c.zarr")
    segment([cube], pathlib.Path(folder) / "run", parameters={"n_clusters": 2}, lines=("none",))
    print(peak_memory() or 0)
    if sys.argv[1] == "deep":
        import lightning_fabric, torch
        print(peak_memory() or 0)
"""


def foresee(plan: RunPlan) -> dict[str, str]:
    """What `segment` of a plan will take, in words by name. Files are opened and a little of each is read; nothing is written.

    Raises what the run would raise at its start: files that cannot be read or do not fit together, a wrong parameter, a
    place that is taken. Fails as spaxel.workflow.expected does for the time; memory and disk are what is taken at most.
    """
    method = method_class(plan.method)
    model = method(**parse_parameters(method, plan.parameters or {}))
    getattr(model, "_check", lambda: None)()
    _check_free(plan)
    cubes = [file.cube for file in open_all(plan)]
    largest = max(cubes, key=lambda cube: cube["spectra"].size)
    seconds = expected_seconds(largest, plan.method, pace := measured(largest))
    seconds += sum(expected_seconds(c, plan.method, pace, fit=False) for c in cubes if c is not largest)
    pixels = _pixels(cubes)
    sample = min(pixels, getattr(model, "n_sample", pixels))
    learning = learning_memory(plan.method, sample, largest.sizes["channel"])
    return {
        "files": _opened(cubes),
        "method": plan.method,
        "learned from": f"{sample:,} of {pixels:,} pixels" + ("" if sample == pixels else ", drawn over all of them"),
        "memory": _memory(plan.method, model.memory, learning, cubes),
        "time": _time(seconds),
        "disk": _disk(plan, _result_bytes(plan.method, getattr(model, "n_components", "auto"), pixels)),
    }


def foresee_prediction(run: str | Path, plan: RunPlan) -> dict[str, str]:
    """As `foresee`, of `predict` with the model of a run. Of the parameters of the plan only `memory` is asked for."""
    held = read_json(Path(run))
    method = held["method"]
    _check_free(plan)
    cube = open_cube(plan.paths[0], **(plan.options or {}))
    number = held.get("learned", {}).get("n_components", "auto")
    memory = plan.parameters.get("memory") or held.get("parameters", {}).get("memory")
    return {
        "files": _opened([cube]),
        "method": f"{method}, learned in {run}",
        "memory": _memory(method, memory, 0, [cube]),
        "time": _time(expected_seconds(cube, method, measured(cube), fit=False)),
        "disk": _disk(plan, _result_bytes(method, number, _pixels([cube]))),
    }


@cache
def fixed_memory(*, deep: bool = False) -> tuple[int, ...]:
    """Bytes of a process that has made a tiny run: what the libraries take, whatever the cube. Takes some seconds.

    deep : then also with torch, as the second number; not there without torch      Empty where the system keeps no count.
    """
    words = [sys.executable, "-W", "ignore", "-c", _TINY, "deep" if deep else "plain"]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    return tuple(int(number) for number in said if number != "0")


def _pixels(cubes: list[xr.Dataset]) -> int:
    return sum(cube.sizes["y"] * cube.sizes["x"] for cube in cubes)


def _check_free(plan: RunPlan) -> None:
    """Raise Exists for a place that the run would not be allowed to take."""
    place = check_local(plan.out, write=True)
    if (address := address_of(plan.out, write=True)) is not None:
        return check_free(address, is_run, overwrite=plan.overwrite, resume=plan.resume)
    taken = place.is_file() or (place.is_dir() and any(place.iterdir()))
    if taken and not (plan.overwrite and is_run(place)):
        raise Exists(f"{place} exists already. Try another name, or overwrite.")
    return None


def _opened(cubes: list[xr.Dataset]) -> str:
    count = "1 file" if len(cubes) == 1 else f"{len(cubes):,} files"
    bytes_of = sum(cube["spectra"].nbytes for cube in cubes)
    return f"{count}, {_pixels(cubes):,} pixels of {cubes[0].sizes['channel']:,} channels, {format_bytes(bytes_of)}"


def _memory(method: str, asked: int | None, learning: float, cubes: list[xr.Dataset]) -> str:
    """At most what the libraries take, with the larger of what was asked for and what the fit holds of its sample."""
    fixed, bound = (fixed_memory(deep=method in DEEP) or (0,))[-1], asked or DEFAULT_MEMORY
    held = sum(cube["spectra"].nbytes for cube in cubes if cube["spectra"].chunks is None)
    work = data_memory(bound, learning, sum(cube["spectra"].nbytes for cube in cubes))
    parts = [f"{format_bytes(fixed)} of libraries", f"{format_bytes(int(work))} of data"]
    parts += [f"{format_bytes(held)} of files that cannot be read in part"] if held else []
    told = f"at most {format_bytes(int(fixed + work + held))}: {', '.join(parts)}"
    if learning > bound:
        told += (
            f"; the fit alone holds more than --memory {format_bytes(bound)}: try a smaller --n-sample, crop or rebin"
        )
    return told


def _time(seconds: float) -> str:
    return f"{in_short(seconds)}, as busy as this machine is now"


def _result_bytes(method: str, number: int | str, pixels: int) -> int:
    """Bytes of a result at most, before it is compressed."""
    if method not in UNMIXING:
        return SEGMENTED * pixels
    return (MIXED + OF_A_COMPONENT * (USUAL_COMPONENTS if isinstance(number, str) else number)) * pixels


def _disk(plan: RunPlan, needed: int) -> str:
    """What a run takes, beside what is free where it is made: where it is to lie, or for an address where it is made here."""
    remote = address_of(plan.out, write=True) is not None
    place = (temporary_folder() if remote else Path(plan.out)).resolve()
    while not place.is_dir():
        place = place.parent
    free = shutil.disk_usage(place).free
    told = f"at most {format_bytes(needed + PAGE)}; {format_bytes(free)} are free in {place}"
    return told if free > needed + PAGE else f"{told}: too little. Try another place."
