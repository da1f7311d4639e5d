"""The section about known values: what abundances say of them, sample by sample."""

from __future__ import annotations

import numpy as np
from bokeh.plotting import figure

from spaxel.reporting.html import Markup, fill
from spaxel.reporting.page import Page
from spaxel.results.calibration import calibration_rows
from spaxel.results.convention import component_names, spectra_names

MOST = 200  # rows of the table
INK, LINE = "#0072B2", "#888888"


def calibration(page: Page) -> Markup:
    """Known values against those of left-out samples, and a table of all; nothing without a calibration."""
    result = page.result
    if "predicted" not in result:
        return Markup("")
    about = result["predicted"].attrs
    header, *rows = calibration_rows(result)
    named = spectra_names(result)
    drop = [i for i, name in enumerate(header) if name == "x"] if result["labels"].shape[1] == 1 else []
    own = [[values[i] for _, values in named.values()] for i in range(result.sizes["y"])] if named else []
    lines = [[*(own[i] if own else []), *_without(row, drop)] for i, row in enumerate(rows[:MOST])]
    header = [*named, *_without(header, drop)]
    slopes = [
        (n, f"{v:.5g}") for n, v in zip(component_names(result), result["calibration_slope"].values, strict=True) if v
    ]
    return fill(
        "calibration",
        name=str(about.get("name", "")),
        sentence=str(about.get("sentence", "")),
        drawn=page.place(_scatter(page)) if "left_out" in result else "",
        slopes=[("offset", f"{float(about['offset']):.5g}"), *slopes],
        limit=f"{float(about['limit']):.3g}",
        header=header,
        rows=lines,
        numeric=tuple(range(len(named), len(header))),
        more=max(len(rows) - MOST, 0),
    )


def _without(row: list[str], drop: list[int]) -> list[str]:
    return [cell for i, cell in enumerate(row) if i not in drop]


def _scatter(page: Page) -> figure:
    """Left-out values against known ones, with the line on which both are the same."""
    known, said = (page.result[name].values.ravel() for name in ("known", "left_out"))
    held = np.isfinite(known) & np.isfinite(said)
    plot = figure(
        width=420, height=360, toolbar_location=None, x_axis_label="known", y_axis_label="left out, predicted"
    )
    ends = [float(known[held].min()), float(known[held].max())]
    plot.line(ends, ends, line_color=LINE, line_dash="dashed")
    plot.scatter(known[held], said[held], size=6, line_color=INK, fill_color=INK, fill_alpha=0.4, name="samples")
    return plot
