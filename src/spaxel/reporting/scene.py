"""The first section of a report, one screen: what is it, what was found."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import axis_label
from spaxel.figures.maps import Frame, component_names, component_rgb, label_map, label_png, picture_map
from spaxel.figures.reduce import component_sizes, step_for
from spaxel.reporting.html import Markup, image, join, percent, show, swatch, table, tag
from spaxel.reporting.page import Page

ROWS = 64  # spectra of a list that are written out one by one
TALL = 20  # names in one column beside the map
LEGEND = 48  # names beside the map; the table below has them all


def title(result: xr.Dataset, run: dict[str, Any]) -> str:
    """The name of the run, else of the file."""
    source = str(result.attrs.get("source", "")).replace("\\", "/").rstrip("/")
    return str(run.get("name") or source.rsplit("/", 1)[-1] or "untitled run")


def is_strip(shape: tuple[int, ...]) -> bool:
    """Whether this is a list of spectra, or so elongated that a map of square pixels would be a thread."""
    return min(shape) == 1 or max(shape) > 30 * min(shape)


def what(page: Page) -> Markup:
    """1 What is this, what was found: facts, picture beside label map, legend."""
    result, labels = page.result, page.result["labels"]
    rows, columns = labels.shape
    n_data = int(page.data.sum())
    facts = [f"{rows} × {columns} pixels" if min(rows, columns) > 1 else f"A list of {rows * columns} spectra"]
    axis = np.asarray(result["channel"]) if "channel" in result.coords else np.array([])
    if axis.size:
        facts.append(f"{axis.size:,} channels, {axis_label(result)} {axis[0]:.5g} to {axis[-1]:.5g}")
    if instrument := result.attrs.get("instrument") or page.run.get("instrument"):
        facts.append(f"measured with {show(instrument)}")
    if n_data < labels.size:
        facts.append(f"{labels.size - n_data:,} of {labels.size:,} pixels hold no data")
    words = f"{'; '.join(facts)}. {_found(page)}"
    head = join([tag("h1", title(result, page.run)), tag("p", words, "facts")])
    if n_data == 0:
        return join([head, tag("p", "No pixel holds data, so there is no map, no spectrum and no component to show.")])
    if is_strip(labels.shape):
        return join([head, _strip(page)])
    return join([head, _maps(page)])


def _found(page: Page) -> str:
    """Method and number of components; the run's own sentence where it names the number already."""
    n, sentence = len(component_sizes(page.result)), str(page.result.attrs.get("sentence", ""))
    method = f"{page.run['method']}: " if page.run.get("method") else ""
    count = "" if str(n) in sentence.split() else f"{n} component{'s' if n != 1 else ''}. "
    return f"{method}{count}{sentence}"


def _maps(page: Page) -> Markup:
    result, shape = page.result, page.result["labels"].shape
    wide = shape[1] > 2.2 * shape[0]
    origin = str(result.attrs.get("origin", "upper"))
    legend_room = 190 if len(component_sizes(result)) <= TALL else 250
    side = (1130, 185) if wide else ((1216 - 28 - legend_room) // 2 - 62, 450)
    frame = Frame(shape, origin=origin, width=side[0], height=side[1])
    columns = []
    if "picture" in result:
        caption = result["picture"].attrs.get("caption", "false colour")
        picture = page.place(picture_map(result, frame, page.picture_side))
        words = f"{caption}{_smaller(shape, page.picture_side, 'mean')}"
        columns.append(tag("div", join([picture, tag("p", words, "caption")])))
    place = "at the bottom" if origin == "lower" else "on top"
    note = f"Labels; row 0 of the data is {place}{_smaller(shape, page.side, 'majority')}"
    map_ = page.place(label_map(result, page.colors, frame, page.side))
    columns += [tag("div", join([map_, tag("p", note, "caption")])), _legend(page)]
    missing = "" if "picture" in result else tag("p", "This run keeps no false-colour picture of the scene.")
    return join([tag("div", join(columns), "row first stacked" if wide else "row first"), missing])


def _smaller(shape: tuple[int, ...], side: int, how: str) -> str:
    """What the reader must know about the size of a map: nothing, or that one point stands for many pixels."""
    step = step_for(shape, side)
    return f"; drawn at 1/{step} of its size, each point is the {how} of {step} × {step} pixels" if step > 1 else ""


def _legend(page: Page) -> Markup:
    names, sizes = component_names(page.result), component_sizes(page.result)
    if two := len(names) > TALL:
        names = [name.removeprefix("component ") for name in names]
    lines = [
        tag("div", join([swatch(c), tag("span", n, "name", title=n), tag("span", percent(s), "n")]))
        for c, n, s in zip(component_rgb(page.result, page.colors), names, sizes / max(1, sizes.sum()), strict=True)
    ]
    more = len(lines) - LEGEND
    lines = lines[:LEGEND] + ([tag("div", f"and {more} more, in the table below")] if more > 0 else [])
    if not page.data.all():
        share = tag("span", f"{percent(1 - page.data.mean())} of all", "n")
        lines.append(tag("div", join([tag("span", "", "swatch nodata"), tag("span", "no data", "name"), share])))
    return tag("div", join(lines), "legend two" if two else "legend")


def _strip(page: Page) -> Markup:
    result, labels = page.result, page.result["labels"].values
    if labels.size > ROWS:
        flat = result.transpose("x", "y", ...) if labels.shape[0] > labels.shape[1] else result
        data = label_png(flat, page.colors, 2048)
        words = f"Labels of {labels.shape[0]} × {labels.shape[1]} pixels, stretched: they are not square."
        return join([tag("p", words), image(data, "labels as a strip", "strip"), _legend(page)])
    names, colors = component_names(result), component_rgb(result, page.colors)
    confidence = result["confidence"].values.ravel() if "confidence" in result else np.full(labels.size, np.nan)
    rows = [
        (
            i,
            join([swatch(colors[k]), " ", names[k]]) if k >= 0 else "no data",
            f"{sure:.2f}" if np.isfinite(sure) else "–",
        )
        for i, (k, sure) in enumerate(zip(labels.ravel(), confidence, strict=True))
    ]
    third = -(-len(rows) // 3)
    header = ("spectrum", "component", "confidence")
    parts = [table(header, rows[i : i + third], numeric=(0, 2)) for i in range(0, len(rows), third)]
    return tag("div", join(parts), "row")
