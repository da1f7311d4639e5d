"""Peak memory of `spaxel segment --method dgc` as a training set grows, from 8 scenes (0.25 GiB) to 128 (4 GiB), as Zarr and as
ENVI: fit, prediction of every scene and all pages, in one process.

Bars: the peak grows by less than 5 %, and stays below 1 GiB with --memory 512MiB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import head, log, table, write_json, write_page
from leaf import DAYS
from memory import MIB, as_envi, spaxel
from spaxel.synth.leaf import leaf

BAR, LIMIT = 0.05, 1024 * MIB
SIDE, CHANNELS = 256, 120
MEMORY = "512MiB"
HELP = "scenes of each set; the first 8 are simulated, the others are copies of them"


def scenes(folder: Path, kind: str, n: int) -> list[Path]:
    """n scenes of 31 MiB of the hard version, made once."""
    found = []
    for i in range(n):
        path, first = (folder / f"leaf{number:03d}.zarr" for number in (i, i % len(DAYS)))
        if not path.exists() and i < len(DAYS):
            cube = leaf(SIDE, SIDE, seed=5000 + i, day=DAYS[i], healthy=i % 4 == 0, version="hard")
            cube[["spectra"]].to_zarr(path, consolidated=False)
        elif not path.exists():
            shutil.copytree(first, path, copy_function=os.link)
        found.append(path if kind == "zarr" else as_envi(path))
    return found


def one(folder: Path, kind: str, n: int) -> dict[str, Any]:
    """Peak and seconds of one fit with prediction, and how long each stage took."""
    files, out = scenes(folder, kind, n), folder / f"run-{kind}-{n}"
    peak, cpu = spaxel("segment", *files, "--out", out, "--memory", MEMORY, "--method", "dgc", "--overwrite")
    run = json.loads((out / "run.json").read_text("utf-8"))
    shutil.rmtree(out)
    size = n * SIDE * SIDE * CHANNELS * 4
    log(f"{kind}, {n} scenes: peak {peak / MIB:.0f} MiB, {cpu:.0f} CPU s")
    return {"kind": kind, "scenes": n, "size": size, "peak": peak, "cpu_seconds": cpu, "fit": run["seconds"]["fit"]}


def main() -> None:
    """Run and write benchmarks/results/dgc_memory.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, nargs="+", default=[8, 128], help=HELP)
    parser.add_argument("--kinds", nargs="+", default=["zarr", "envi"])
    parser.add_argument("--folder", type=Path, help="where the scenes are made and kept (default: a temporary folder)")
    chosen = parser.parse_args()
    about = head()
    with TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [one(folder, kind, n) for kind in chosen.kinds for n in chosen.scenes]
    lines, growth = [], []
    for row in rows:
        sizes = [f"{row[key] / MIB:.0f}" for key in ("size", "peak")]
        limit = "kept" if row["peak"] < LIMIT else "MISSED"
        lines.append([row["kind"], str(row["scenes"]), *sizes, limit, f"{row['fit']:.0f}", f"{row['cpu_seconds']:.0f}"])
    for small, large in pairwise(rows):
        if small["kind"] == large["kind"]:
            more = large["peak"] / small["peak"] - 1
            said = f"{large['kind']}, {small['scenes']} to {large['scenes']} scenes"
            growth.append([said, f"{more:+.1%}", "kept" if more < BAR else "MISSED"])
    said = f"`spaxel segment SCENES --out RUN --method dgc --memory {MEMORY}`, scenes of {SIDE} x {SIDE} x {CHANNELS} float32, "
    said += "the number of components found, a page for each scene and one for all. MiB; one run each."
    first = ("files", "scenes", "size", "peak", "below 1 GiB", "fit, s", "CPU s in all")
    parts = [said, table(first, lines), table(("from, to", "peak", f"below {BAR:.0%}"), growth)]
    write_json("dgc_memory", about, rows=rows)
    write_page("dgc_memory", "Peak memory of segment --method dgc", about, parts)


if __name__ == "__main__":
    main()
