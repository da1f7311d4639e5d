"""What the benchmarks share: simulated and real scenes with a truth, the head of a results file, tables."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from threadpoolctl import threadpool_limits

import spaxel
from spaxel.cube.computing import cores
from spaxel.synth import simulate

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).parents[2] / "shared" / "data"
LIBRARIES = ("numpy", "scipy", "scikit-learn", "xarray", "dask", "zarr")


@dataclass
class Scene:
    """A cube without its truth, the truth beside it (-1 = unlabelled), and how many classes it holds."""

    family: str
    setting: str
    seed: int
    cube: xr.Dataset
    truth: np.ndarray
    k: int


def painting(n_pigments: int, counts: float, seed: int, shape: tuple[int, int, int]) -> Scene:
    """A simulated MA-XRF painting. shape : rows, columns, channels"""
    height, width, channels = shape
    size = {"height": height, "width": width, "channels": channels}
    cube = simulate("maxrf", **size, seed=seed, n_pigments=n_pigments, counts=counts)
    return as_scene("maxrf", f"{n_pigments} pigments, {counts:g} counts", seed, cube.load())


def reflectance(k: int, light: float, noise: float, seed: int, shape: tuple[int, int] = (80, 96)) -> Scene:
    """Smooth materials (120 bands, 400 to 995 nm), soft borders from Gaussian random fields, white noise.

    light : 0 is even, 0.4 is log brightness that varies smoothly with a standard deviation of about 0.2
    noise : standard deviation per band; materials lie around 0.4
    """
    rng = np.random.default_rng([k, int(light * 10), int(noise * 1000), seed])
    field = np.stack([gaussian_filter(rng.normal(size=shape), 8, mode="wrap") for _ in range(k)], -1)
    field = field / field.std() + rng.normal(size=k) * 0.3
    abundances = np.exp(field * 6)
    abundances /= abundances.sum(-1, keepdims=True)
    smooth = [gaussian_filter(rng.normal(size=120), 12, mode="nearest") for _ in range(k)]
    materials = np.stack([0.2 + 0.4 * rng.random() + 1.2 * bend for bend in smooth]).clip(0.02)
    bright = np.exp(light * 24 * gaussian_filter(rng.normal(size=shape), 15, mode="wrap"))[..., None]
    spectra = (abundances @ materials) * bright
    spectra = (spectra + rng.normal(size=spectra.shape) * noise).astype(np.float32)
    cube = spaxel.make_cube(spectra, 400 + 5 * np.arange(120), "nm", truth_labels=abundances.argmax(-1).astype("int32"))
    return as_scene("reflectance", f"{k} materials, light {light:g}, noise {noise:g}", seed, cube)


def real(name: str, path: str, seed: int) -> Scene:
    """A scene of ../shared/data; the seed is that of the method alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cube = spaxel.open_cube(DATA / path, **({"truth": "S_GT"} if "samson" in path else {}))
    return as_scene("real", name, seed, cube)


def as_scene(family: str, setting: str, seed: int, cube: xr.Dataset) -> Scene:
    """A scene of a cube that holds its truth."""
    from spaxel.metrics.labels import truth_labels

    truth = truth_labels(cube)
    bare = cube.drop_vars([name for name in cube.data_vars if str(name).startswith("truth_")])
    return Scene(family, setting, seed, bare, truth, len(np.unique(truth[truth >= 0])))


def paintings(
    pigments: Sequence[int], counts: Sequence[int], seeds: Sequence[int], shape: tuple[int, int, int]
) -> Iterator[Scene]:
    """Every combination, one after the other."""
    yield from (painting(n, c, seed, shape) for n in pigments for c in counts for seed in seeds)


def reflectances(
    materials: Sequence[int], lights: Sequence[float], noises: Sequence[float], seeds: Sequence[int]
) -> Iterator[Scene]:
    """Every combination, one after the other."""
    yield from (reflectance(k, a, b, seed) for k in materials for a in lights for b in noises for seed in seeds)


def head() -> dict[str, Any]:
    """How a result is made: command, date, commit, versions, machine. To be asked before the work: code may change."""
    commit = _git("log", "-1", "--format=%h") + (", with changes" if _git("status", "--porcelain", "--", "src") else "")
    return {
        "command": "python benchmarks/" + " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "spaxel": f"{spaxel.__version__}, commit {commit}",
        "versions": {"python": sys.version.split()[0]} | {name: version(name) for name in LIBRARIES},
        "machine": f"{platform.machine()}, {cores()} shared cores, {_gibibytes()}",
    }


def _git(*words: str) -> str:
    command = ["git", "-C", str(Path(__file__).parents[1]), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _gibibytes() -> str:
    if not hasattr(os, "sysconf"):  # Windows
        return "memory not known"
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def write_json(name: str, about: dict[str, Any], **values: Any) -> None:
    """benchmarks/results/NAME.json: head, then values."""
    text = json.dumps(about | values, separators=(",", ":"), default=lambda v: v.tolist())
    (RESULTS / f"{name}.json").write_text(text + "\n", "utf-8")


def write_page(name: str, title: str, about: dict[str, Any], parts: Sequence[str]) -> None:
    """benchmarks/results/NAME.md: title, head, then paragraphs and tables."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    lines = f"`{about['command']}`, {about['date']}, spaxel {about['spaxel']}; {versions}; {about['machine']}."
    (RESULTS / f"{name}.md").write_text("\n\n".join([f"# {title}", lines, *parts]) + "\n", "utf-8")


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; numbers are aligned to the right."""
    right = [not isinstance(value, str) or value[:1] in "+-0123456789" for value in (rows[0] if rows else header)]
    lines = [header, ["---:" if r else "---" for r in right], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def log(text: str) -> None:
    """A line on stderr: how far it is."""
    print(text, file=sys.stderr, flush=True)


def run_cases(
    name: str,
    about: str | None,
    cases: Mapping[str, Callable[[int], Any]],
    seeds: Sequence[int],
    rows_of: Callable[[str, Any], Iterable[dict[str, Any]]],
    report: Callable[[dict[str, Any], list[dict[str, Any]]], None],
) -> None:
    """A command: run the cases and seeds that are not in results/NAME.json yet (all with --fresh), and report after each.

    rows_of : (name of the case, what it makes of a seed) -> rows with `case` and `seed`
    report  : (head, all rows) -> writes them
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--cases", nargs="+", choices=[*cases], default=[*cases])
    parser.add_argument("--seeds", type=int, default=len(seeds))
    chosen = parser.parse_args()
    first, path = head(), RESULTS / f"{name}.json"
    rows = [] if chosen.fresh or not path.exists() else json.loads(path.read_text("utf-8"))["rows"]
    done = {(row["case"], row["seed"]) for row in rows}
    for seed in seeds[: chosen.seeds]:
        for case in chosen.cases:
            if (case, seed) in done:
                continue
            with threadpool_limits(1):
                rows += rows_of(case, cases[case](seed))
            report(first, sorted(rows, key=lambda row: ([*cases].index(row["case"]), row["seed"])))
