"""The maps of lines on the page: net counts of elements, fluxes of gas, each with its colour bar and unit."""

from __future__ import annotations

from typing import Any

from spaxel.figures.quantity import limits, quantity_map, side_for, stretch_switch
from spaxel.reporting.html import Markup, fill, show
from spaxel.reporting.page import Page
from spaxel.reporting.quantities import small_frame
from spaxel.reporting.strips import is_strip

WORDS = {"keV": "Where are the elements?", "eV": "Where are the elements?"}
DIGITS = 5


def line_maps(page: Page) -> Markup:
    """Maps of lines, by position; nothing for a result without them, or for a list of spectra."""
    result = page.result
    if "line_maps" not in result or is_strip(result["labels"].shape):
        return Markup("")
    attrs, side = result["line_maps"].attrs, side_for(result.sizes["line"], page.side / 1024)
    maps, units = page.small("line_maps", side), str(attrs.get("units", ""))
    frame = small_frame(page, 290, 270)
    axis = str(result["channel"].attrs.get("units", ""))
    drawn: list[dict[str, Any]] = []
    plots = []
    stretch = int(axis not in WORDS)  # light of galaxies has bright cores
    for name, at, values in zip(result["line"].values, result["line_position"].values, maps, strict=True):
        plot = quantity_map(values, frame, limits(values), unit=units, name=f"line {name}", side=side, stretch=stretch)
        plots.append(plot)
        drawn.append({"name": str(name), "at": f"{at:.{DIGITS}g} {show(axis)}", "figure": page.place(plot)})
    head = WORDS.get(axis, "Where are the lines?")
    return fill(
        "line_maps",
        head=head,
        sentence=str(attrs.get("sentence", "")),
        drawn=drawn,
        switch=page.place(stretch_switch(plots, stretch)),
    )
