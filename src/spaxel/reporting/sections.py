"""The sections after the first screen, in the order in which people ask: what are they, how sure, what was done."""

from __future__ import annotations

import math
from typing import Any

import xarray as xr
from bokeh.model import Model
from dask.utils import format_bytes

from spaxel.figures.bands import is_faint
from spaxel.figures.evidence import evidence_svgs
from spaxel.figures.maps import confidence_map, label_png, truth_png
from spaxel.figures.reduce import component_sizes
from spaxel.figures.spectra import FEASIBLE, MOST, bands, descending, spectra_figure, spectrum_svg
from spaxel.reporting.candidates import candidates, marks
from spaxel.reporting.html import Markup, Picture, fill, floored, pairs, percent, show, sized, swatch
from spaxel.reporting.levels import has_levels, node_shares
from spaxel.reporting.line_maps import line_maps
from spaxel.reporting.page import Page
from spaxel.reporting.strips import is_strip
from spaxel.results.convention import found_whole, hears_numbers, is_probability, sentences
from spaxel.results.interpretation import interpret
from spaxel.results.numbers import any_label


def components(page: Page) -> Markup:
    """2 What are they: mean spectra with their spread, and a table; of all levels, those of this one seen."""
    result, sizes = page.result, component_sizes(page.result)
    if not page.n_data or len(sizes) == 0:
        return fill("components", sizes=0)
    drawn, width, lines = "", "", Markup("")
    if "component_spectra" in result:
        found = interpret(result, page.run.get("redshift"), medium=page.run.get("medium"))
        drawn, width = page.place(_spectra(page, marks(found))), bands(result).width
        lines = candidates(page, found) + line_maps(page)
    told = {"unmixed": "abundances" in result, "feasible": width == FEASIBLE, "width": width, "most": MOST}
    told |= {"channels": result.sizes.get("channel", 0), "candidates": lines, "moves": has_levels(page)}
    return fill("components", sizes=len(sizes), drawn=drawn, **told, **_table(page))


def _spectra(page: Page, names: list[tuple[float, str]]) -> Model:
    """The spectra of this level; those of all others lie in the figure as plain numbers, until levels.js asks for them."""
    if not page.levels.states:
        return spectra_figure(page.result, page.colors, marks=names)
    faint = is_faint(page.result)
    return spectra_figure(page.nodes, page.levels.colors, marks=names, faint=faint, first=page.levels.own)


def _table(page: Page) -> dict[str, Any]:
    """The table of the components: header, rows (node, hidden, cells), and which columns are numbers."""
    result, levels = page.result, page.levels
    unit = "spectra" if min(result["labels"].shape) == 1 else "pixels"
    unmixed = "abundances" in result
    header = ["", "component", f"largest in ({unit})" if unmixed else unit]
    header.append("share (mean abundance)" if unmixed else "share")
    names, sure = (dict(zip(levels.own.nodes, values, strict=True)) for values in levels.own[2:])
    columns = [list(map(swatch, levels.colors)), [names.get(n, "") for n in range(len(levels.colors))]]
    columns += [list(map(int, levels.sizes)), [percent(share) for share in node_shares(page)]]
    if "confidence" in result:
        header.append("mean confidence")
        columns.append([floored(sure.get(n, math.nan)) for n in range(len(levels.colors))])
    if "component_spectra" in result and result.sizes["channel"] > 1:
        points = 300 if len(levels.colors) < 12 else 160
        drawn, flip = bands(page.nodes, points, faint=is_faint(result)), descending(result)
        header.append("spectrum, each on its own scale")
        columns.append([Markup(spectrum_svg(drawn, i, color, flip=flip)) for i, color in enumerate(levels.colors)])
    cells = list(zip(*columns, strict=True))
    order = [*levels.own.nodes, *(n for n in range(len(cells)) if n not in names)]
    rows = [{"node": n, "hidden": n not in names, "cells": cells[n]} for n in order]
    return {"header": header, "rows": rows, "numeric": (2, 3, 4) if "confidence" in result else (2, 3)}


def _mean_confidence(page: Page) -> float | None:
    """Of all pixels; None where the result keeps no confidence."""
    if "confidence" not in page.result:
        return None
    total, count = page.sums[0]
    return float(total.sum() / count.sum()) if count.any() else None


def sure(page: Page) -> Markup:
    """3 How sure: confidence map, evidence for the number, choice of scaling, the truth."""
    result, shape = page.result, page.result["labels"].shape
    if not page.n_data:
        return fill("sure", data=False)
    mean, map_ = _mean_confidence(page), ""
    if mean is not None and not is_strip(shape):
        map_ = page.place(confidence_map(result, page.frame.sized(1000, 380), page.picture_side))
    return fill(
        "sure",
        data=True,
        unmixed="abundances" in result,
        probable=is_probability(result),
        numbers=hears_numbers(result),
        whole=found_whole(result) is not None,
        confidence=None if mean is None else floored(mean),
        map=map_,
        evidence=_evidence(page),
        scaling=_scaling(result),
        truth=_truth(page),
    )


def _evidence(page: Page) -> dict[str, Any] | None:
    if "evidence" not in page.result:
        return None
    sentence = page.result["evidence"].attrs.get("sentence") or page.result.attrs.get("sentence", "")
    return {"sentence": sentence, "figures": [Markup(drawn) for drawn in evidence_svgs(page.result)]}


def _scaling(result: xr.Dataset) -> dict[str, Any] | None:
    if "scaling_score" not in result:
        return None
    scores = result["scaling_score"]
    names = scores["scaling"].values if "scaling" in scores.coords else range(scores.size)
    rows = [(str(n), f"{v:.3f}") for n, v in zip(names, scores.values, strict=True)]
    return {"sentence": scores.attrs.get("sentence", ""), "rows": rows}


def _truth(page: Page) -> list[Picture]:
    """The truth beside the labels, where there is one."""
    result, shape = page.result, page.result["labels"].shape
    if "truth_labels" not in result or is_strip(shape) or not any_label(result["truth_labels"]):
        return []
    pictures = ((truth_png(result, page.colors, 230), "truth"), (label_png(result, page.colors, 230), "this report"))
    return [sized(*pair, shape) for pair in pictures]


def done(page: Page) -> Markup:
    """4 What was done: steps on the data, guesses, parameters, cost, versions, input, command, score."""
    run, attrs = page.run, page.result.attrs
    groups = {"Score against the truth": run.get("score"), "Parameters": _parameters(run), "Cost": _cost(run),
              "Input": _input(run, attrs), "Made with": _made(run)}  # fmt: skip
    return fill(
        "done",
        steps=sentences(attrs, "history"),
        guesses=sentences(attrs, "guesses"),
        notes=run.get("notes"),
        command=run.get("command"),
        groups=[(head, pairs(values)) for head, values in groups.items() if values],
    )


def _cost(run: dict[str, Any]) -> dict[str, str]:
    seconds = run.get("seconds") or {}
    seconds = seconds if isinstance(seconds, dict) else {"time": seconds}
    cost = {str(stage): f"{time:.1f} s" for stage, time in seconds.items()}
    if run.get("peak_memory_bytes"):
        cost["peak memory"] = format_bytes(run["peak_memory_bytes"])
    return cost


def _parameters(run: dict[str, Any]) -> dict[str, Any]:
    values = dict(run.get("parameters") or {})
    if isinstance(values.get("memory"), int):
        values["memory"] = format_bytes(values["memory"])
    return values


def _input(run: dict[str, Any], attrs: dict[str, Any]) -> dict[str, Any]:
    found = run.get("input") or {}
    values = dict(found) if isinstance(found, dict) else {"input": found}
    return ({"source": attrs["source"]} if attrs.get("source") and "path" not in values else {}) | values


def _made(run: dict[str, Any]) -> dict[str, Any]:
    keys = ("method", "seed", "created", "spaxel_version")
    made = {key.replace("_", " "): show(run[key]) if key != "seed" else str(run[key]) for key in keys if key in run}
    return made | {str(k): str(v) for k, v in (run.get("versions") or {}).items()}
