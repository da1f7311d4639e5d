"""Do learned distances earn their place on galaxies? Like those that were learned from, and unlike them in one thing each.

usage: python benchmarks/learned_galaxies.py [--fresh] [--cases CASE ...] [--seeds N]

56 x 56 pixels, five classes (sky, stars, H II regions, diffuse gas, active nucleus), whose number is given; all pixels are
scored against the truth (ARI). Other gas and stars: line ratios that are off by twice the spread of the training, hotter
and cooler stars, stronger bands and more dust than there. KMeans and the consensus are the methods without what was learned.
The weights are those of the package. What the net sees, and how much it counts, was chosen on seeds 9300 and 9301.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from common import log, run_cases, table, write_json, write_page
from spaxel import KMeans, LearnedMetric, Segment, simulate
from spaxel.synth.ifu.light import GAS

SEEDS, K = range(9400, 9405), 5
USUAL: dict[str, Any] = {"height": 56, "width": 56, "channels": 480, "rotation": 250.0}
CASES: dict[str, dict[str, Any]] = {
    "S/N 4": {"snr": 4.0},
    "S/N 8": {"snr": 8.0},
    "S/N 1.5, fainter than learned from": {"snr": 1.5},
    "S/N 60, brighter than learned from": {"snr": 60.0},
    "S/N 8, other gas and stars": {"snr": 8.0},
    "S/N 8, channels of 6.5 Å": {"snr": 8.0, "channels": 370, "wavelengths": (4745.0, 7150.0), "resolution": 9.0},
    "S/N 4, channels of 1.25 Å, red half": {
        "snr": 4.0, "channels": 960, "wavelengths": (5950.0, 7150.0), "resolution": 2.4,
    },
    "S/N 8, redshift 0.15": {"snr": 8.0, "redshift": 0.15, "wavelengths": (5400.0, 7900.0), "channels": 500},
    "S/N 8, redshift 0.04, not told": {"snr": 8.0, "redshift": 0.04},
}  # fmt: skip
METHODS: dict[str, Callable[[int], Any]] = {
    "KMeans": lambda seed: KMeans(K, random_state=seed),
    "consensus": lambda seed: Segment(K, random_state=seed),
    "learned": lambda seed: LearnedMetric(K, random_state=seed),
}


def galaxy(case: str, seed: int) -> tuple[int, Any]:
    """The seed, and a galaxy of this case."""
    options = USUAL | CASES[case]
    if "other gas" in case:
        rng = np.random.default_rng([seed, 78])
        options["gas"] = {
            name: {line: float(flux * np.exp(rng.normal(0, 0.5))) for line, flux in lines.items()}
            for name, lines in GAS.items()
        }
        options |= {"temperatures": (float(rng.uniform(3300, 6500)), 24000.0), "metals": 2.0, "dust": 2.0}
    cube = simulate("ifu", seed=seed, **options).load()
    if "not told" in case:
        del cube.attrs["redshift"]
    return seed, cube


def rows_of(case: str, made: tuple[int, Any]) -> list[dict[str, Any]]:
    """A row for every method."""
    (seed, cube), rows = made, []
    truth = cube["truth_labels"].values.ravel()
    for name, make in METHODS.items():
        start, model = time.process_time(), make(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = model.fit(cube).predict(cube)["labels"].values.ravel()
        row = {"case": case, "seed": seed, "method": name, "ari": adjusted_rand_score(truth, labels)}
        row |= {"seconds": time.process_time() - start}
        rows.append(row | {what: model.info_.get(what) for what in ("trust", "redshift")})
    log(f"{case} {seed}: " + ", ".join(f"{r['method']} {r['ari']:.3f}" for r in rows) + f", trust {rows[-1]['trust']}")
    return rows


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write benchmarks/results/learned_galaxies.{json,md}."""

    def of(case: str | None, method: str) -> list[dict[str, Any]]:
        return [r for r in rows if r["method"] == method and case in (None, r["case"])]

    def cell(found: list[dict[str, Any]]) -> str:
        values = [r["ari"] for r in found]
        return f"{np.mean(values):.3f} ({min(values):.3f})"

    lines = []
    for case in [case for case in CASES if of(case, "learned")]:
        trust = [r["trust"] for r in of(case, "learned")]
        lines.append([case, *(cell(of(case, m)) for m in METHODS), f"{np.mean(trust):.2f} ({min(trust):.2f})"])
    lines.append(["**all**", *(cell(of(None, m)) for m in METHODS), ""])
    lines.append(["CPU seconds", *(f"{np.mean([r['seconds'] for r in of(None, m)]):.1f}" for m in METHODS), ""])
    write_json("learned_galaxies", about, rows=rows)
    write_page("learned_galaxies", "Learned distances on galaxies", about, [
        str(__doc__).split("\n\n", 2)[2].strip(), table(["ARI: mean (worst seed)", *METHODS, "trust: mean (least)"], lines),
    ])  # fmt: skip


if __name__ == "__main__":
    run_cases("learned_galaxies", __doc__, {case: partial(galaxy, case) for case in CASES}, SEEDS, rows_of, report)
