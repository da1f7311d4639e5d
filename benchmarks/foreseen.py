"""Does --dry-run say what a run takes? Peak memory, seconds and bytes on the disk of runs, beside what was said before.

usage: python benchmarks/foreseen.py [--methods kmeans,consensus,mcr,dsc] [--folder FOLDER]

The peak is that of the command itself, page and tables included. Memory and disk are said as bounds: a share above 1 is a
fault.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import head, log, table, write_json, write_page

RUN = (
    "import sys\nfrom spaxel.cli import main\nfrom spaxel.store.provenance import peak_memory\n"
    "try:\n    main(sys.argv[1:])\nfinally:\n    print('PEAK', peak_memory())\n"
)
CUBES = {"256 x 256 x 256": "256x256", "512 x 512 x 256": "512x512"}
VERB = {"mcr": "unmix", "ebgmcr": "unmix"}
UNITS = {"B": 1, "kiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def spaxel(*words: object) -> tuple[float, str]:
    """Wall seconds of a command, and what it said."""
    begun = time.perf_counter()
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN, *map(str, words)], check=True, capture_output=True
    )
    return time.perf_counter() - begun, said.stdout.decode()


def size(said: str, name: str) -> float:
    """The bytes that a line of --dry-run begins with."""
    number, unit = re.search(rf"^{name} +at most ([\d.]+) (\w+)", said, re.MULTILINE).groups()  # type: ignore[union-attr]
    return float(number) * UNITS[unit]


def seconds(said: str) -> float:
    """Those that --dry-run says."""
    number, unit = re.search(r"^time +about ([\d.]+) (s|min)", said, re.MULTILINE).groups()  # type: ignore[union-attr]
    return float(number) * {"s": 1, "min": 60}[unit]


def row(folder: Path, cube: str, method: str, memory: str) -> dict[str, Any]:
    """One run, said and done."""
    words = [VERB.get(method, "segment"), folder / f"{CUBES[cube]}.zarr", "-o", folder / "run", "--overwrite", "--quiet",
             "--method", method, "--memory", memory]  # fmt: skip
    _, said = spaxel(*words, "--dry-run")
    took, done = spaxel(*words)
    disk = sum(file.stat().st_size for file in (folder / "run").rglob("*") if file.is_file())
    peak = int(re.search(r"PEAK (\d+)", done)[1])  # type: ignore[index]
    found = {"cube": cube, "method": method, "memory": memory, "memory_said": size(said, "memory"), "peak": peak,
             "seconds_said": seconds(said), "seconds": took, "disk_said": size(said, "disk"), "disk": disk}  # fmt: skip
    log(str(found))
    return found


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write benchmarks/results/foreseen.{json,md}."""
    mib = lambda n: f"{n / 2**20:.0f}"  # noqa: E731
    lines = [
        [r["cube"], r["method"], r["memory"], mib(r["memory_said"]), mib(r["peak"]), f"{r['peak'] / r['memory_said']:.2f}",
         f"{r['seconds_said']:.0f}", f"{r['seconds']:.0f}", mib(r["disk_said"]), mib(r["disk"])]
        for r in rows
    ]  # fmt: skip
    header = ("cube (maxrf, uint16)", "method", "--memory", "memory said, MiB", "peak", "share", "seconds said", "took",
              "disk said, MiB", "taken")  # fmt: skip
    write_json("foreseen", about, rows=rows)
    write_page("foreseen", "Does --dry-run say what a run takes?", about, [str(__doc__).strip(), table(header, lines)])


def main() -> None:
    """Every method on every cube."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--methods", default="kmeans,consensus,mcr,dsc")
    asked.add_argument("--memory", default="256MiB")
    asked.add_argument("--folder", type=Path)
    given, about, rows = asked.parse_args(), head(), []
    folder = given.folder or Path(tempfile.mkdtemp())
    for cube, sides in CUBES.items():
        if not (folder / f"{sides}.zarr").exists():
            spaxel("simulate", "maxrf", folder / f"{sides}.zarr", "--size", sides, "--option", "channels=256")
        for method in given.methods.split(","):
            rows.append(row(folder, cube, method, given.memory))
            report(about, rows)


if __name__ == "__main__":
    main()
