"""Are the figures that the docs quote still those of today's code? Ten minutes on one core; `make bench-check` runs it.

    python benchmarks/bench_check.py [--only dsc leaf …] [--seeds 2] [--write]

Reruns a part of each benchmark, with the seeds of its results file, and compares the mean over the seeds that were rerun with
the mean of the same seeds in benchmarks/results/NAME.json. A figure that is off by more than the spread of the documented runs
of that case (standard deviation over all seeds, or the floor that is given here, whichever is more) fails, and so does
the time of spaxel.MCR above its bars. Exit code 1 then: measure anew with the command in the results file, or find out why.

With --write the table goes to benchmarks/results/bench_check.md, else nothing is written.
Not checked here: memory, speed of whole cubes, and everything that needs more than a minute a run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

import dsc_quality
import energy
import leaf
import mcr_grid
import number
import quality
import spaxel
import unmixing
from common import RESULTS, head, log, painting, real, reflectance, table, write_page

Row = Mapping[str, Any]
BARS = {16: 0.3, 64: 1.0, 256: 6.0}  # CPU seconds of the whole public fit, 4 samples per component
FIRST_SEED = 120  # as in the benchmarks


class Figure(NamedTuple):
    """A documented figure beside today's, and how far they may be apart. documented : nan for a bar that is only not to pass"""

    check: str
    case: str
    name: str
    documented: float
    now: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether it is near enough, or below its bar."""
        if np.isnan(self.documented):
            return self.now <= self.allowed
        return abs(self.now - self.documented) <= self.allowed


def stored(name: str, key: str = "rows") -> list[Row]:
    """Rows of benchmarks/results/NAME.json."""
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))[key]


def compared(
    check: str, old: Iterable[Row], new: Iterable[Row], case: tuple[str, ...], seed: str, floors: Mapping[str, float]
) -> list[Figure]:
    """A figure for each case and each name in `floors`. case : keys that name it      floors : least allowed difference"""
    old, new, figures = list(old), list(new), []
    for words in dict.fromkeys(tuple(row[key] for key in case) for row in new):
        today = [row for row in new if tuple(row[key] for key in case) == words]
        then = [row for row in old if tuple(row[key] for key in case) == words]
        seeds = {row[seed] for row in today}
        same = [row for row in then if row[seed] in seeds]
        if not same:
            raise SystemExit(f"bench-check: results of {check} hold no run {words} with seeds {sorted(seeds)}.")
        for name, floor in floors.items():
            spread = float(np.std([row[name] for row in then], ddof=1)) if len(then) > 1 else 0.0
            figures.append(Figure(
                check, ", ".join(map(str, words)), name,
                float(np.mean([row[name] for row in same])), float(np.mean([row[name] for row in today])),
                max(spread, floor),
            ))  # fmt: skip
    return figures


def check_grid(n_seeds: int) -> list[Figure]:
    """The published grid: number, cosine, support of 16 and 64 components in every set, and of 128 in one."""
    seeds = range(FIRST_SEED, FIRST_SEED + n_seeds - 1)
    plan = [(seed, k, *s) for seed in seeds for k in (16, 64) for s in mcr_grid.SETS]
    plan.append((FIRST_SEED, 128, *mcr_grid.SETS[2]))
    rows = [mcr_grid.one_run(*key) for key in plan]
    case, floors = ("k", "times", "most", "db"), {"found": 0.0, "cosine": 5e-4, "support_f1": 0.01}
    return compared("mcr_grid", stored("mcr_grid", "runs"), rows, case, "seed", floors)


def check_time(_: int) -> list[Figure]:
    """CPU seconds of spaxel.MCR().fit, as a user calls it, on tables of the grid; the least of three."""
    figures = []
    for k, bar in BARS.items():
        spectra = mcr_grid.data(FIRST_SEED, k, 4, 4, 20)[0][: 4 * k]
        taken = []
        for _ in range(3 if k < 256 else 2):
            start = time.process_time()
            spaxel.MCR().fit(spectra)
            taken.append(time.process_time() - start)
        figures.append(Figure("time of MCR.fit", f"N = {k}", "CPU s", float("nan"), min(taken), bar))
    return figures


def check_dsc(n_seeds: int) -> list[Figure]:
    """Deep spectral clustering beside its start and the plain pipeline, two worlds and a real scene."""
    old = stored("dsc_quality")
    keep = ("DSC", "DSC, nothing trained")
    rows = []
    for case in ("maxrf 50", "galaxy 4", "Samson"):
        for seed in range(FIRST_SEED, FIRST_SEED + n_seeds):
            scene = dsc_quality.CASES[case](seed)
            for method in (*keep, "scaled PCA + k-means"):
                given = dsc_quality.OURS.get(method)
                labels = (
                    dsc_quality.PLAIN[method](scene)
                    if given is None
                    else dsc_quality.fitted(spaxel.DeepSpectralClustering(scene.k, random_state=seed, **given), scene)
                )
                ari = spaxel.score(labels.reshape(scene.truth.shape), scene.truth)["ari"]
                rows.append({"case": case, "seed": seed, "method": method, "ari": ari})
    return compared("dsc_quality", old, rows, ("case", "method"), "seed", {"ari": 0.01})


def check_leaf(n_seeds: int) -> list[Figure]:
    """Deep global clustering and the best plain method on series of hard leaves: one for two seeds, three for five."""
    names = [name for name in (*leaf.ON_IMAGES, leaf.DEEP) if name == leaf.DEEP or "unit norm k-means, K = 16" in name]
    names = [name for name in names if name == leaf.DEEP or name.startswith("noise-whitened")]
    runs = range(FIRST_SEED, FIRST_SEED + (n_seeds + 1) // 2)
    rows = [row for run in runs for row in leaf.measured("hard", run, 256, 8, names)]
    return compared("leaf", stored("leaf"), rows, ("version", "method"), "run", {"lesion": 0.01, "two": 0.005})


def check_quality(n_seeds: int) -> list[Figure]:
    """k-means, number given and found, on simulated paintings and reflectance and on Samson."""
    scenes = [painting(6, 200, seed, (96, 96, 256)) for seed in range(n_seeds)]
    scenes += [reflectance(5, 0.4, 0.03, seed) for seed in range(n_seeds - 1)]
    rows = []
    for scene in [*scenes, real("Samson", quality.REAL["Samson"], 0)]:
        model = spaxel.KMeans(scene.k, random_state=scene.seed)
        rows.append(
            quality.measured(scene, "spaxel", lambda s=scene, m=model: m.fit(s.cube).predict(s.cube)["labels"].values)
        )
        rows += quality.automatic(scene, "centroid")
    case, floors = ("family", "setting", "method"), {"ari": 0.01, "n_components": 0.0}
    return compared("quality", stored("quality"), rows, case, "seed", floors)


def check_number(_: int) -> list[Figure]:
    """The number of components that is found, and how probable it is."""
    scenes = [
        scene for scene in number.worlds(number.FRESH[:1]) if scene.family in ("painting", "light", "one material")
    ]
    new = [number.one(scene) for scene in scenes]
    return compared("number", stored("number"), new, ("family", "setting"), "seed", {"found": 0.0, "said": 0.02})


def check_energy(n_seeds: int) -> list[Figure]:
    """EnergyMCR and MCR: a linear table, and one of a detector that saturates."""
    cases = [energy.LINEAR[0], energy.CURVED[0]]
    keys = ("k", "mixing", "law", "method")
    flat = [_flat(run, name) for run in stored("energy", "runs") if _like(run, cases) for name in run["methods"]]
    new = [energy.one_run(case, FIRST_SEED + i) for case in cases for i in range(n_seeds - 1)]
    new = [_flat(run, name) for run in new for name in ("EnergyMCR", "MCR")]
    return compared(
        "energy", flat, new, keys, "seed", {"number": 0.0, "cosine": 1e-3, "support_f1": 0.02, "c_r2": 5e-3}
    )


def _like(run: Row, cases: list[Row]) -> bool:
    return any(all(run.get(key) == value for key, value in case.items()) for case in cases)


def _flat(run: Row, method: str) -> dict[str, Any]:
    return {key: value for key, value in run.items() if key != "methods"} | {"method": method} | run["methods"][method]


def check_scenes(n_seeds: int) -> list[Figure]:
    """Unmixing of Samson, the number given."""
    name = "spaxel, number given"
    old = [row for row in stored("unmixing") if (row["case"], row["what"]) == ("Samson", name)]
    X, S, A = unmixing.CASES["Samson"](0)
    now = [
        {"case": "Samson", "seed": seed} | unmixing.judged(unmixing.OURS[name](X, len(S), seed), S, A)
        for seed in unmixing.SEEDS[:n_seeds]
    ]
    return compared("unmixing", old, now, ("case",), "seed", {"angle": 2e-3, "rmse": 2e-3})


CHECKS: dict[str, Callable[[int], list[Figure]]] = {
    "time": check_time,
    "grid": check_grid,
    "dsc": check_dsc,
    "quality": check_quality,
    "number": check_number,
    "energy": check_energy,
    "scenes": check_scenes,
    "leaf": check_leaf,
}


def main() -> None:
    """Run the checks, print every figure, exit with 1 if one is off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*CHECKS], default=[*CHECKS])
    parser.add_argument("--seeds", type=int, default=2, help="of each case; 2 to 5")
    parser.add_argument("--write", action="store_true", help="benchmarks/results/bench_check.md")
    chosen, figures, about = parser.parse_args(), [], head()
    warnings.simplefilter("ignore")
    for name in chosen.only:
        start = time.process_time()
        with threadpool_limits(1):
            figures += CHECKS[name](chosen.seeds)
        log(f"{name}: {time.process_time() - start:.0f} CPU s")
    rows = []
    for f in figures:
        then = "a bar" if np.isnan(f.documented) else f"{f.documented:.4g}"
        rows.append(["–" if f.holds else "OFF", f.check, f.case, f.name, then, f"{f.now:.4g}", f"{f.allowed:.2g}"])
    shown = table(("off", "benchmark", "case", "figure", "documented", "now", "allowed"), rows)
    off = sum(not f.holds for f in figures)
    print(f"{shown}\n\n{len(figures)} figures, {off} off.")
    if chosen.write:
        said = f"{len(figures)} figures, {off} off: means over the seeds that were run again, beside those of the same seeds "
        said += (
            "in the results files. Allowed: the standard deviation over all documented seeds, or a floor. Times: a bar."
        )
        write_page("bench_check", "Documented figures beside today's code", about, [said, shown])
    sys.exit(off > 0)


if __name__ == "__main__":
    main()
