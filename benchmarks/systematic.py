"""Systematic errors of instruments in tables of mixtures: is the number right, or does a warning name the error and the step?

    python benchmarks/systematic.py [--fresh] [--cases CASE ...] [--seeds N]

writes benchmarks/results/systematic.{json,md}. Nothing is told of the number or of the error. Beside it, in the same run, the
edge of the noise alone, and Minka's PCA of scikit-learn. All thresholds were chosen on seeds 1000 to 1004, and what was
missed on 120 (near twins), 126 (widths) and 130 (jitter) was mended; these are fresh.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from common import run_cases, table, write_json, write_page
from mcr_grid import scores
from spaxel import MCR
from systematic_worlds import CASES, WORLDS, World
from systematic_worlds import table as world_table

STEP = {
    "drift": {"baseline": True}, "scatter": {"msc": True}, "tilt": {"msc": True}, "jitter": {"align": True},
    "widths": {"align": True}, "coloured": {"noise": "coloured"},
}  # fmt: skip
SEEDS = tuple(range(135, 140))
HEADER = (
    "table", "error", "components", "edge alone", "Minka", "found", "named", "becomes", "with the step", "cosine", "with",
    "held",
)  # fmt: skip
TWINS = 0.95  # cosine of the worst component, from which near twins are told apart


def measured(case: str, seed: int) -> list[dict[str, Any]]:
    """One case in every world: as it is, and with the step that the case asks for."""
    rows = []
    for world in WORLDS:
        X, C, S = world_table(world, case, seed)
        begun = time.process_time()
        model = _fitted(X)
        row = {"world": list(world), "k": world.k, "found": model.n_components_, "seconds": time.process_time() - begun}
        row |= {"edge": model.info_["evidence"]["edge"], "minka": _minka(X), "warnings": model.info_["warnings"]}
        named = model.info_.get("systematic", {})
        row |= {"named": named.get("option") if named.get("clear") else None, "becomes": named.get("number")} | _scored(
            model, X, C, S
        )
        if case in STEP:
            better = _fitted(X, **STEP[case])
            row |= {f"{name} with": value for name, value in _scored(better, X, C, S).items()}
            row["with"] = better.n_components_
        rows.append(row | {"held": _held(row, case)})
    return rows


def _fitted(X: np.ndarray, **step: Any) -> MCR:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MCR(**step).fit(X)


def _scored(model: MCR, X: np.ndarray, C: np.ndarray, S: np.ndarray) -> dict[str, float]:
    found = scores(model.components_, model.transform(X), C, S)
    cosine = S @ (model.components_ / np.linalg.norm(model.components_, axis=1, keepdims=True)).T
    return {"cosine": found["cosine"], "worst": float(cosine.max(1).min()), "c_r2": found["c_r2"]}


def _minka(X: np.ndarray) -> int:
    """Count of Minka's PCA on samples of norm 1; it needs no more channels than samples, so these are turned."""
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(PCA("mle", svd_solver="full").fit(unit.T).n_components_)


def _held(row: dict[str, Any], case: str) -> bool:
    """The bar: right and silent without an error; else right, or the error named with the right step and the right number."""
    if case == "clean":
        return row["found"] == row["k"] and not row["warnings"]
    if case == "twins":
        alike = [sentence for sentence in row["warnings"] if "nearly alike" in sentence]
        if row["found"] != row["k"]:
            return any(f"n_components={row['k']}." in sentence for sentence in alike)
        return row["worst"] >= TWINS and bool(alike)
    ((right, value),) = STEP[case].items()
    option, clear = _named(row)
    correct = option == f"--{right}" + (f" {value}" if value is not True else "")
    if option and correct and row["becomes"] == row["k"] == row["with"]:
        return True
    return row["found"] == row["k"] and (correct or not option or not clear)


def _named(row: dict[str, Any]) -> tuple[str, bool]:
    """The option that a warning names, "" for none, and whether it is sure of it ("Probably") or not ("Doubtful")."""
    for sentence in row["warnings"]:
        for word, start in (("Probably ", "Try "), ("Doubtful: ", "Compare with ")):
            if sentence.startswith(word):
                return sentence.rsplit(start, 1)[1].rstrip("."), word == "Probably "
    return "", False


def rows_of(case: str, found: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """With the case and the seed of each."""
    return found


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Both files of results."""
    write_json("systematic", about, rows=rows)
    seen = [case for case in CASES if any(row["case"] == case for row in rows)]
    worlds = [(world, case) for world in WORLDS for case in seen]
    shown = [_line(*one, [r for r in rows if (World(*r["world"]), r["case"]) == one]) for one in worlds]
    held = []
    for case in seen:
        those = [row | {"held": _held(row, case)} for row in rows if row["case"] == case]
        unsure = sum(row["held"] and _named(row)[0] != "" and not _named(row)[1] for row in those)
        held.append([case, f"{sum(row['held'] for row in those)} of {len(those)}", unsure or ""])
    parts = [
        "Held: right and silent without an error; right number, or the error named with the right step and the right number, "
        'as probable ("Try --msc") or as doubtful ("Compare with --msc"); '
        "near twins (cosine 0.99) both found (cosine at least 0.95) and named, or said to be taken for one, with the right "
        "number.",
        table(["error", "held", "of them said to be doubtful"], held),
        table(HEADER, shown),
    ]
    write_page("systematic", "Systematic errors told from components", about, parts)


def _line(world: World, case: str, rows: list[dict[str, Any]]) -> list[Any]:
    def every(name: str) -> str:
        values = sorted({row[name] for row in rows if row.get(name) is not None})
        return f"{values[0]}" + (f"-{values[-1]}" if len(values) > 1 else "") if values else ""

    named = [option for row in rows if (option := _named(row)[0])]
    options = f"{', '.join(sorted(set(named)))} ({len(named)} of {len(rows)})" if named else ""
    after = f"{np.mean([row['cosine with'] for row in rows]):.4f}" if "cosine with" in rows[0] else ""
    return [
        f"{world.spectra}, {world.times}N, {world.db:g} dB", case, world.k, every("edge"), every("minka"), every("found"),
        options, every("becomes"), every("with"), f"{np.mean([row['cosine'] for row in rows]):.4f}", after,
        f"{sum(_held(row, case) for row in rows)} of {len(rows)}",
    ]  # fmt: skip


if __name__ == "__main__":
    cases = {
        case: lambda seed, case=case: [row | {"case": case, "seed": seed} for row in measured(case, seed)]
        for case in CASES
    }
    run_cases("systematic", __doc__, cases, SEEDS, rows_of, report)
