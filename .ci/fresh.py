"""Fresh virtual environments, and spaxel used in them as a person would: by the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIMULATED = (  # counts, the same kind again, signed flux with variance, a table of spectra
    ("maxrf", "counts.zarr", "--size", "24x20", "--option", "counts=200"),
    ("maxrf", "again.zarr", "--size", "24x20", "--option", "counts=200", "--seed", "1"),
    ("ifu", "galaxy.zarr", "--size", "16x16"),
    ("mixture", "table.csv", "--size", "40x1"),
)
FITS = {  # run: words of the command
    "counts": ("segment", "counts.zarr", "--n-clusters", "3"),
    "galaxy": ("segment", "galaxy.zarr"),
    "both": ("segment", "counts.zarr", "again.zarr", "--n-clusters", "4"),
    "mixtures": ("unmix", "table.csv"),
    "pigments": ("unmix", "counts.zarr"),
    "nmf": ("unmix", "table.csv", "--method", "nmf"),
}
DEEP = {
    "dsc": ("segment", "counts.zarr", "--method", "dsc", "--epochs", "2", "--n-clusters", "3"),
    "dgc": ("segment", "counts.zarr", "again.zarr", "--method", "dgc", "--epochs", "1", "--epochs-views", "1"),
    "ebgmcr": ("unmix", "table.csv", "--method", "ebgmcr"),
}
AFTER = (
    ("predict", "counts", "again.zarr", "-o", "predicted"),
    ("cut", "counts", "2"),
    ("cut", "counts", "3", "--merge", "0,1", "--name", "red"),
    ("report", "mixtures"),
    ("score", "counts"),
    ("info", "counts.zarr"),
    ("convert", "counts.zarr", "converted.zarr"),
    ("doctor",),
)


def environment(folder: Path, *words: str) -> Path:
    """Make a virtual environment, install into it what pip is told; its python."""
    run(sys.executable, "-m", "venv", "--clear", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words)
    return python


def run(*words: str | Path, **options: object) -> subprocess.CompletedProcess:
    """Run a command; stop all if it fails."""
    print("+", *words, flush=True)
    return subprocess.run([str(word) for word in words], check=True, **options)


def spaxel(python: Path, folder: Path, *words: str) -> tuple[int, str]:
    """The command spaxel of an environment, in a folder: exit code and what it said on stderr."""
    print("+ spaxel", *words, flush=True)
    command = [str(python.parent / "spaxel"), *words]
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


def use(python: Path, folder: Path, deep: bool) -> None:
    """Simulate cubes of several kinds, fit, predict, cut, report: every command must end well.

    deep : the methods that need PyTorch too; else they must say in one line what to install
    Raises SystemExit with what a command said.
    """
    folder.mkdir(parents=True)
    fits = [(*words, "-o", name) for name, words in (FITS | (DEEP if deep else {})).items()]
    simulated = [("simulate", *words) for words in SIMULATED]
    for words in (("demo", "demo"), *simulated, *fits, *AFTER):
        code, said = spaxel(python, folder, *words)
        if code or "Traceback" in said or "DeprecationWarning" in said:
            sys.exit(f"spaxel {' '.join(words)}: exit {code}\n{said}")
    for words in () if deep else DEEP.values():
        code, said = spaxel(python, folder, *words, "-o", "none")
        if code != 2 or said.count("\n") != 1 or "pip install 'spaxel[deep]'" not in said:
            sys.exit(f"spaxel {' '.join(words)} without PyTorch: exit {code}, and not one line with the cure:\n{said}")
