"""The sections after the first screen, in the order in which people ask: what are they, how sure, what was done."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from bokeh.layouts import row
from dask.utils import format_bytes

from spaxel.figures.evidence import evidence_figures
from spaxel.figures.maps import Frame, component_names, component_rgb, confidence_map, label_png, truth_png
from spaxel.figures.reduce import component_sizes
from spaxel.figures.spectra import FEASIBLE, MOST, bands, descending, spectra_figure, spectrum_svg
from spaxel.reporting.candidates import candidates, marks
from spaxel.reporting.html import Markup, Picture, fill, pairs, percent, show, sized, swatch
from spaxel.reporting.line_maps import line_maps
from spaxel.reporting.page import Page
from spaxel.reporting.scene import is_strip
from spaxel.results.convention import sentences, shares
from spaxel.results.interpretation import interpret

STRIP = 256  # rows of a map that are looked at together


def components(page: Page) -> Markup:
    """2 What are they: mean spectra with their spread, and a table."""
    result, sizes = page.result, component_sizes(page.result)
    if not page.data.any() or len(sizes) == 0:
        return fill("components", sizes=0)
    drawn, width, lines = "", "", Markup("")
    if "component_spectra" in result:
        found = interpret(result, page.run.get("redshift"), medium=page.run.get("medium"))
        drawn, width = page.place(spectra_figure(result, page.colors, marks=marks(found))), bands(result).width
        lines = candidates(page, found) + line_maps(page)
    told = {"unmixed": "abundances" in result, "feasible": width == FEASIBLE, "width": width, "most": MOST}
    told |= {"channels": result.sizes.get("channel", 0), "candidates": lines}
    return fill("components", sizes=len(sizes), drawn=drawn, **told, **_table(page, sizes))


def _table(page: Page, sizes: np.ndarray) -> dict[str, Any]:
    """The table of the components: header, rows, and which columns are numbers."""
    result, labels = page.result, page.result["labels"].values
    unit = "spectra" if min(labels.shape) == 1 else "pixels"
    unmixed = "abundances" in result
    header = [
        "",
        "component",
        f"largest in ({unit})" if unmixed else unit,
        "share (mean abundance)" if unmixed else "share",
    ]
    colors = component_rgb(page.result, page.colors)
    columns = [list(map(swatch, colors)), component_names(result), list(map(int, sizes))]
    columns.append([percent(s) for s in shares(result)])
    if "confidence" in result:
        total, count = _confidence(result, len(sizes))
        header.append("mean confidence")
        columns.append([f"{t / c:.2f}" if c else "–" for t, c in zip(total, count, strict=True)])
    if "component_spectra" in result and result.sizes["channel"] > 1:
        drawn, flip = bands(result, 300), descending(result)
        header.append("spectrum, each on its own scale")
        columns.append([Markup(spectrum_svg(drawn, i, color, flip=flip)) for i, color in enumerate(colors)])
    numeric = (2, 3, 4) if "confidence" in result else (2, 3)
    return {"header": header, "rows": list(zip(*columns, strict=True)), "numeric": numeric}


def _confidence(result: xr.Dataset, n: int) -> np.ndarray:
    """Sum of the confidence of the pixels of each component, and their number, (2, n); in strips, as maps are large."""
    sums = np.zeros((2, n))
    labels, values = result["labels"].values, result["confidence"].values
    for start in range(0, len(labels), STRIP):
        part, known = labels[start : start + STRIP], values[start : start + STRIP]
        good = (part >= 0) & np.isfinite(known)
        sums += [np.bincount(part[good], weights, n)[:n] for weights in (known[good], None)]
    return sums


def sure(page: Page) -> Markup:
    """3 How sure: confidence map, evidence for the number, choice of scaling, other numbers, the truth."""
    result, shape = page.result, page.result["labels"].shape
    if not page.data.any():
        return fill("sure", data=False)
    total, count = _confidence(result, len(component_sizes(result))) if "confidence" in result else np.zeros((2, 1))
    map_ = ""
    if count.any() and not is_strip(shape):
        frame = Frame(shape, origin=str(result.attrs.get("origin", "upper")), width=1000, height=380)
        map_ = page.place(confidence_map(result, frame, page.picture_side))
    return fill(
        "sure",
        data=True,
        unmixed="abundances" in result,
        confidence=float(total.sum() / count.sum()) if count.any() else None,
        map=map_,
        evidence=_evidence(page),
        scaling=_scaling(result),
        levels=_levels(page),
        truth=_truth(page),
    )


def _evidence(page: Page) -> dict[str, Any] | None:
    if "evidence" not in page.result:
        return None
    sentence = page.result["evidence"].attrs.get("sentence") or page.result.attrs.get("sentence", "")
    figures = evidence_figures(page.result)
    return {"sentence": sentence, "figures": [page.place(row(figures[i : i + 5])) for i in range(0, len(figures), 5)]}


def _scaling(result: xr.Dataset) -> dict[str, Any] | None:
    if "scaling_score" not in result:
        return None
    scores = result["scaling_score"]
    names = scores["scaling"].values if "scaling" in scores.coords else range(scores.size)
    rows = [(str(n), f"{v:.3f}") for n, v in zip(names, scores.values, strict=True)]
    return {"sentence": scores.attrs.get("sentence", ""), "rows": rows}


def _levels(page: Page) -> list[Picture]:
    """Maps of other numbers of components."""
    shape = page.result["labels"].shape
    if is_strip(shape):
        return []
    drawn = []
    for level in page.levels:
        n = level.sizes["component"]
        words = f"{n} components" + (" (this report)" if n == page.result.sizes.get("component") else "")
        drawn.append(sized(label_png(level, page.colors, 230), words, shape))
    return drawn


def _truth(page: Page) -> list[Picture]:
    """The truth beside the labels, where there is one."""
    result, shape = page.result, page.result["labels"].shape
    if "truth_labels" not in result or is_strip(shape) or not (result["truth_labels"] >= 0).any():
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
