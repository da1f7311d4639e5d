"""CPU seconds of reading one image from files of six layouts: plain reading, a pass over tiles, segment, predict.

Every layout is a process of its own. With --before SRC the same is measured with the code of another folder `src`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from common import head, log, table, write_json, write_page

SIZE = (384, 384, 100)
QUICK = (128, 128, 20)
LAYOUTS = {
    "Zarr tiles": ("tiles.zarr", {}),
    "ENVI bsq": ("bsq.img", {}),
    "ENVI bil": ("bil.img", {}),
    "ENVI bip": ("bip.img", {}),
    "Zarr planes": ("planes.zarr", {"channel_axis": 0}),
    "HDF5 planes, gzip": ("planes.h5", {"channel_axis": 0}),
}
PARTS = ("plain reading", "open", "one pass over tiles", "segment: open", "segment: fit", "segment: predict", "predict")


def make_files(folder: Path, size: tuple[int, int, int]) -> None:
    """The image in all layouts: six materials with the noise of counts, uint16."""
    import h5py
    import zarr

    import spaxel

    height, width, channels = size
    rng = np.random.default_rng(0)
    materials = np.abs(np.cumsum(rng.normal(size=(6, channels)), 1)) * 20 + 200
    y, x = np.mgrid[:height, :width]
    image = rng.poisson(materials[(y // 37 + x // 41) % 6]).astype("<u2")
    spaxel.write_cube(spaxel.make_cube(image), folder / "tiles.zarr")
    for name, order in {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}.items():
        np.ascontiguousarray(image.transpose(order)).tofile(folder / f"{name}.img")
        lines = {"samples": width, "lines": height, "bands": channels, "data type": 12, "interleave": name}
        text = "\n".join(["ENVI", *(f"{key} = {value}" for key, value in lines.items()), "byte order = 0", ""])
        (folder / f"{name}.hdr").write_text(text)
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    group, kind = zarr.open_group(folder / "planes.zarr", mode="w"), {"chunks": (1, height, width)}
    group.create_array("cube", shape=planes.shape, dtype="u2", **kind)[...] = planes
    with h5py.File(folder / "planes.h5", "w") as file:
        file.create_dataset("cube", data=planes, compression="gzip", compression_opts=1, **kind)


def read_plainly(path: Path) -> int:
    """Read all numbers of a file in its own order, and nothing else; how many."""
    import h5py
    import zarr

    if path.suffix == ".img":
        return np.fromfile(path, "<u2").size
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return sum(file["cube"][i].size for i in range(len(file["cube"])))
    name, step = ("spectra", 64) if path.stem == "tiles" else ("cube", 1)
    array = zarr.open_group(path, mode="r")[name]
    return sum(array[i : i + step].size for i in range(0, array.shape[0], step))


def measure(path: Path, options: dict[str, Any], out: Path) -> None:
    """Print {part: CPU seconds} of one file as JSON."""
    warnings.simplefilter("ignore")
    import spaxel
    from spaxel.cube.mapping import Need, _tile_sides
    from spaxel.cube.sampling import read_tile
    from spaxel.cube.tiles import grid
    from spaxel.cube.workers import Threads
    from spaxel.workflow.runs import predict, segment

    found: dict[str, float] = {}

    def timed(name: str, function: Any) -> Any:
        start = time.process_time()
        answer = function()
        found[name] = time.process_time() - start
        return answer

    def over_tiles() -> None:
        for tile in grid(*cube["spectra"].shape[:2], *_tile_sides(Need(cube, 0, None), 2**30, Threads(2), None)):
            read_tile(cube, tile)

    timed("plain reading", lambda: read_plainly(path))
    spaxel.open_cube(spaxel.simulate("maxrf", height=8, width=9, channels=16))  # what is imported on first use
    cube = timed("open", lambda: spaxel.open_cube(path, **options))
    timed("one pass over tiles", over_tiles)
    segment([path], out / "run", method="kmeans", parameters={"n_clusters": "6"}, options=options, overwrite=True)
    lines = [json.loads(line) for line in (out / "run" / "history.jsonl").read_text().splitlines()]
    stages = {line["stage"]: line["cpu_seconds"] for line in lines if "cpu_seconds" in line}
    found |= {f"segment: {stage}": stages[stage] for stage in ("open", "fit", "predict")}
    timed("predict", lambda: predict(out / "run", path, out / "again", options=options, overwrite=True))
    print(json.dumps(found))


def one(folder: Path, layout: str, repeats: int, source: str = "") -> dict[str, float]:
    """Least CPU seconds of some processes on one layout. source : a folder `src` with other code"""
    name, options = LAYOUTS[layout]
    command = [sys.executable, __file__, "--one", str(folder / name), json.dumps(options), str(folder)]
    env = os.environ | {"OMP_NUM_THREADS": "1"} | ({"PYTHONPATH": source} if source else {})
    runs = []
    for _ in range(repeats):
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env).stdout
        runs.append(json.loads(said.splitlines()[-1]))
        log(f"{layout} {source}: {runs[-1]}")
    return {part: min(run[part] for run in runs) for part in PARTS}


def lines(rows: dict[str, dict[str, float]]) -> list[list[str]]:
    """Lines of a table: CPU seconds, and times that of Zarr tiles for the whole of segment."""
    found = []
    for layout, row in rows.items():
        whole, least = (sum(r[p] for p in PARTS[3:6]) for r in (row, rows["Zarr tiles"]))
        found.append([layout, *(f"{row[part]:.2f}" for part in PARTS), f"{whole / least:.2f}"])
    return found


def main() -> None:
    """Run and write benchmarks/results/reading.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small image, nothing is written")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--before", default="", metavar="SRC", help="a folder `src` with other code, measured too")
    parser.add_argument("--one", nargs=3, metavar=("FILE", "OPTIONS", "OUT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        measure(Path(chosen.one[0]), json.loads(chosen.one[1]), Path(chosen.one[2]))
        return
    about, size = head(), QUICK if chosen.quick else SIZE
    with TemporaryDirectory() as folder:
        make_files(Path(folder), size)
        repeats = 1 if chosen.quick else chosen.repeats
        now = {layout: one(Path(folder), layout, repeats) for layout in LAYOUTS}
        before = {layout: one(Path(folder), layout, 1, chosen.before) for layout in LAYOUTS if chosen.before}
    header = ("layout", *PARTS, "segment, times Zarr tiles")
    parts = [
        f"CPU seconds, the least of {repeats}; {' x '.join(map(str, size))} uint16, k-means with 6 components, default memory."
        " Open holds the look for marks of no data; predict is the whole of it, with tables and page.",
        table(header, lines(now)),
    ]
    if before:
        parts += ["The same with the code of before, once:", table(header, lines(before))]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    parts.append(f"Load of the shared machine at the end (1, 5, 15 minutes): {load}.")
    if chosen.quick:
        print("\n\n".join(parts))
        return
    write_json("reading", about, load=os.getloadavg(), rows=now, before=before)
    write_page("reading", "What reading costs", about, parts)


if __name__ == "__main__":
    main()
