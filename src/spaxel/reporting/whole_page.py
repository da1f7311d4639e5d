"""The whole page of a run folder: its sections in their order, in at most 5 MB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr
from markupsafe import Markup

from spaxel.cube.smaller import is_large
from spaxel.figures.reduce import step_for
from spaxel.lines.gas import wavelengths
from spaxel.reporting import scene, sections
from spaxel.reporting.autoencoder import autoencoder
from spaxel.reporting.calibration import calibration
from spaxel.reporting.groups import groups
from spaxel.reporting.here import here
from spaxel.reporting.joined import render_joined
from spaxel.reporting.levels import told
from spaxel.reporting.mixture import mixture
from spaxel.reporting.page import PAGE, Page, finish
from spaxel.reporting.rare import rare
from spaxel.reporting.training import training
from spaxel.results.convention import check_result
from spaxel.store.places import placed
from spaxel.store.run_folder import ACTIVATION, read_json, read_result, write_json
from spaxel.store.uploads import changes

MOST_BYTES = 5_000_000
SIDES = ((1024, 1024), (1024, 512), (512, 512), (256, 256))  # of labels, of pictures; the first that is small enough


@changes
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
    run, sure = run or {}, check_result(result).get("level_confidence")
    if is_large(result["labels"].shape):  # its maps are read from overviews and block by block
        result = result.assign(result.drop_dims(["y", "x"]).compute().data_vars)
    else:
        result = result.drop_vars("level_confidence", errors="ignore").compute()
        if sure is not None:  # it is read level by level
            result["level_confidence"] = sure
    for sides in SIDES:
        if sides != SIDES[-1] and picture_bytes(result, sides[1]) > MOST_BYTES // 2:
            continue  # it could not be small enough
        page = Page(result, run, *sides)
        parts = [
            scene.what(page),
            mixture(page),
            calibration(page),
            groups(page),
            sections.components(page),
            autoencoder(page),
            here(page),
            rare(page),
        ]
        parts += [sections.sure(page), training(page), sections.done(page), told(page)]
        text = finish(page, f"{scene.title(result, run)} · spaxel", Markup("").join(parts))
        if len(text.encode()) <= MOST_BYTES:
            break
    return text


def picture_bytes(result: xr.Dataset, side: int) -> int:
    """How much of a page the picture takes that is reduced to `side`: four bytes a point, as text."""
    rows, columns = result["labels"].shape
    return 16 * rows * columns // (3 * step_for((rows, columns), side) ** 2) if "picture" in result else 0
