"""The three objectives of DeepGlobalClustering on simulated leaves: how many clusters stay active, and what they tell apart.

The published loss is trained on the same windows and with the same encoder as the stable one, but in other batches, and from
random centres instead of k-means. Scenes are those of leaf.py, of runs that nothing was chosen on.
"""

from __future__ import annotations

import argparse
import json
import operator
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import spaxel
from common import RESULTS, head, log, table, write_json, write_page
from leaf import DAYS, MERGE, confusion, overlaps, scenes

LEAST = 1e-3  # share of the test pixels from which a cluster counts as active
OBJECTIVES = ("stable", "paper", "paper-corrected")
Rows = list[dict[str, Any]]


def measured(
    objective: str, n_micro: int, run: int, train: list[Any], test: list[Any], given: dict[str, Any]
) -> dict[str, Any]:
    """A row: the fit on the scenes to learn from, scored on the others."""
    options = {"n_clusters": 2, "n_micro": n_micro, "objective": objective, "random_state": run} | given
    model = spaxel.DeepGlobalClustering(**options)
    cpu = time.process_time()
    model.fit([cube[["spectra"]] for cube in train])
    cpu = time.process_time() - cpu
    found = [model.predict(cube[["spectra"]])["micro_labels"].values for cube in test]
    counts = confusion([cube["truth_labels"].values for cube in test], found)
    scores, last = overlaps(counts, MERGE), model.info_["history"][-1]
    row = {"objective": objective, "n_micro": n_micro, "run": run}
    row |= {"active": int((counts.sum(0) > LEAST * counts.sum()).sum()), "largest": counts.sum(0).max() / counts.sum()}
    row |= {"two": scores["two"], "three": scores["three"], "cpu_seconds": cpu}
    row |= {name: last[name] for name in ("information", "largest_cosine", "effective_rank")}
    rounded = {name: round(v, 4) if isinstance(v, float) else v for name, v in row.items()}
    return rounded | {"sentence": model.info_["deep"]["sentence"]}


def store(about: dict[str, Any], size: int, n: int, given: dict[str, Any], rows: Rows) -> None:
    """Put these rows in place of those of the same objective, number and run, and write both files anew."""
    path, key = RESULTS / "dgc_objectives.json", operator.itemgetter("n_micro", "objective", "run")
    old = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    new, order = {key(row) for row in rows}, OBJECTIVES
    rows = [row for row in old if key(row) not in new] + rows
    rows = sorted(rows, key=lambda row: (row["n_micro"], order.index(row["objective"]), row["run"]))
    write_json("dgc_objectives", about, size=size, scenes=n, given=given, rows=rows)
    days, told = ", ".join(map(str, DAYS[:n])), ", ".join(f"{name} {value}" for name, value in given.items())
    said = (
        f"{n} scenes (hard) to learn from and {n} others to test on, {size} x {size} x 120, on days {days}, every fourth "
        f"healthy; {told}. Active: clusters that hold more than 0.1 % of the test pixels. IoU after a best merge (each cluster "
        "gets the class that most of its test pixels have). Information: of the labels of two noisy views of tiles "
        "held out, in nats. Mean (worst) of the runs; for the largest share the worst is the highest. "
        f"The published loss takes {given['tiles'] * given['reuse'] * given['epochs'] // 4} steps here: where these are few, "
        "random centres are part of what is seen, and not the loss alone."
    )
    write_page("dgc_objectives", "Objectives of Deep Global Clustering, side by side", about, [said, *page(rows)])


def page(rows: Rows) -> list[str]:
    """A table per number of clusters at the start."""
    parts = []
    for n_micro in sorted({row["n_micro"] for row in rows}):
        here, lines = [row for row in rows if row["n_micro"] == n_micro], []
        for objective in dict.fromkeys(row["objective"] for row in here):
            runs = [row for row in here if row["objective"] == objective]
            lines.append([objective, *cells(runs), f"{np.mean([row['cpu_seconds'] for row in runs]):.1f}"])
        header = ["objective", "active", "largest share", "background / plant", "three classes", "information", "CPU s"]
        parts.append(
            f"## {n_micro} clusters at the start, runs {', '.join(map(str, sorted({r['run'] for r in here})))}"
        )
        parts.append(table(header, lines))
    return parts


def cells(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Mean and worst of each figure."""
    found = []
    for name, digits in (("active", 1), ("largest", 2), ("two", 3), ("three", 3), ("information", 2)):
        values = np.array([row[name] for row in runs])
        worst = values.max() if name == "largest" else values.min()
        found.append(f"{values.mean():.{digits}f} ({worst:.{0 if name == 'active' else digits}f})")
    return found


def main() -> None:
    """Run and write benchmarks/results/dgc_objectives.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--first", type=int, default=120, help="first run; below 120 is for choosing")
    parser.add_argument("--micro", nargs="+", type=int, default=[4, 16], help="clusters at the start")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--scenes", type=int, default=4, help="to learn from, and to test on")
    for name, value in {"tiles": 4, "reuse": 4, "epochs": 4}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--dry", action="store_true", help="nothing is written")
    chosen = parser.parse_args()
    about, n = head(), chosen.scenes
    given = {name: getattr(chosen, name) for name in ("tiles", "reuse", "epochs", "rate")}
    for run in range(chosen.first, chosen.first + chosen.runs):
        rows = []
        with threadpool_limits(1):
            train, test = (scenes("hard", range(100 * run + at, 100 * run + at + n), chosen.size) for at in (0, 50))
            for n_micro in chosen.micro:
                for objective in OBJECTIVES:
                    rows.append(measured(objective, n_micro, run, train, test, given))
                    log(" ".join(map(str, rows[-1].values())))
        if not chosen.dry:
            store(about, chosen.size, n, given, rows)


if __name__ == "__main__":
    main()
