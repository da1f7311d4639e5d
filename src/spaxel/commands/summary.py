"""What a person reads after a run: how many components, why, their sizes, and where the report is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spaxel.commands.console import print_table, say
from spaxel.store import read_run


def print_run(folder: Path) -> None:
    """Print the summary of a run folder."""
    run, result = read_run(folder)
    say(f"{run.get('name', folder.name)}: {result.attrs.get('sentence', '')}")
    for sentence in result.attrs.get("history", []):
        say(f"  {sentence}")
    size = result["component_size"].values
    confidence, labels = result["confidence"].values, result["labels"].values
    rows = [
        (k, f"{n:,}", f"{n / max(size.sum(), 1):.1%}", f"{np.nanmean(confidence[labels == k]):.2f}" if n else "-")
        for k, n in enumerate(size)
    ]
    print_table(rows, ("component", "pixels", "share", "mean confidence"), right=(0, 1, 2, 3))
    if lost := int((labels < 0).sum()):
        say(f"{lost:,} of {labels.size:,} pixels hold no data (label -1)")
    if "score" in run:
        print_score(run["score"])
    say(f"report: {folder / 'report.html'}")


def print_score(score: dict) -> None:
    """Print how well labels agree with a truth."""
    say(
        f"against the truth ({score['n_pixels']:,} labelled pixels, {score['n_components']} components, "
        f"{score['n_classes']} classes): accuracy {score['accuracy']:.3f} after matching, ARI {score['ari']:.3f}, "
        f"NMI {score['nmi']:.3f}, mean IoU {score['mean_iou']:.3f}"
    )
