"""The page of benchmarks/unmixing_scenes.py."""

from __future__ import annotations

import numpy as np


def page(results: dict) -> str:
    """The page, in Markdown."""
    return "\n".join([*_samson(results["samson"]), *_worlds(results["worlds"]), *_speed(results["speed"])]) + "\n"


def _samson(rows: list[dict]) -> list[str]:
    lines = [
        "# Unmixing of scenes",
        "",
        "## Samson (95 x 95 pixels, 156 channels, 3 materials), 5 seeds, mean (worst)",
        "",
        "Bars: angle at most 0.03 rad, abundance RMSE at most 0.06. The stored abundances are an NNLS fit of the stored",
        "spectra at a free brightness, normalised: last row. They reward that model, and cannot prove it.",
        "",
        "| method | k | angle (rad) | abundance RMSE | s |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        angle, rmse, seconds = (np.array([run[key] for run in row["runs"]]) for key in ("angle", "rmse", "seconds"))
        ks = sorted({run["k"] for run in row["runs"]})
        lines.append(
            f"| {row['method']} | {', '.join(map(str, ks))} | {angle.mean():.3f} ({angle.max():.3f}) "
            f"| {rmse.mean():.3f} ({rmse.max():.3f}) | {seconds.mean():.1f} |"
        )
    return lines


def _worlds(rows: list[dict]) -> list[str]:
    lines = [
        "",
        "## Simulated scenes (2, 3, 4 and 6 materials; seeds not used to choose the rules)",
        "",
        "angle / abundance RMSE, medians with the count given; true abundances are shares of area.",
        "`even` is the option scale='even'.",
        "",
        "| world | count exact | of those called clear | unit norm chosen | spaxel | even | VCA | VCA unit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    names = ("**spaxel**, count given", "spaxel, count given, scale even", "VCA + FCLS", "VCA + FCLS, unit norm")
    for row in rows:
        runs = row["runs"]
        exact, clear = (
            [r["found"] == r["k"] for r in runs],
            [r["found"] == r["k"] for r in runs if r["sure"] == "clear"],
        )
        cells = [
            f"{np.median([r[n]['angle'] for r in runs]):.3f} / {np.median([r[n]['rmse'] for r in runs]):.3f}"
            for n in names
        ]
        units = sum(r["normalisation"] == "unit" for r in runs)
        lines.append(
            f"| {row['world']} | {sum(exact)} of {len(runs)} | {sum(clear)} of {len(clear)} | {units} of {len(runs)} | "
            + " | ".join(cells)
            + " |"
        )
    by_k = []
    runs = [r for row in rows for r in row["runs"]]
    for k in sorted({r["k"] for r in runs}):
        off = [r["found"] - k for r in runs if r["k"] == k]
        share = ", ".join(f"{d:+d}: {off.count(d)}" for d in sorted(set(off)))
        by_k.append(f"k = {k}: {share}")
    return [*lines, "", "Found minus true, runs: " + "; ".join(by_k) + "."]


def _speed(speed: dict[str, float]) -> list[str]:
    return [
        "",
        "One million spectra of 156 channels x 4 components, one thread (scaled from 200,000): "
        + ", ".join(f"{name} {s:.1f} s" for name, s in speed.items())
        + ".",
        "",
        "Small tables (carbs, NIR, HPLC-DAD) are in constraints.md.",
    ]
