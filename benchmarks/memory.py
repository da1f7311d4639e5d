"""Peak memory of `spaxel segment` as cubes grow: the command line in a process of its own, resident memory as the system
counts it, the report included.

Bar: from one cube to another of 8 times its size, the peak grows by less than 10 % of the growth in size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from common import head, log, table, write_json, write_page

MIB = 2**20
BAR = 0.10  # of the growth in size
CASES = {  # name -> format, rows, columns, channels; uint16
    "zarr 128 MiB": ("zarr", 256, 256, 1024),
    "zarr 1 GiB": ("zarr", 512, 1024, 1024),
    "envi 128 MiB": ("envi", 256, 256, 1024),
    "envi 1 GiB": ("envi", 512, 1024, 1024),
    "dsc, zarr 128 MiB": ("zarr", 256, 256, 1024),
    "dsc, zarr 1 GiB": ("zarr", 512, 1024, 1024),
    "zarr 1 GiB, 2048 channels": ("zarr", 512, 512, 2048),
    "zarr 2 GiB, 2048 channels": ("zarr", 512, 1024, 2048),
}
PAIRS = (
    ("zarr 128 MiB", "zarr 1 GiB"),
    ("envi 128 MiB", "envi 1 GiB"),
    ("dsc, zarr 128 MiB", "dsc, zarr 1 GiB"),
)
QUICK = {"zarr 4 MiB": ("zarr", 64, 128, 256), "envi 4 MiB": ("envi", 64, 128, 256)}
QUICK |= {"dsc, zarr 4 MiB": ("zarr", 64, 128, 256)}
DEEP = (
    "--method",
    "dsc",
    "--stream",
    "true",
    "--epochs",
    "5",
    "--n-sample",
    "10000",
)  # cases whose name begins with dsc


def spaxel(*words: str | Path) -> tuple[int, float]:
    """Run the command line; peak bytes and CPU seconds of that process. Raises CalledProcessError."""
    command = [str(Path(sys.executable).parent / "spaxel"), *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        log(complaint.decode())
        raise subprocess.CalledProcessError(process.returncode, command, stderr=complaint)
    return used.ru_maxrss * 1024, used.ru_utime + used.ru_stime


def zarr_cube(folder: Path, rows: int, columns: int, channels: int) -> Path:
    """A simulated painting as Zarr, made once."""
    path = folder / f"{rows}x{columns}x{channels}.zarr"
    if not path.exists():
        size, option = f"{rows}x{columns}", f"channels={channels}"
        spaxel("simulate", "maxrf", path, "--size", size, "--seed", "1", "--option", option)
    return path


def envi_cube(folder: Path, rows: int, columns: int, channels: int) -> Path:
    """The same numbers as a raw ENVI file."""
    return as_envi(zarr_cube(folder, rows, columns, channels))


def as_envi(source: Path) -> Path:
    """The header of an ENVI file, band interleaved by pixel, made once beside a Zarr cube of uint16 or float32."""
    import zarr

    path = source.with_suffix(".img")
    if not path.with_suffix(".hdr").exists():
        spectra = zarr.open_group(source, mode="r")["spectra"]
        code, kind = {"uint16": (12, "<u2"), "float32": (4, "<f4")}[str(spectra.dtype)]
        height, width, channels = spectra.shape
        with path.open("wb") as stream:
            for y in range(0, height, 64):
                stream.write(np.asarray(spectra[y : y + 64]).astype(kind).tobytes())
        lines = {"samples": width, "lines": height, "bands": channels, "header offset": 0, "data type": code}
        lines |= {"interleave": "bip", "byte order": 0}
        text = "\n".join(["ENVI", *(f"{key} = {value}" for key, value in lines.items())])
        path.with_suffix(".hdr").write_text(text + "\n")
    return path.with_suffix(".hdr")


def one(folder: Path, name: str, case: tuple[str, int, int, int], memory: str, repeats: int) -> dict[str, Any]:
    """Peaks and seconds of `segment` on one cube: medians, and the highest peak."""
    kind, *shape = case
    cube = (zarr_cube if kind == "zarr" else envi_cube)(folder, *shape)
    out = folder / f"run-{kind}-{'x'.join(map(str, shape))}"
    runs = []
    for _ in range(repeats):
        how = DEEP if name.startswith("dsc") else ("--method", "kmeans")
        peak, cpu = spaxel("segment", cube, "--out", out, "--memory", memory, "--overwrite", *how)
        before = json.loads((out / "run.json").read_text("utf-8"))["peak_memory_bytes"]
        log(f"{name}: peak {peak / MIB:.0f} MiB ({before / MIB:.0f} before the report), {cpu:.0f} CPU s")
        runs.append((peak, before, cpu))
    peak, before, cpu = (float(median(values)) for values in zip(*runs, strict=True))
    row = {"name": name, "shape": " x ".join(map(str, shape)), "size": int(np.prod(shape)) * 2, "runs": repeats}
    return row | {"peak": peak, "highest": max(r[0] for r in runs), "before_report": before, "cpu_seconds": cpu}


def rows_of(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Lines of the table of cases."""
    return [
        [r["name"], r["shape"], *(f"{r[key] / MIB:.0f}" for key in ("size", "peak", "highest", "before_report")),
         f"{r['cpu_seconds']:.0f}", str(r["runs"])]
        for r in found.values()
    ]  # fmt: skip


def growth(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Lines of the table of growth: MiB more of peak over MiB more of cube."""
    lines = []
    for small, large in PAIRS:
        if small in found and large in found:
            more, size = (found[large][key] - found[small][key] for key in ("peak", "size"))
            verdict = "kept" if more < BAR * size else "MISSED"
            lines.append(
                [f"{small} to {large}", f"{more / MIB:+.0f}", f"{size / MIB:+.0f}", f"{more / size:.1%}", verdict]
            )
    return lines


def main() -> None:
    """Run and write benchmarks/results/memory.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two small cubes, nothing is written")
    parser.add_argument("--memory", default="256MiB")
    parser.add_argument("--folder", type=Path, help="where the cubes are made and kept (default: a temporary folder)")
    parser.add_argument("--only", nargs="+", choices=[*CASES], help="some cases, nothing is written")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each case of which the growth is taken")
    chosen = parser.parse_args()
    cases = QUICK if chosen.quick else {name: CASES[name] for name in chosen.only or CASES}
    about = head()
    with TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            name: one(folder, name, case, chosen.memory, chosen.repeats if name in chain(*PAIRS) else 1)
            for name, case in cases.items()
        }
    parts = [
        f"`spaxel segment CUBE --method kmeans --out RUN --memory {chosen.memory}`, uint16, K = auto, report included. MiB."
    ]
    parts += [f"Cases of dsc: `{' '.join(DEEP)}`, another sample is read in each epoch. For dgc see dgc_memory.md."]
    parts += [
        table(
            ("cube", "rows x columns x channels", "size", "peak", "highest", "before the report", "CPU s", "runs"),
            rows_of(found),
        )
    ]
    if lines := growth(found):
        parts += [f"Bar: the peak grows by less than {BAR:.0%} of the growth in size."]
        parts += [table(("from, to", "peak", "size", "ratio", "bar"), lines)]
    if chosen.quick or chosen.only:
        print("\n\n".join(parts))
    else:
        write_json("memory", about, memory=chosen.memory, cases=list(found.values()))
        write_page("memory", "Peak memory of segment", about, parts)


if __name__ == "__main__":
    main()
