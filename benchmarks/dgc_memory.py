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
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import RESULTS, head, log, table, write_json, write_page
from leaf import DAYS
from memory import MIB, as_envi, spaxel, zarr_cube
from spaxel.synth.leaf.world import leaf

BAR, LIMIT = 0.05, 1024 * MIB
SIDE, CHANNELS = 256, 120
PAINTINGS = ((256, 512, 1024), (512, 1024, 1024))  # rows, columns, channels; uint16
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


def measured(kind: str, files: list[Path], size: int, out: Path) -> dict[str, Any]:
    """Peak and seconds of one fit with prediction and pages. size : bytes of all spectra"""
    peak, cpu = spaxel("segment", *files, "--out", out, "--memory", MEMORY, "--method", "dgc", "--overwrite")
    shutil.rmtree(out)
    log(f"{kind}, {len(files)} files: peak {peak / MIB:.0f} MiB, {cpu:.0f} CPU s")
    return {"kind": kind, "files": len(files), "size": size, "peak": peak, "cpu_seconds": cpu}


def main() -> None:
    """Run and write benchmarks/results/dgc_memory.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, nargs="+", default=[8, 128], help=HELP)
    parser.add_argument("--kinds", nargs="+", default=["zarr", "envi"])
    parser.add_argument("--paintings", type=int, default=2, help="how many of the two paintings, one cube each")
    parser.add_argument("--folder", type=Path, help="where the scenes are made and kept (default: a temporary folder)")
    chosen = parser.parse_args()
    about = head()
    with TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        cases = [
            (kind, scenes(folder, kind, n), n * SIDE * SIDE * CHANNELS * 4)
            for kind in chosen.kinds
            for n in chosen.scenes
        ]
        cases += [
            ("one painting, zarr", [zarr_cube(folder, *shape)], prod(shape) * 2)
            for shape in PAINTINGS[: chosen.paintings]
        ]
        rows = _kept([measured(*case, folder / "run") for case in cases])
    write_json("dgc_memory", about, rows=rows)
    write_page("dgc_memory", "Peak memory of segment --method dgc", about, page(rows))


def _kept(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """These rows and those of other kinds that are stored."""
    path, kinds = RESULTS / "dgc_memory.json", {row["kind"] for row in rows}
    old = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    return [row for row in old if row["kind"] not in kinds] + rows


def page(rows: list[dict[str, Any]]) -> list[str]:
    """What was run, a table of peaks, and one of growth."""
    lines, growth = [], []
    for row in rows:
        sizes, limit = [f"{row[key] / MIB:.0f}" for key in ("size", "peak")], row["peak"] < LIMIT
        verdict = "kept" if limit else "MISSED"
        lines.append([row["kind"], str(row["files"]), *sizes, verdict, f"{row['cpu_seconds']:.0f}"])
    for small, large in pairwise(rows):
        if small["kind"] == large["kind"]:
            more = large["peak"] / small["peak"] - 1
            said = f"{large['kind']}, {small['size'] / MIB:.0f} to {large['size'] / MIB:.0f} MiB"
            growth.append([said, f"{more:+.1%}", "kept" if more < BAR else "MISSED"])
    said = f"`spaxel segment FILES --out RUN --method dgc --memory {MEMORY}`, the number of components found, a page for each "
    said += f"file and one for all. Scenes of {SIDE} x {SIDE} x {CHANNELS} float32, or one painting of 1024 channels, uint16. "
    said += "MiB; one run each."
    first = ("kind", "files", "size", "peak", "below 1 GiB", "CPU s")
    return [said, table(first, lines), table(("from, to", "peak", f"below {BAR:.0%}"), growth)]


if __name__ == "__main__":
    main()
