"""The section of an unmixed cube: how much of each component is where, and what the components leave."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import Range1d

from spaxel.figures.bands import Bands, bands
from spaxel.figures.maps import component_names, component_rgb
from spaxel.figures.one_spectrum import one_spectrum
from spaxel.figures.profiles import profile
from spaxel.figures.quantity import LARGEST, quantity_map, side_for, stretch_switch
from spaxel.figures.runs_in_time import looks_like_runs, runs_of
from spaxel.figures.small_spectrum import spectrum_svg
from spaxel.figures.spectra import descending
from spaxel.reporting.candidates import marks, more
from spaxel.reporting.html import Markup, fill, percent, swatch
from spaxel.reporting.page import Page
from spaxel.reporting.quantities import small_frame
from spaxel.reporting.strips import is_strip
from spaxel.results.convention import sentences, shares
from spaxel.results.interpretation import Interpretation, interpret
from spaxel.results.numbers import quantiles

MOST = 40  # maps that are drawn
LARGE = 12  # components, up to which each map is large and its spectrum a figure
MOST_RUNS = 24  # whose profiles are drawn


def mixture(page: Page) -> Markup:
    """Abundance maps with their spectra (profiles of a list), the residual, warnings; nothing without abundances."""
    result, learned = page.result, page.run.get("learned") or {}
    if "abundances" not in result:
        return Markup("")
    if not page.n_data:
        return fill("mixture", data=False)
    shape = result["labels"].shape
    known, evidence = learned.get("bands") or {}, learned.get("evidence") or {}
    lined = is_strip(shape) or looks_like_runs(shape)
    switch, cards = ("", []) if lined else _cards(page)
    return fill(
        "mixture",
        data=True,
        notes=sentences(result.attrs, "notes"),
        profiles=_profiles(page) if lined else [],
        key=list(zip(component_rgb(result, page.colors), component_names(result), strict=True)),
        switch=switch,
        cards=cards,
        large=result.sizes["component"] <= LARGE,
        components=result.sizes["component"],
        feasible="component_low" in result,
        left=_left(page) if "residual" in result else None,
        bands=known,
        ambiguity=_ambiguity(component_names(result), known),
        counts=_counts(evidence.get("counts") or []),
        estimates=list((evidence.get("estimates") or {}).items()),
    )


def _cards(page: Page) -> tuple[Markup, list[dict[str, Any]]]:
    """The switch of the stretch, and of each of the first components its map, its spectrum and what it may be."""
    result, n = page.result, page.result.sizes["component"]
    large, side = n <= LARGE, side_for(min(n, MOST), page.side / 1024)
    values = page.small("abundances", side)
    top = float(np.nanquantile(values.max(-1), 0.99))
    frame = small_frame(page, *((420, 380) if large else (250, 230)))
    found = interpret(result, page.run.get("redshift"), medium=page.run.get("medium"))
    named = zip(component_names(result)[:MOST], component_rgb(result, page.colors), shares(result), strict=False)
    plots, cards = [], []
    drawn = bands(result, 1200 if large else 300) if "component_spectra" in result else None
    x_range = None
    for i, (name, color, share) in enumerate(named):
        plot = quantity_map(values[..., i], frame, (0.0, top), name=f"abundance {i}", side=side)
        plots.append(plot)
        card = {"name": name, "swatch": swatch(color), "share": percent(share), "map": page.place(plot), "spectrum": ""}
        if drawn is not None:
            card["spectrum"], x_range = _spectrum(page, drawn, i, color, found, x_range)
        cards.append(card | {"may_be": _may_be(found, i)})
    return page.place(stretch_switch(plots)), cards


def _spectrum(
    page: Page, drawn: Bands, i: int, color: str, found: Interpretation, x_range: Range1d | None
) -> tuple[Markup, Range1d | None]:
    """The spectrum of a component as a figure, or as a small drawing where there are many; the range that figures share."""
    if page.result.sizes["component"] > LARGE:
        flip = descending(page.result)
        return Markup(spectrum_svg(drawn, i, color, flip=flip, width=200, height=110)), None
    own = marks(found._replace(candidates=([c for c in found.candidates[i] if more(c)],))) if found.kind else []
    tall = min(420, round(small_frame(page, 420, 380).scale * page.result.sizes["y"]) + 50)
    plot = one_spectrum(page.result, drawn, i, color, marks=own, x_range=x_range, height=max(240, tall))
    return page.place(plot), plot.x_range


def _may_be(found: Interpretation, i: int) -> str:
    """Elements or lines that a component has more of than the mean, the clearest six; '' where none is known."""
    own = sorted((c for c in found.candidates[i] if more(c)), key=lambda c: -c.sigma) if found.kind else []
    return ", ".join(f"{c.name}{'' if c.support else '?'}" for c in own[:6])


def _profiles(page: Page) -> list[dict[str, Any]]:
    """A figure for each run; all share their ranges."""
    runs = runs_of(page.result)
    found, first = [], None
    for run in runs[:MOST_RUNS]:
        alone = len(runs) == 1
        one = profile(page.result, page.colors, run, like=first, height=340 if alone else 230, legend=alone)
        first = first or one
        found.append({"name": run.name, "figure": page.place(one), "words": run.words, "n": len(run.at)})
    return found


def _left(page: Page) -> dict[str, Any]:
    """What the components leave: in the median, at the worst hundredth, and its map, or its course along the list."""
    middle, high = map(float, quantiles(page.result["residual"], [0.5, 0.99]))
    shape = page.result["labels"].shape
    if is_strip(shape) or looks_like_runs(shape):
        drawn, first, residual = [], None, page.result["residual"].values
        for run in runs_of(page.result)[:MOST_RUNS]:
            one = profile(page.result, page.colors, run, values=residual, like=first, height=180)
            first = first or one
            drawn.append(page.place(one))
    else:
        ends = (0.0, 100 * high)
        frame = small_frame(page, 420, 380)
        residual = page.small("residual", LARGEST)
        drawn = [page.place(quantity_map(100 * residual, frame, ends, unit="% of the norm", name="residual"))]
    return {"middle": middle, "high": high, "figures": drawn}


def _ambiguity(names: list[str], bands: dict[str, Any]) -> list[tuple[str, str]]:
    """How far each component of a small table is from unique."""
    return [(name, f"{a:.3f}") for name, a in zip(names, bands.get("ambiguity") or (), strict=False)]


def _counts(rows: list[dict[str, Any]]) -> list[tuple]:
    """What each number of components of a scene leaves, and what its weakest component is worth."""
    return [
        (r["n_components"], percent(r["unexplained"]), f"{r['needed']:.2f} x", f"{r['apart']:.2f}", percent(r["support"]),
         "holds" if r["holds"] else "no")
        for r in rows
    ]  # fmt: skip
