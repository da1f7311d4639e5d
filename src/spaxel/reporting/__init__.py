"""A run folder as one self-contained HTML page that a person reads without us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from markupsafe import Markup

from spaxel.figures.reduce import reduce_labels
from spaxel.lines.gas import wavelengths
from spaxel.reporting import scene, sections
from spaxel.reporting.autoencoder import autoencoder
from spaxel.reporting.groups import groups
from spaxel.reporting.here import here
from spaxel.reporting.joined import render_joined
from spaxel.reporting.mixture import mixture
from spaxel.reporting.page import Page, finish
from spaxel.reporting.training import training
from spaxel.results.convention import check_result
from spaxel.results.cut import cut
from spaxel.store.places import placed
from spaxel.store.run_folder import ACTIVATION, read_json, read_result, write_json

MOST_BYTES = 5_000_000
SIDES = ((1024, 1024), (1024, 512), (512, 512), (256, 256))  # of labels, of pictures; the first that is small enough
PAGE = "report.html"
LEVEL_SIDE = 230  # of the map of another level


def report(
    path: str | Path, *, overwrite: bool = True, redshift: float | None = None, medium: str | None = None
) -> Path:
    """Write `report.html` into a run folder, and return its path.

    redshift, medium : of the object, and "air" or "vacuum" of the wavelengths, so that emission lines are named; kept in
               run.json (default: what is there, or what the cube says)
    The page holds everything that it shows: no network, at most 5 MB. Written beside and renamed.
    Raises NotFound if there is no run, Exists if there is a report and `overwrite` is False, ParameterError for a redshift
    or medium that makes no sense.

    >>> import spaxel
    >>> from spaxel.workflow.runs import segment
    >>> path = spaxel.write_cube(spaxel.simulate("maxrf", height=24, width=24, channels=64), "painting.zarr")
    >>> spaxel.report(segment([path], "runs/painting")).name
    'report.html'
    """
    told = {"redshift": redshift, "medium": medium}
    if told := {name: value for name, value in told.items() if value is not None}:
        wavelengths(medium or "air", redshift or 0.0)
        write_json(Path(path), read_json(path) | told)
    run, joined = read_json(path), (Path(path) / ACTIVATION).is_file()
    text = render_joined(Path(path), run) if joined and "inputs" in run else render(read_result(path), run)
    with placed(Path(path), PAGE, overwrite=overwrite) as beside:
        beside.write_text(text, encoding="utf-8")
    return Path(path) / PAGE


def render(result: xr.Dataset, run: dict[str, Any] | None = None) -> str:
    """The page of a result and what is known about its run (run.json), as HTML text. Both may lack almost everything.

    Raises CubeError if `result` is not a result.
    """
    result, run = check_result(result).drop_vars("level_confidence", errors="ignore").compute(), run or {}
    levels = other_levels(result)
    for sides in SIDES:
        page = Page(result, run, levels, *sides)
        parts = [
            scene.what(page),
            mixture(page),
            groups(page),
            sections.components(page),
            autoencoder(page),
            here(page),
        ]
        parts += [sections.sure(page), training(page), sections.done(page)]
        text = finish(page, f"{scene.title(result, run)} · spaxel", Markup("").join(parts))
        if len(text.encode()) <= MOST_BYTES:
            break
    return text


def other_levels(result: xr.Dataset) -> list[xr.Dataset]:
    """The result cut at up to five numbers of components around its own, small; none where it keeps no merge tree."""
    if "merge_tree" not in result or "component" not in result.sizes or "level" not in result.coords:
        return []
    own, kept = result.sizes["component"], np.unique(result["level"].values).astype(int)
    wanted = {own} | {int(kept[np.abs(kept - own * f).argmin()]) for f in (0.5, 0.75, 1.5, 2)} if len(kept) else {own}
    return [_small(result if k == own else cut(result, k)) for k in sorted(wanted) if k > 1 or own == 1]


def _small(level: xr.Dataset) -> xr.Dataset:
    """A level as the page shows it: labels reduced to a small map, no other map."""
    labels = reduce_labels(level["labels"].values, LEVEL_SIDE)
    return level.drop_dims(("y", "x")).assign(labels=(("y", "x"), labels))
