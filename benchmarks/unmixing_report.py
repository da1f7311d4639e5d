"""The page of benchmarks/unmixing_scenes.py."""

from __future__ import annotations

import numpy as np


def page(results: dict) -> str:
    """The page, in Markdown."""
    return "\n".join([*_samson(results["samson"]), *_speed(results["speed"])]) + "\n"


def _samson(rows: list[dict]) -> list[str]:
    lines = [
        "# Unmixing of Samson",
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


def _speed(speed: dict[str, float]) -> list[str]:
    return [
        "",
        "One million spectra of 156 channels x 4 components, one thread (scaled from 200,000): "
        + ", ".join(f"{name} {s:.1f} s" for name, s in speed.items())
        + ".",
        "",
        "Simulated scenes are in unmixing.md, small tables (carbs, NIR, HPLC-DAD) in constraints.md.",
    ]
