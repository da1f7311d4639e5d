"""Peak memory and time of what is done with a run after it was made: the command in a process of its own, with --memory.

    python benchmarks/results_memory.py [--memory 512MiB] [--sides 64 2048 6144] [--cases NAME ...]

The runs are made without a fit: labels in patches, 48 finest parts under a tree, confidence at six levels, a truth with one
pixel in twenty wrong, and 5 abundances in a run of its own. The smallest of them shows what the imports alone take.
Bar: below --memory and what the same command takes on the smallest run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask.array as da
import numpy as np
from scipy.cluster.hierarchy import linkage

from common import head, log, table, write_json, write_page
from spaxel.commands.options import parse_memory
from spaxel.cube import make_cube
from spaxel.results.convention import make_result
from spaxel.store.reuse import take_over
from spaxel.store.run_folder import new_run, write_result
from spaxel.store.run_folder import write_json as write_run

MIB = 2**20
COMMAND = """
import atexit, pathlib, sys

def told():
    status = pathlib.Path("/proc/self/status").read_text()
    pathlib.Path(place).write_text(status.split("VmHWM:")[1].split()[0])

place = sys.argv.pop(1)
atexit.register(told)
from spaxel.cli import main
main()
"""  # the command, which says at its end how much it held: what wait4 says counts the process that started it, too
K, PARTS, CHANNELS, MIXED = 12, 48, 64, 5
LEVELS = np.array([2, 4, 6, 8, 12, 20])
CASES = {  # name -> the words of the command
    "score": ("score", "{run}"),
    "score --level 6": ("score", "{run}", "--level", "6"),
    "compare": ("compare", "{run}", "{other}"),
    "cut, one merge": ("cut", "{other}", "--merge", "0,1"),
    "cut 6": ("cut", "{other}", "6"),
    "export geotiff": ("export", "{run}", "--to", "geotiff", "--out", "{out}"),
    "export envi": ("export", "{run}", "--to", "envi", "--out", "{out}"),
    "export fits": ("export", "{run}", "--to", "fits", "--out", "{out}"),
    "export netcdf": ("export", "{run}", "--to", "netcdf", "--out", "{out}"),
    "export hspy": ("export", "{run}", "--to", "hspy", "--out", "{out}"),
    "export tiff": ("export", "{run}", "--to", "tiff", "--out", "{out}"),
    "export envi --level 6": ("export", "{run}", "--to", "envi", "--level", "6", "--out", "{out}"),
    "export envi, abundances": ("export", "{mixed}", "--to", "envi", "--out", "{out}"),
}


def measured(folder: Path, *words: str) -> tuple[float, float]:
    """Peak MiB and seconds of the processor of a command of spaxel (Linux). Raises CalledProcessError."""
    place, command = folder / "peak", [sys.executable, "-c", COMMAND, str(folder / "peak"), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        log(complaint.decode())
        raise subprocess.CalledProcessError(process.returncode, command, stderr=complaint)
    return int(place.read_text()) / 1024, used.ru_utime + used.ru_stime


def lazily(side: int, function: Callable[[np.ndarray, np.ndarray], np.ndarray], dtype: Any, more: int = 0) -> Any:
    """A map (y, x), or (y, x, more), of functions of rows and columns, made block by block."""
    chunk = min(side, 512)
    rows = da.arange(side, chunks=chunk)[:, None] * da.ones((1, side), chunks=chunk, dtype=int)
    columns = da.arange(side, chunks=chunk)[None] * da.ones((side, 1), chunks=chunk, dtype=int)
    if more:
        return da.map_blocks(function, rows, columns, dtype=dtype, chunks=(*rows.chunks, (more,)), new_axis=2)
    return da.map_blocks(function, rows, columns, dtype=dtype)


def micro(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Patches of 37 x 41 pixels."""
    return ((y // 37 * 7 + x // 41 * 5 + (y // 600) * (x // 900)) % PARTS).astype(np.int32)


def noise(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A number below 1000 for each pixel."""
    return (y * 2654435761 + x * 40503 + (y * x) * 97) % 1000003 % 1000


def base(rng: np.random.Generator, n: int, side: int) -> dict[str, Any]:
    """Spectra, sizes and colours of n components."""
    spectra = {"component_spectra": rng.random((n, CHANNELS)), "component_spread": rng.random((n, CHANNELS))}
    return spectra | {"component_size": np.full(n, side * side // n), "component_color": np.arange(n)}


def labelled(cube: Any, side: int) -> Any:
    """A result of segmentation."""
    rng = np.random.default_rng(0)
    parts = {"micro_spectra": rng.random((PARTS, CHANNELS)), "micro_spread": rng.random((PARTS, CHANNELS))}
    sizes = np.full(PARTS, side * side // PARTS)
    parts |= {"micro_size": sizes, "micro_weight": sizes, "micro_component": np.arange(PARTS, dtype=np.int32) % K}
    sure = lazily(side, lambda y, x: (noise(y, x) // 4).astype(np.uint8), np.uint8)
    maps = {
        "labels": lazily(side, lambda y, x: micro(y, x) % K, np.int32),
        "micro_labels": lazily(side, micro, np.int32),
        "truth_labels": lazily(
            side, lambda y, x: (micro(y, x) % K + (noise(y, x) < 50)).astype(np.int32) % 9, np.int32
        ),
        "confidence": sure.astype(np.float32) / 255,
        "level_confidence": da.stack([sure] * len(LEVELS)),
        "merge_tree": linkage(parts["micro_spectra"][:, :8], "average"),
    }
    return make_result(cube, coords={"level": LEVELS}, **maps, **parts, **base(rng, K, side))


def unmixed(cube: Any, side: int) -> Any:
    """A result of unmixing."""

    def amounts(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.stack([noise(y + k, x) for k in range(MIXED)], -1).astype(np.float32) / 1000

    held = lazily(side, amounts, np.float32, MIXED)
    residual = lazily(side, lambda y, x: (noise(y, x) / 1e5).astype(np.float32), np.float32)
    labels = lazily(side, lambda y, x: micro(y, x) % MIXED, np.int32)
    return make_result(
        cube, abundances=held, labels=labels, residual=residual, **base(np.random.default_rng(1), MIXED, side)
    )


def write(folder: Path, side: int) -> None:
    """The runs of one size. In a process of its own: what it holds is given back when it ends."""
    axis = np.linspace(400, 2500, CHANNELS)
    cube = make_cube(da.zeros((side, side, CHANNELS), chunks=(512, 512, CHANNELS), dtype=np.float32), axis, "nm")
    for name, made in (("run", labelled), ("mixed", unmixed)):
        with new_run(folder / name) as run:
            write_result(run, made(cube, side))
            colors = [f"#{40 + 3 * k:02X}8060" for k in range(PARTS)]
            write_run(run, {"name": name, "method": "made up", "colors": colors})
    take_over(folder / "run", folder / "other")


def keep(about: dict[str, Any], memory: str, found: dict[tuple[str, int], tuple[float, float]]) -> None:
    """The table of what was measured so far."""
    sides, bar, rows = sorted({side for _, side in found}), parse_memory(memory) / MIB, []
    for case in dict.fromkeys(case for case, _ in found):
        known = [found.get((case, side)) for side in sides]
        peaks, more = [f"{one[0]:.0f}" if one else "-" for one in known], "-"
        if known[0] and known[-1]:
            more = f"{known[-1][0] - known[0][0]:.0f}"
        kept = "-" if more == "-" else "kept" if float(more) <= bar else "MISSED"
        rows.append([case, *peaks, more, f"{known[-1][1]:.1f}" if known[-1] else "-", kept])
    words = (
        f"Peak resident memory in MiB of commands on runs that lie on the disk, with `--memory {memory}`. The column of "
        f"{sides[0]} x {sides[0]} pixels is what the imports take; `more` is what the largest run takes beside. Bar: `more` "
        f"below {bar:.0f} MiB. CPU seconds are of the largest run."
    )
    columns = ["command", *(f"{side} x {side}" for side in sides), "more", "CPU s", "bar"]
    write_json("results_memory", about, rows=rows, columns=columns)
    write_page("results_memory", "Memory of what follows a run", about, [words, table(columns, rows)])


def main() -> None:
    """Measure, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", default="512MiB")
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 2048, 6144])
    parser.add_argument("--cases", nargs="+", choices=[*CASES], default=[*CASES])
    chosen = parser.parse_args()
    about = head()
    found: dict[tuple[str, int], tuple[float, float]] = {}
    for side in sorted(chosen.sides):
        with TemporaryDirectory() as name:
            folder = Path(name)
            maker = get_context("spawn").Process(target=partial(write, folder, side))
            maker.start()
            maker.join()
            for case in chosen.cases:
                places = {place: str(folder / place) for place in ("run", "other", "mixed")}
                out = str(folder / f"out-{len(found)}")
                words = [word.format(**places, out=out) for word in CASES[case]]
                found[case, side] = measured(folder, *words, "--memory", chosen.memory)
                log(f"{case}, {side} x {side}: {found[case, side][0]:.0f} MiB, {found[case, side][1]:.1f} CPU s")
                keep(about, chosen.memory, found)


if __name__ == "__main__":
    main()
