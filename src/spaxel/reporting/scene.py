"""The first section of a report, one screen: what is it, what was found."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import axis_label
from spaxel.cube.pixels import pixel_words
from spaxel.figures.maps import component_names, component_rgb, label_map, picture_map
from spaxel.figures.reduce import component_sizes, step_for
from spaxel.reporting.html import Markup, fill, floored, show
from spaxel.reporting.levels import node_shares, parts_of_list, slider
from spaxel.reporting.page import TALL, Page
from spaxel.reporting.strips import is_strip
from spaxel.results.convention import spectra_names
from spaxel.results.said import plain_sentence, try_next

ROWS = 64  # spectra of a list that are written out one by one


def title(result: xr.Dataset, run: dict[str, Any]) -> str:
    """The name of the run, else of the file."""
    source = str(result.attrs.get("source", "")).replace("\\", "/").rstrip("/")
    return str(run.get("name") or source.rsplit("/", 1)[-1] or "untitled run")


def what(page: Page) -> Markup:
    """1 What is this, what was found: the sentence for who reads nothing else, facts, picture beside label map, legend."""
    result, shape = page.result, page.result["labels"].shape
    words: dict[str, Any] = {
        "title": title(result, page.run),
        "facts": f"{'; '.join(_facts(page))}.",
        "why": _found(page),
    }
    words |= {"plain": plain_sentence(result), "hint": try_next(result)}
    if not page.n_data:
        return fill("what", kind="empty", **words)
    words |= {"slider": slider(page), "key": _legend(page)}
    if not is_strip(shape):
        return fill("what", kind="maps", **words, **_maps(page))
    if page.n_pixels <= ROWS:
        return fill("what", kind="list", columns=_columns(page), **words)
    return fill("what", kind="strip", shape=shape, **words)


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
    if page.n_data < page.n_pixels:
        facts.append(f"{page.n_pixels - page.n_data:,} of {page.n_pixels:,} pixels hold no data")
    return facts


def _found(page: Page) -> str:
    """Method and number of components; the run's own sentence where it names the number already."""
    n, sentence = len(component_sizes(page.result)), str(page.result.attrs.get("sentence", ""))
    method = f"{page.run['method']}: " if page.run.get("method") else ""
    count = "" if str(n) in sentence.split() else f"{n} component{'s' if n != 1 else ''}. "
    return f"{method}{count}{sentence}"


def _maps(page: Page) -> dict[str, Any]:
    """The false-colour picture, if there is one, and the map of labels, each with its caption."""
    result, frame = page.result, page.frame
    shape = result["labels"].shape
    figures = []
    if "picture" in result:
        caption = result["picture"].attrs.get("caption", "false colour")
        words = f"{caption}{_smaller(shape, page.picture_side, 'mean')}"
        drawn = page.place(picture_map(result, frame, page.picture_side))
        figures.append((drawn, words, "picture_wide" in result))
    place = "at the bottom" if frame.upper is False else "on top"
    note = f"Labels; row 0 of the data is {place}{_smaller(shape, page.side, 'majority')}"
    figures.append((page.place(label_map(result, page.colors, frame, page.side)), note, False))
    return {"figures": figures, "wide": page.wide}


def _smaller(shape: tuple[int, ...], side: int, how: str) -> str:
    """What the reader must know about the size of a map: nothing, or that one point stands for many pixels."""
    step = step_for(shape, side)
    return f"; drawn at 1/{step} of its size, each point is the {how} of {step} × {step} pixels" if step > 1 else ""


def _legend(page: Page) -> dict[str, Any]:
    """Colour, name and share of each component at every level, those of this one seen; the share without data."""
    levels = page.levels
    names = dict(zip(levels.own.nodes, levels.own.names, strict=True))
    two = len(names) > TALL
    order = [*levels.own.nodes, *(node for node in range(len(levels.colors)) if node not in names)]
    part = node_shares(page)
    lines = [
        {"node": node, "color": levels.colors[node], "share": part[node], "hidden": node not in names,
         "name": names.get(node, "").removeprefix("component " if two else ""), "full": names.get(node, "")}
        for node in order
    ]  # fmt: skip
    missing = None if page.n_data == page.n_pixels else 1 - page.n_data / page.n_pixels
    return {"lines": lines, "missing": missing, "two": two}


def _columns(page: Page) -> list[list[dict[str, Any]]]:
    """The spectra of a short list one by one, in three columns."""
    result, labels = page.result, page.result["labels"].values.ravel()
    names, colors, parts = component_names(result), component_rgb(result, page.colors), parts_of_list(page)
    confidence = result["confidence"].values.ravel() if "confidence" in result else np.full(labels.size, np.nan)
    numbers = spectra_names(result).get("sample", ("y", list(range(labels.size))))[1]
    rows = [
        {"spectrum": numbers[i], "part": parts[i], "color": colors[k] if k >= 0 else None,
         "name": names[k] if k >= 0 else "no data", "sure": floored(float(confidence[i]))}
        for i, k in enumerate(labels)
    ]  # fmt: skip
    third = -(-len(rows) // 3)
    return [rows[i : i + third] for i in range(0, len(rows), third)]
