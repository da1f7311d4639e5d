"""Does `spaxel info` say how long a run takes? Two cubes, each with k-means; the bar is a factor of three.

usage: python benchmarks/expected.py [folder for the cubes]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUN = "from spaxel.cli import main; main()"
SIZES = {"small": "60x70", "middle": "256x256"}


def spaxel(*words: object) -> tuple[float, str]:
    """Wall seconds of a command, and what it said."""
    begun = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", RUN, *map(str, words)], check=True, capture_output=True)
    return time.perf_counter() - begun, said.stdout.decode()


def seconds_of(said: str) -> float:
    """'a run takes  about 20 s with kmeans' -> 20."""
    number, unit = re.search(r"a run takes +about ([\d.]+) (s|min)", said).groups()  # type: ignore[union-attr]
    return float(number) * {"s": 1, "min": 60}[unit]


def main() -> None:
    """Print a line for each cube."""
    folder = Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())
    print("| cube | said, s | took, s | ratio | info took, s |\n| --- | ---: | ---: | ---: | ---: |")
    for name, size in SIZES.items():
        cube = folder / f"{name}.zarr"
        spaxel("simulate", "maxrf", cube, "--size", size, "--overwrite")
        probe, said = spaxel("info", cube, "--method", "kmeans")
        took, _ = spaxel("segment", cube, "-o", folder / f"{name}-run", "--overwrite", "--quiet", "--method", "kmeans")
        ratio = seconds_of(said) / took
        print(f"| {name}, {size} x 1024 | {seconds_of(said):.0f} | {took:.1f} | {ratio:.2f} | {probe:.1f} |")
        if not 1 / 3 < ratio < 3:
            sys.exit(f"info said {seconds_of(said):.0f} s for {name}, and it took {took:.1f} s")


if __name__ == "__main__":
    main()
