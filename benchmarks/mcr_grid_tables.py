"""The tables of mcr_grid.py in Markdown."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable


def page(runs: list[dict], left_out: list, beside: list[dict], sets: list[tuple]) -> str:
    """The tables in Markdown."""
    exact = sum(r["found"] == r["k"] for r in runs)
    off = max(abs(r["found"] - r["k"]) for r in runs)
    near = sum(r["cosine"] > r["oracle"] - 5e-4 for r in runs)
    loads = [r["load"] for r in runs]
    lines = [
        "# The published grid (EB-gMCR), number of components not given",
        "",
        f"{len(runs)} runs, seeds from {min(r['seed'] for r in runs)} (5 up to 96 components, 3 above). Count exact in {exact} "
        f"({exact / len(runs):.1%}), largest error {off}; cosine within 0.0005 of the oracle in {near}. "
        f"Not run for lack of time: {missing(left_out, len(sets)) or 'none'}.",
        "",
        "| set | exact | cosine | oracle | worst gap | support F1 | C R² | R² (expected) | worst held-out / oracle | / truth |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for times, most, db in sets:
        lines += set_row(
            f"{times}N 1-{most} {db} dB", [r for r in runs if (r["times"], r["most"], r["db"]) == (times, most, db)]
        )
    lines += ["", f"CPU seconds of one thread, least / median / most. {os.cpu_count()} shared cores at a load of "]
    lines[-1] += f"{statistics.median(loads):.1f} (median; most {max(loads):.1f}), which lengthens CPU seconds:"
    lines += ["", "| N | 4N | 8N |", "|---|---|---|"]
    for k in sorted({r["k"] for r in runs}):
        lines.append(f"| {k} | {spread(runs, k, 4)} | {spread(runs, k, 8)} |")
    lines += ["", "Misses:", ""]
    wrong = [r for r in runs if r["found"] != r["k"]]
    lines += [missed(r) for r in wrong] or ["- none"]
    lines += ["", "Beside methods that are told the number (4N, 20 dB, one seed):", ""]
    lines += ["| N, mix | method | number | cosine | support F1 | C R² | CPU s |", "|---|---|---|---|---|---|---|"]
    for case in beside:
        for name, r in case["methods"].items():
            lines.append(
                f"| {case['k']}, 1-{case['most']} | {name} | {r['number']} | {r['cosine']:.4f} | {r['support_f1']:.3f} | "
                f"{r['c_r2']:.4f} | {r['seconds']:.2f} |"
            )
    return "\n".join(lines) + "\n"


def missing(left_out: list[tuple], n_sets: int) -> str:
    """How many sets of each seed and number were not run."""
    cases = [f"N={k} seed {seed}" for seed, k, *_ in left_out]
    return ", ".join(f"{case} ({cases.count(case)} of {n_sets} sets)" for case in dict.fromkeys(cases))


def missed(r: dict) -> str:
    """What went wrong in one run, and what the solver said about it."""
    where = f"{r['times']}N 1-{r['most']} {r['db']} dB, seed {r['seed']}"
    said = " ".join(r["warnings"]) or "No warning."
    return f"- {r['found']} for {r['k']}: {where}; edge {r['edge']}, present {r['present']}, confirmed {r['confirmed']}. {said}"


def set_row(name: str, runs: list[dict]) -> list[str]:
    """One line of the grid, or none."""
    if not runs:
        return []
    mean: Callable[[str], float] = lambda key: statistics.fmean(r[key] for r in runs)  # noqa: E731
    worst = min(r["cosine"] - r["oracle"] for r in runs)
    return [
        f"| {name} | {sum(r['found'] == r['k'] for r in runs)}/{len(runs)} | {mean('cosine'):.4f} | {mean('oracle'):.4f} | "
        f"{worst:+.5f} | {mean('support_f1'):.3f} | {mean('c_r2'):.4f} | {mean('r2'):.4f} ({mean('r2_expected'):.4f}) | "
        f"{max(r['held_out'] for r in runs):.3f} | {max(r['held_out_truth'] for r in runs):.3f} |"
    ]


def spread(runs: list[dict], k: int, times: int) -> str:
    """Least, median and most CPU seconds."""
    took = sorted(r["seconds"] for r in runs if r["k"] == k and r["times"] == times)
    return f"{took[0]:.2f} / {statistics.median(took):.2f} / {took[-1]:.2f}" if took else "-"
