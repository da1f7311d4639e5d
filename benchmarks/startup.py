"""What it costs to call the command: CPU seconds of help, of info, and of segmenting 20 x 20 pixels.

    python benchmarks/startup.py [runs]

Each figure is the median of several processes (5 unless said), user and system time of the process itself, one thread.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CALLS = {
    "import spaxel": ["-c", "import spaxel"],
    "spaxel --help": ["--help"],
    "spaxel segment --help": ["segment", "--help"],
    "spaxel unmix --method ebgmcr --help": ["unmix", "--method", "ebgmcr", "--help"],
    "spaxel info": ["info", "scan.zarr"],
    "spaxel segment, 20 x 20 pixels": ["segment", "scan.zarr", "-o", "run", "--overwrite"],
    "spaxel score": ["score", "run"],
    "spaxel report": ["report", "run"],
}
COMMAND = "from spaxel.cli import main; main()"


def cpu_seconds(words: list[str], folder: str) -> float:
    """User and system seconds of one process."""
    code = [] if words[0] == "-c" else ["-c", COMMAND]
    env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled, as when installed
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *code, *words], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(runs: int) -> None:
    """Print the median of each call."""
    from spaxel.readers.native import write_cube
    from spaxel.synth import simulate

    with tempfile.TemporaryDirectory() as folder:
        write_cube(simulate("maxrf", height=20, width=20, seed=0), Path(folder) / "scan.zarr")
        for name, words in CALLS.items():
            print(f"{name:38} {statistics.median(cpu_seconds(words, folder) for _ in range(runs)):6.2f} CPU s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
