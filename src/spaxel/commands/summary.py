"""What a person reads after a run: how many components, why, their sizes, and where the report is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.commands.console import is_new, print_table, say
from spaxel.reporting.html import floored
from spaxel.results.amounts import amounts
from spaxel.results.convention import component_names, given_names, sentences, shares
from spaxel.results.numbers import label_counts, means_by_label, quantiles
from spaxel.results.presence import UNLIKE, recalled
from spaxel.results.said import plain_sentence, try_next
from spaxel.store.addresses import address_of, opened
from spaxel.store.run_folder import ACTIVATION, SHARES, read_json, read_run

MOST = 20  # components that are listed
REPORT = "report.html"


def print_all(folder: Path) -> None:
    """Print the summary of a run folder, or of each cube in it and then of all together."""
    about = read_json(folder)
    if "inputs" not in about:
        return print_run(folder)
    for name in about["inputs"]:
        print_run(folder / name)
    if (folder / ACTIVATION).is_file():
        found = [folder / REPORT] if _has_page(folder) else []
        found += [folder / ACTIVATION, *([folder / SHARES] if (folder / SHARES).is_file() else [])]
        say(f"{len(about['inputs'])} cubes together: {', '.join(map(str, found))}")
    return None


def print_run(folder: Path) -> None:
    """Print the summary of a run folder."""
    run, result = read_run(folder)
    first, why = plain_sentence(result), str(result.attrs.get("sentence", ""))
    say(f"{run.get('name', folder.name)}: {first or why}")
    if first and why:
        say(f"  {why}")
    for sentence in sentences(result.attrs, "history"):
        say(f"  {sentence}")
    _print_amounts(result) if "abundances" in result else _print_sizes(result, run)
    size = result["labels"].size
    if "predicted" in result:
        say(f"  {result['predicted'].attrs.get('sentence', '')}")
    if lost := size - int(label_counts(result["labels"]).sum()):
        say(f"{lost:,} of {size:,} pixels hold no data (label -1)")
    for sentence in sentences(result.attrs, "notes"):
        if is_new(sentence):  # a fit has said its own already, and cubes of one model share them
            say(f"warning: {sentence}")
    if hint := try_next(result, str(folder)):
        say(f"if it looks wrong: {hint}")
    if "unmixing" in run:
        say("against the truth, after matching: " + ", ".join(f"{k} {_short(v)}" for k, v in run["unmixing"].items()))
    if "score" in run:
        print_score(run["score"])
    if _has_page(folder):
        say(f"report: {folder / REPORT}")
    else:
        say(f"no page yet: spaxel report {folder} writes it, with --lines auto also maps of lines")


def _has_page(folder: Path) -> bool:
    """Whether a run has a page, here or at its address."""
    if (address := address_of(folder)) is None:
        return (folder / REPORT).is_file()
    files, path = opened(address)
    return bool(files.exists(f"{path}/{REPORT}"))


def _print_amounts(result: xr.Dataset) -> None:
    found = amounts(result)
    if not found.pixels:
        return say("no pixel holds data, so nothing was unmixed")
    share = shares(result)
    rows = [
        (called_by(result, k), _percent(share[k]), f"{found.present[k]:.1%}", f"{size:,}")
        for k, size in enumerate(result["component_size"].values)
    ]
    shown = rows if len(rows) <= MOST else rows[:MOST]
    right = (1, 2, 3) if any(given_names(result)) else (0, 1, 2, 3)
    print_table(shown, ("component", "share (mean abundance)", "present in", "largest in (spectra)"), right)
    if len(rows) > MOST:
        say(f"and {len(rows) - MOST} more, in components.csv and the report")
    left = float(quantiles(result["residual"], [0.5])[0])
    return say(f"what the components do not explain: {left:.2%} of a spectrum's norm in the median")


def _print_sizes(result: xr.Dataset, run: dict) -> None:
    size, here, share = result["component_size"].values, recalled(result, run), shares(result)
    confidence = means_by_label(result["confidence"], result["labels"], len(size))
    new = (run.get("presence") or {}).get("new") or []
    words = ["new" if k in new else "yes" if sure else "no" for k, sure in enumerate(here.present)]
    rows = [
        (
            called_by(result, k), f"{n:,}", _percent(share[k]),
            floored(float(confidence[k])) if n else "-", words[k],
        )
        for k, n in enumerate(size)
    ]  # fmt: skip
    columns = ("component", "pixels", "share", "mean confidence", "present")
    print_table(rows, columns, right=(1, 2, 3) if any(given_names(result)) else (0, 1, 2, 3))
    if here.present[-1]:
        say(f"{here.size[-1]:,} pixels ({here.share[-1]:.1%}) are {UNLIKE}")


def _percent(share: float) -> str:
    """A share as 12.4%; of what was marked as background, which has none, the word."""
    return f"{share:.1%}" if np.isfinite(share) else "background"


def called_by(result: xr.Dataset, k: int) -> str | int:
    """The number of a component, and its name if it was given one."""
    return f"{k} {component_names(result)[k]}" if given_names(result)[k] else k


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
