"""Seconds of `spaxel segment` by stage, pixels per second and core of `predict`, and what the import costs.

Every run is a process of its own. CPU seconds are the figure to compare: the machine is shared, so wall seconds swing.
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

from common import head, log, table, write_json, write_page
from memory import zarr_cube
from spaxel.cube.computing import cores

SIZES = ((96, 96, 1024), (256, 256, 1024), (512, 512, 1024))
QUICK = ((64, 64, 256),)
STAGES = ("open", "fit", "predict", "write", "report")
STARTS = {
    "python -c pass": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import spaxel": ["-c", "import spaxel"],
    "spaxel --help": [str(Path(sys.executable).parent / "spaxel"), "--help"],
}


def stages(path: Path, out: Path, n_clusters: str) -> None:
    """Segment in this process; print {stage: [wall, CPU]} as JSON."""
    from spaxel.pace import progress
    from spaxel.workflow.runs import segment

    marks: list[tuple[str, float, float]] = []

    def tell(stage: str, *_: Any) -> None:
        if ":" not in stage:  # parts of a stage are told as "fit: restarts"
            marks.append((stage, time.perf_counter(), time.process_time()))

    with progress(tell):
        segment([path], out, parameters={"n_clusters": n_clusters}, overwrite=True)
    tell("end")
    pairs = itertools.pairwise(marks)
    print(json.dumps({a[0]: [b[1] - a[1], b[2] - a[2]] for a, b in pairs}))


def one(folder: Path, shape: tuple[int, int, int], n_clusters: str, repeats: int) -> dict[str, Any]:
    """Medians of some runs on one cube: wall and CPU seconds of each stage, and the spread of the whole."""
    path, out = zarr_cube(folder, *shape), folder / "run-speed"
    command = [sys.executable, __file__, "--one", str(path), str(out), n_clusters]
    runs = []
    for _ in range(repeats):
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        runs.append(json.loads(said.splitlines()[-1]))
        log(f"{shape} {n_clusters}: {sum(wall for wall, _ in runs[-1].values()):.1f} s")
    wall, cpu = ({stage: float(np.median([r[stage][i] for r in runs])) for stage in STAGES} for i in (0, 1))
    whole = [[sum(pair[i] for pair in r.values()) for r in runs] for i in (0, 1)]
    return {"shape": shape, "n_clusters": n_clusters, "wall": wall, "cpu": cpu, "whole": whole}


def lines(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Lines of the table: CPU (wall) seconds of each stage, pixels per second, min and max of the whole."""
    found = []
    for row in rows:
        cells = [f"{row['cpu'][stage]:.1f} ({row['wall'][stage]:.1f})" for stage in STAGES]
        pixels = row["shape"][0] * row["shape"][1]
        speed = f"{pixels / row['cpu']['predict']:,.0f}"
        spread = " ".join(f"{min(values):.1f}-{max(values):.1f}" for values in row["whole"][::-1])
        found.append([" x ".join(map(str, row["shape"])), row["n_clusters"], *cells, speed, spread])
    return found


def start(words: list[str], repeats: int) -> tuple[float, float]:
    """Median wall and CPU seconds of a start of Python."""
    walls, cpus = [], []
    for _ in range(repeats):
        begin = time.perf_counter()
        process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        walls.append(time.perf_counter() - begin)
        cpus.append(used.ru_utime + used.ru_stime)
    return float(np.median(walls)), float(np.median(cpus))


def main() -> None:
    """Run and write benchmarks/results/speed.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small cube, nothing is written")
    parser.add_argument("--folder", type=Path, help="where the cubes are made and kept (default: a temporary folder)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("CUBE", "OUT", "N"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        stages(Path(chosen.one[0]), Path(chosen.one[1]), chosen.one[2])
        return
    about = head()
    with TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sizes, repeats = (QUICK, 1) if chosen.quick else (SIZES, chosen.repeats)
        rows = [one(folder, shape, k, repeats) for shape in sizes for k in ("6", "auto")]
    starts = {name: start(words, 5) for name, words in STARTS.items()}
    parts = tables(rows, starts, repeats)
    if chosen.quick:
        print("\n\n".join(parts))
        return
    write_json("speed", about, load=os.getloadavg(), rows=rows, starts=starts)
    write_page("speed", "How long segment takes", about, parts)


def tables(rows: list[dict[str, Any]], starts: dict[str, tuple[float, float]], repeats: int) -> list[str]:
    """The page, as parts."""
    header = ("cube", "K", *STAGES, "predict: pixels per CPU second", f"whole, min-max of {repeats}: CPU, wall")
    parts = [
        f"CPU seconds (wall seconds) by stage, medians of {repeats} runs; uint16 Zarr, two workers, default memory."
    ]
    parts += [table(header, lines(rows)), "The start, medians of 5:"]
    parts += [table(("start", "CPU s", "wall s"), [[n, f"{c:.2f}", f"{w:.2f}"] for n, (w, c) in starts.items()])]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return [
        *parts,
        f"Load of the shared machine at the end (1, 5, 15 minutes): {load} on {cores()}.",
    ]


if __name__ == "__main__":
    main()
