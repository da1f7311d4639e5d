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
from spaxel.reporting.html import Markup, bullets, image, join, pairs, percent, show, swatch, table, tag
from spaxel.reporting.page import Page
from spaxel.reporting.scene import is_strip
from spaxel.results.convention import sentences
from spaxel.results.interpretation import interpret

STRIP = 256  # rows of a map that are looked at together


def components(page: Page) -> Markup:
    """2 What are they: mean spectra with their spread, and a table."""
    result, sizes = page.result, component_sizes(page.result)
    head = tag("h2", "What are the components?")
    if not page.data.any() or len(sizes) == 0:
        return join([head, tag("p", "There are none, because no pixel has a label.")])
    parts = [head]
    if len(sizes) == 1:
        parts.append(tag("p", "There is one component only: all spectra are alike, as far as this method can tell."))
    if "component_spectra" in result:
        hidden = f" The largest {MOST} of {len(sizes)} are drawn." if len(sizes) > MOST else ""
        width = bands(result).width
        words = f"Mean of each component, the band is ± one {width}." if width else "Means; this run keeps no spread."
        if "abundances" in result:
            words = "Pure spectra, as far as the data determine them; their brightness is in the abundances."
            if width == FEASIBLE:
                words += " The bands are other spectra that fit as well (rotational ambiguity)."
        if width.startswith("standard error"):
            words += " Single spectra scatter too much to be told apart by eye; the table shows the same band."
        words += " Click on a name to hide its spectrum."
        found = interpret(result, page.run.get("redshift"), medium=page.run.get("medium"))
        drawn = page.place(spectra_figure(result, page.colors, marks=marks(found)))
        parts += [tag("p", words + hidden), drawn, _reduced(result)]
        return join([*parts, _table(page, sizes), candidates(page, found)])
    return join([*parts, tag("p", "This run keeps no spectra of the components."), _table(page, sizes)])


def _reduced(result: xr.Dataset) -> Markup:
    n = result.sizes["channel"]
    words = f"Of the {n:,} channels the smallest and largest of each of 1,000 bins are drawn, so every peak is there."
    return tag("p", words, "caption") if n > 2000 else Markup("")


def _table(page: Page, sizes: np.ndarray) -> Markup:
    result, labels = page.result, page.result["labels"].values
    unit = "spectra" if min(labels.shape) == 1 else "pixels"
    header, colors = ["", "component", unit, "share"], component_rgb(page.result, page.colors)
    columns = [list(map(swatch, colors)), component_names(result), list(map(int, sizes))]
    columns.append([percent(s) for s in sizes / max(1, sizes.sum())])
    if "confidence" in result:
        total, count = _confidence(result, len(sizes))
        header.append("mean confidence")
        columns.append([f"{t / c:.2f}" if c else "–" for t, c in zip(total, count, strict=True)])
    if "component_spectra" in result and result.sizes["channel"] > 1:
        drawn, flip = bands(result, 300), descending(result)
        header.append("spectrum, each on its own scale")
        columns.append([Markup(spectrum_svg(drawn, i, color, flip=flip)) for i, color in enumerate(colors)])
    return table(header, zip(*columns, strict=True), numeric=(2, 3, 4) if "confidence" in result else (2, 3))


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
    """3 How sure: confidence map, evidence for the number, choice of scaling, other numbers."""
    result, shape = page.result, page.result["labels"].shape
    parts = [tag("h2", "How sure is it?")]
    total, count = _confidence(result, len(component_sizes(result))) if "confidence" in result else np.zeros((2, 1))
    known = count.any()
    if not page.data.any():
        return join([*parts, tag("p", "No pixel holds data, so nothing can be said.")])
    if known:
        mean = total.sum() / count.sum()
        words = "Confidence is the margin between the nearest and the second component: 1 is clear, 0 is a coin toss. "
        if "abundances" in result:
            words = "Confidence is the share of the largest component less that of the second: 1 is pure, 0 is a tie. "
        parts.append(tag("p", words + f"Its mean is {mean:.2f}."))
    else:
        parts.append(tag("p", "This run keeps no confidence."))
    if known and not is_strip(shape):
        frame = Frame(shape, origin=str(result.attrs.get("origin", "upper")), width=1000, height=380)
        parts.append(page.place(confidence_map(result, frame, page.picture_side)))
    return join([*parts, _number(page), _scaling(result), _levels(page), _truth(page)])


def _number(page: Page) -> Markup:
    if "evidence" not in page.result:
        return Markup("")
    evidence = page.result["evidence"]
    words = evidence.attrs.get("sentence") or page.result.attrs.get("sentence", "")
    figures = evidence_figures(page.result)
    parts = [tag("h3", "Why this number of components?"), tag("p", words)]
    if not figures:
        return join([*parts, tag("p", "No check has a value.")])
    words = "Each check by number of components: the dot is the number that it names, the dashed line the one taken."
    parts.append(tag("p", words, "caption"))
    parts += [page.place(row(figures[i : i + 5])) for i in range(0, len(figures), 5)]
    return join(parts)


def _scaling(result: xr.Dataset) -> Markup:
    if "scaling_score" not in result:
        return Markup("")
    scores = result["scaling_score"]
    names = scores["scaling"].values if "scaling" in scores.coords else range(scores.size)
    rows = [(str(n), f"{v:.3f}") for n, v in zip(names, scores.values, strict=True)]
    words = scores.attrs.get("sentence", "")
    parts = [tag("h3", "Why this scaling?"), tag("p", words), table(("scaling", "silhouette"), rows, numeric=(1,))]
    return join(parts)


def _levels(page: Page) -> Markup:
    if not page.levels or is_strip(page.result["labels"].shape):
        return Markup("")
    drawn = []
    for level in page.levels:
        n = level.sizes["component"]
        words = f"{n} components" + (" (this report)" if n == page.result.sizes.get("component") else "")
        drawn.append(small_map(page, label_png(level, page.colors, 230), words))
    head = tag("h3", "What would other numbers have given?")
    words = "The same merge tree cut at other levels, in the same colours. `spaxel cut RUN NUMBER` changes this report."
    return join([head, tag("p", words), tag("div", join(drawn), "row")])


def _truth(page: Page) -> Markup:
    result = page.result
    if "truth_labels" not in result or is_strip(result["labels"].shape) or not (result["truth_labels"] >= 0).any():
        return Markup("")
    pictures = ((truth_png(result, page.colors, 230), "truth"), (label_png(result, page.colors, 230), "this report"))
    words = "A true label has the colour of the component that matches it best; grey where none is left; white is unlabelled."
    head = tag("h3", "How does it compare with the truth?")
    return join([head, tag("p", words), tag("div", join(small_map(page, *pair) for pair in pictures), "row")])


def small_map(page: Page, data: bytes, words: str) -> Markup:
    """A map of the image as a small picture with its words above."""
    rows, columns = page.result["labels"].shape
    scale = 218 / max(rows, columns)
    style = f"width:{max(1, round(columns * scale))}px;height:{max(1, round(rows * scale))}px"
    return tag("figure", join([tag("figcaption", words), image(data, words, "nodata", style)]))


def done(page: Page) -> Markup:
    """4 What was done: steps on the data, guesses, parameters, cost, versions, input, command, score."""
    run, attrs = page.run, page.result.attrs
    parts = [tag("h2", "What was done?")]
    steps = sentences(attrs, "history")
    parts += [tag("h3", "Steps on the data"), bullets(steps or ["None: the data are as in the file."])]
    if guesses := sentences(attrs, "guesses"):
        parts += [tag("h3", "What was guessed"), bullets(guesses)]
    if notes := run.get("notes"):
        parts += [tag("h3", "Notes"), bullets(notes)]
    if command := run.get("command"):
        parts += [tag("h3", "The command that repeats it"), tag("pre", command)]
    groups = {"Score against the truth": run.get("score"), "Parameters": _parameters(run), "Cost": _cost(run),
              "Input": _input(run, attrs), "Made with": _made(run)}  # fmt: skip
    blocks = [tag("div", join([tag("h3", head), pairs(values)])) for head, values in groups.items() if values]
    return join([*parts, tag("div", join(blocks), "row")])


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
