"""The first section of a report, one screen: what is it, what was found."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import axis_label
from spaxel.cube.pixels import pixel_words, scale_bar
from spaxel.figures.maps import Frame, component_names, component_rgb, label_map, label_png, picture_map
from spaxel.figures.reduce import component_sizes, step_for
from spaxel.reporting.html import Markup, fill, picture, show, swatch
from spaxel.reporting.page import Page
from spaxel.results.convention import shares, spectra_names

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
    labels = page.result["labels"].values
    words = {"title": title(page.result, page.run), "facts": f"{'; '.join(_facts(page))}. {_found(page)}"}
    if not page.data.any():
        return fill("what", kind="empty", **words)
    if not is_strip(labels.shape):
        return fill("what", kind="maps", key=_legend(page), **words, **_maps(page))
    if labels.size <= ROWS:
        return fill("what", kind="list", columns=_columns(page), **words)
    flat = page.result.transpose("x", "y", ...) if labels.shape[0] > labels.shape[1] else page.result
    strip = picture(label_png(flat, page.colors, 2048), "labels as a strip")
    return fill("what", kind="strip", picture=strip, shape=labels.shape, key=_legend(page), **words)


def _facts(page: Page) -> list[str]:
    """Size, size of a pixel, axis, instrument, pixels without data."""
    result, (rows, columns) = page.result, page.result["labels"].shape
    facts = [f"{rows} × {columns} pixels" if min(rows, columns) > 1 else f"A list of {rows * columns} spectra"]
    if pixel := pixel_words(result.attrs):
        facts.append(f"pixel {show(pixel)}")
    axis = np.asarray(result["channel"]) if "channel" in result.coords else np.array([])
    if axis.size:
        facts.append(f"{axis.size:,} channels, {axis_label(result)} {axis[0]:.5g} to {axis[-1]:.5g}")
    if instrument := result.attrs.get("instrument") or page.run.get("instrument"):
        facts.append(f"measured with {show(instrument)}")
    if not page.data.all():
        facts.append(f"{(~page.data).sum():,} of {page.data.size:,} pixels hold no data")
    return facts


def _found(page: Page) -> str:
    """Method and number of components; the run's own sentence where it names the number already."""
    n, sentence = len(component_sizes(page.result)), str(page.result.attrs.get("sentence", ""))
    method = f"{page.run['method']}: " if page.run.get("method") else ""
    count = "" if str(n) in sentence.split() else f"{n} component{'s' if n != 1 else ''}. "
    return f"{method}{count}{sentence}"


def _maps(page: Page) -> dict[str, Any]:
    """The false-colour picture, if there is one, and the map of labels, each with its caption."""
    result, shape = page.result, page.result["labels"].shape
    wide = shape[1] > 2.2 * shape[0]
    origin = str(result.attrs.get("origin", "upper"))
    legend_room = 190 if len(component_sizes(result)) <= TALL else 250
    side = (1130, 185) if wide else ((1216 - 28 - legend_room) // 2 - 62, 450)
    bar = scale_bar(result.attrs, shape[1])
    frame = Frame(shape, origin=origin, width=side[0], height=side[1], bar=bar)
    figures = []
    if "picture" in result:
        caption = result["picture"].attrs.get("caption", "false colour")
        words = f"{caption}{_smaller(shape, page.picture_side, 'mean')}"
        figures.append((page.place(picture_map(result, frame, page.picture_side)), words))
    place = "at the bottom" if origin == "lower" else "on top"
    note = f"Labels; row 0 of the data is {place}{_smaller(shape, page.side, 'majority')}"
    figures.append((page.place(label_map(result, page.colors, frame, page.side)), note))
    return {"figures": figures, "wide": wide}


def _smaller(shape: tuple[int, ...], side: int, how: str) -> str:
    """What the reader must know about the size of a map: nothing, or that one point stands for many pixels."""
    step = step_for(shape, side)
    return f"; drawn at 1/{step} of its size, each point is the {how} of {step} × {step} pixels" if step > 1 else ""


def _legend(page: Page) -> dict[str, Any]:
    """Colour, name and share of each component beside the map; how many more there are; the share without data."""
    names = component_names(page.result)
    if two := len(names) > TALL:
        names = [name.removeprefix("component ") for name in names]
    lines = list(zip(component_rgb(page.result, page.colors), names, shares(page.result), strict=True))
    missing = None if page.data.all() else 1 - page.data.mean()
    return {"lines": lines[:LEGEND], "more": max(len(lines) - LEGEND, 0), "missing": missing, "two": two}


def _columns(page: Page) -> list[list[tuple]]:
    """The spectra of a short list one by one, in three columns."""
    result, labels = page.result, page.result["labels"].values.ravel()
    names, colors = component_names(result), component_rgb(result, page.colors)
    confidence = result["confidence"].values.ravel() if "confidence" in result else np.full(labels.size, np.nan)
    called = [swatch(colors[k]) + " " + names[k] if k >= 0 else "no data" for k in labels]
    sure = [f"{value:.2f}" if np.isfinite(value) else "–" for value in confidence]
    numbers = spectra_names(result).get("sample", ("y", list(range(labels.size))))[1]
    rows = list(zip(numbers, called, sure, strict=True))
    third = -(-len(rows) // 3)
    return [rows[i : i + third] for i in range(0, len(rows), third)]
