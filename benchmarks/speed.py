"""CPU and wall seconds of `spaxel segment` with all its outputs, beside a lean script and plain reading of the same chunks.

    python benchmarks/speed.py [--folder CUBES] [--repeats 3] [--size 512x512x1024 …] [--quick]

Every run is a process of its own with its imports. CPU seconds are the figure to compare: the machine is shared, so wall
seconds swing. A faster wrong map is worth nothing, so the agreement with the truth stands beside each.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import spaxel
from common import head, log, table, write_json, write_page
from memory import zarr_cube
from spaxel.cube.computing import cores

SIZES = ("1000x1000x200", "512x512x1024")
QUICK = ("64x64x128",)
K = "6"
STAGES = ("open", "fit", "predict", "lines", "tables", "write", "report")
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as when installed
LEAN = str(Path(__file__).with_name("lean.py"))


def stages(path: Path, out: Path, method: str, lean: str) -> None:
    """Segment in this process; print {stage: CPU seconds} as JSON. lean : "lean" for a run without page"""
    from spaxel.commands.allocator import return_tiles
    from spaxel.commands.quick import without_looked_for

    without_looked_for()
    return_tiles()
    from spaxel.cube.computing import by_default
    from spaxel.pace import progress
    from spaxel.workflow.runs import segment

    marks: list[tuple[str, float]] = []

    def tell(stage: str, *_: Any) -> None:
        if ":" not in stage:  # parts of a stage are told as "fit: restarts"
            marks.append((stage, time.process_time()))

    with progress(tell), by_default():  # as the command line
        parameters = {"n_clusters": K} if method == "kmeans" else {}
        segment([path], out, method=method, parameters=parameters, overwrite=True, lean=lean == "lean")
    tell("end")
    found: dict[str, float] = {}
    for (stage, begin), (_, end) in itertools.pairwise(marks):
        found[stage] = found.get(stage, 0.0) + end - begin
    print(json.dumps(found))


def measured(*words: str) -> tuple[float, float, str]:
    """CPU and wall seconds of a process of Python, and the last line that it printed."""
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, env=COMPILED)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return used.ru_utime + used.ru_stime, time.perf_counter() - begin, said.splitlines()[-1]


def one(folder: Path, size: str, repeats: int) -> dict[str, Any]:
    """Medians of some runs on one cube, taken in turns so that the load of the machine meets all alike."""
    rows, columns, channels = map(int, size.split("x"))
    path, out, lean = zarr_cube(folder, rows, columns, channels), folder / "run-speed", folder / "lean"
    commands = {
        "reading": (LEAN, "read", str(path)),
        "lean": (LEAN, "segment", str(path), str(lean), K),
        "segment": (__file__, "--one", str(path), str(out), "kmeans", "whole"),
        "bare": (__file__, "--one", str(path), str(out), "kmeans", "lean"),
        "default": (__file__, "--one", str(path), str(out), "consensus", "whole"),
    }
    scores: dict[str, float] = {}
    runs: dict[str, list[tuple[float, float, str]]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, words in commands.items():
            runs[name].append(measured(*words))
            if words[0] != LEAN:
                scores[name] = json.loads((out / "run.json").read_text())["score"]["ari"]
            log(f"{size} {name}: {runs[name][-1][0]:.1f} CPU s, {runs[name][-1][1]:.1f} s")
    told = [json.loads(said) for *_, said in runs["segment"]]
    cube = spaxel.open_cube(path)
    return {
        "size": size,
        "pixels": rows * columns,
        "cpu": {name: float(np.median([run[0] for run in each])) for name, each in runs.items()},
        "wall": {name: float(np.median([run[1] for run in each])) for name, each in runs.items()},
        "stages": {stage: float(np.median([each.get(stage, 0.0) for each in told])) for stage in STAGES},
        "read": float(np.median([float(said) for *_, said in runs["reading"]])),
        "ari": {"lean": spaxel.score(np.load(lean / "labels.npy"), cube)["ari"]} | scores,
    }


def lines(row: dict[str, Any]) -> list[list[str]]:
    """Rows of the table for one cube."""
    cpu, wall, ari = row["cpu"], row["wall"], row["ari"]
    found = [[row["size"], "plain reading of the chunks", f"{cpu['reading']:.1f}", f"{wall['reading']:.1f}", "", ""]]
    for name, words in (
        ("lean", "lean script"),
        ("segment", "segment --method kmeans, all outputs"),
        ("bare", "segment --method kmeans --lean"),
        ("default", "segment (consensus, which finds the number), all outputs"),
    ):
        times = f"{cpu[name] / cpu['lean']:.2f}"
        found.append([row["size"], words, f"{cpu[name]:.1f}", f"{wall[name]:.1f}", times, f"{ari[name]:.3f}"])
    return found


def parts(row: dict[str, Any]) -> list[str]:
    """Where `segment` spends its CPU seconds, and how fast it labels beside plain reading."""
    pixels, predict = row["pixels"], max(row["stages"]["predict"], 1e-9)
    imports = row["cpu"]["segment"] - sum(row["stages"].values())
    cells = [f"{row['stages'][stage]:.1f}" for stage in STAGES]
    speed = [f"{pixels / predict:,.0f}", f"{pixels / max(row['read'], 1e-9):,.0f}", f"{row['read'] / predict:.0%}"]
    return [row["size"], f"{imports:.1f}", *cells, *speed]


def page(rows: list[dict[str, Any]], repeats: int) -> list[str]:
    """The page, as parts."""
    header = ("cube", "what", "CPU s", "wall s", "CPU, times the lean script", "ARI with the truth")
    told = ("cube", "imports", *STAGES, "predict: pixels per CPU s", "plain reading: pixels per CPU s", "share")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    told_runs = "One run each" if repeats == 1 else f"Medians of {repeats} runs"
    return [
        f"{told_runs}, in turns; simulated paintings, uint16 Zarr, {K} components, default memory. The lean script "
        "(`benchmarks/lean.py`) gives labels and mean spectra only. Plain reading is one pass without anything done.",
        table(header, [line for row in rows for line in lines(row)]),
        "CPU seconds of `segment` by stage:",
        table(told, [parts(row) for row in rows]),
        f"Load of the shared machine at the end (1, 5, 15 minutes): {load} on {cores()}.",
    ]


def main() -> None:
    """Run and write benchmarks/results/speed.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small cube, nothing is written")
    parser.add_argument("--folder", type=Path, help="where the cubes are made and kept (default: a temporary folder)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--size", nargs="+", default=SIZES, help="rows x columns x channels")
    parser.add_argument("--one", nargs=4, metavar=("CUBE", "OUT", "METHOD", "LEAN"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        stages(Path(chosen.one[0]), Path(chosen.one[1]), *chosen.one[2:])
        return
    about = head()
    sizes, repeats = (QUICK, 1) if chosen.quick else (chosen.size, chosen.repeats)
    with TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [one(folder, size, repeats) for size in sizes]
    if chosen.quick:
        print("\n\n".join(page(rows, repeats)))
        return
    write_json("speed", about, load=os.getloadavg(), rows=rows)
    write_page("speed", "How long segment takes", about, page(rows, repeats))


if __name__ == "__main__":
    main()
