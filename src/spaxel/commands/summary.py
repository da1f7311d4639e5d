"""What a person reads after a run: how many components, why, their sizes, and where the report is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.commands.console import print_table, say
from spaxel.store import read_run

MOST = 20  # components that are listed


def print_run(folder: Path) -> None:
    """Print the summary of a run folder."""
    run, result = read_run(folder)
    say(f"{run.get('name', folder.name)}: {result.attrs.get('sentence', '')}")
    for sentence in result.attrs.get("history", []):
        say(f"  {sentence}")
    _print_amounts(result) if "abundances" in result else _print_sizes(result)
    labels = result["labels"].values
    if lost := int((labels < 0).sum()):
        say(f"{lost:,} of {labels.size:,} pixels hold no data (label -1)")
    for sentence in result.attrs.get("notes", []):
        say(f"warning: {sentence}")
    if "unmixing" in run:
        say("against the truth, after matching: " + ", ".join(f"{k} {_short(v)}" for k, v in run["unmixing"].items()))
    if "score" in run:
        print_score(run["score"])
    say(f"report: {folder / 'report.html'}")


def _print_amounts(result: xr.Dataset) -> None:
    amounts = result["abundances"].values.reshape(-1, result.sizes["component"])
    shares = amounts / np.maximum(amounts.sum(1, keepdims=True), 1e-30)
    rows = [
        (k, f"{np.nanmean(shares[:, k]):.1%}", f"{np.nanmean(amounts[:, k] > 0):.1%}", f"{size:,}")
        for k, size in enumerate(result["component_size"].values)
    ]
    shown = rows if len(rows) <= MOST else rows[:MOST]
    print_table(shown, ("component", "mean share", "present in", "largest in (pixels)"), right=(0, 1, 2, 3))
    if len(rows) > MOST:
        say(f"and {len(rows) - MOST} more, in components.csv and the report")
    say(f"what the components leave: {np.nanmedian(result['residual'].values):.2%} of a spectrum's norm in the median")


def _print_sizes(result: xr.Dataset) -> None:
    size = result["component_size"].values
    confidence, labels = result["confidence"].values, result["labels"].values
    rows = [
        (k, f"{n:,}", f"{n / max(size.sum(), 1):.1%}", f"{np.nanmean(confidence[labels == k]):.2f}" if n else "-")
        for k, n in enumerate(size)
    ]
    print_table(rows, ("component", "pixels", "share", "mean confidence"), right=(0, 1, 2, 3))


def _short(value: object) -> str:
    values = value if isinstance(value, list) else [value]
    return " ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in values)


def print_score(score: dict) -> None:
    """Print how well labels agree with a truth."""
    say(
        f"against the truth ({score['n_pixels']:,} labelled pixels, {score['n_components']} components, "
        f"{score['n_classes']} classes): accuracy {score['accuracy']:.3f} after matching, ARI {score['ari']:.3f}, "
        f"NMI {score['nmi']:.3f}, mean IoU {score['mean_iou']:.3f}"
    )
