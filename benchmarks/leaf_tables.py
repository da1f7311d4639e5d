"""The rows of leaf.py as tables for people. Run alone, it writes leaf.md anew from leaf.json."""

from __future__ import annotations

import json
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from common import RESULTS, table, write_json, write_page

CLASSES = ("background", "tissue", "lesion")
METHOD = """Every fourth scene is healthy. All methods fit the same number of pixels. "Best merge" gives each cluster the class
that most of its test pixels have: an oracle, the upper end of what merging reaches. "Tree cut at 3" has no such help: its
components are matched one to one (with K = 3 nothing is cut). Background / plant is scored after a best merge, always."""
Rows = list[dict[str, Any]]


def store(about: dict[str, Any], size: int, days: Sequence[int], rows: Rows) -> None:
    """Put these rows in place of those of the same version, run and method, and write both files anew."""
    path, key = RESULTS / "leaf.json", operator.itemgetter("version", "run", "method")
    old = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    new = {key(row) for row in rows}
    rows = sorted([row for row in old if key(row) not in new] + rows, key=lambda row: (row["version"], row["run"]))
    write_json("leaf", about, size=size, days=days, rows=rows)
    write_tables(about, size, days, rows)


def write_tables(about: dict[str, Any], size: int, days: Sequence[int], rows: Rows) -> None:
    """benchmarks/results/leaf.md."""
    n, when = len(days), ", ".join(map(str, days))
    said = f"{n} scenes to learn from and {n} others to test on, {size} x {size} x 120, on days {when}. {METHOD}"
    write_page("leaf", "Simulated leaves: DGC and its baselines", about, [said.replace("\n", " "), *page(rows)])


def page(rows: Rows) -> list[str]:
    """A table per version: mean (worst) over the runs."""
    parts = []
    for version in dict.fromkeys(row["version"] for row in rows):
        here = [row for row in rows if row["version"] == version]
        lines = []
        for name in dict.fromkeys(row["method"] for row in here):
            runs = [row for row in here if row["method"] == name]
            values = [np.array([run[key] for run in runs]) for key in ("two", "three", *CLASSES)]
            cells = [f"{value.mean():.3f} ({value.min():.3f})" for value in values]
            lines.append([name, *cells, f"{np.mean([run['cpu_seconds'] for run in runs]):.1f}"])
        share = 100 * np.mean([row["lesion_share"] for row in here])
        n = len({row["run"] for row in here})
        parts.append(f"## {version}: IoU on test scenes, mean (worst) of {n} runs; lesions cover {share:.1f} %")
        head_line = ["method", "background / plant", "three classes", *CLASSES, "CPU s"]
        parts.append(table(head_line, lines))
    return parts


if __name__ == "__main__":
    stored = json.loads((RESULTS / "leaf.json").read_text("utf-8"))
    size, days, rows = (stored.pop(name) for name in ("size", "days", "rows"))
    write_tables(stored, size, days, rows)
