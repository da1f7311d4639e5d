"""The section about small targets: their candidates as a table and on a map of rarity."""

from __future__ import annotations

import numpy as np
import xarray as xr
from bokeh.plotting import figure

from spaxel.figures.bands import bands
from spaxel.figures.quantity import LARGEST, quantity_map
from spaxel.figures.small_spectrum import spectrum_svg
from spaxel.figures.spectra import descending
from spaxel.reporting.html import Markup, fill
from spaxel.reporting.page import Page
from spaxel.reporting.quantities import small_frame
from spaxel.reporting.strips import is_strip
from spaxel.results.rare import rare_rows

MOST = 30  # candidates on the page
CLEAR = 0.1  # false candidates that the scene makes, up to which one is clear
INK = "#D55E00"
POINTS = 240  # of a small spectrum


def rare(page: Page) -> Markup:
    """Candidates for small targets; nothing for a result in which none were looked for."""
    result = page.result
    if "rare_position" not in result:
        return Markup("")
    header, *rows = rare_rows(result)
    expected = result["rare_expected"].values
    small = _spectra(page)
    rows = [[*row, *drawings] for row, drawings in zip(rows[:MOST], small, strict=True)]
    drawn = "" if is_strip(result["labels"].shape) or not rows else page.place(_map(page))
    told = {"sentence": result["rarity"].attrs.get("sentence", ""), "clear": int((expected <= CLEAR).sum())}
    told |= {"header": [*header, "spectrum", "minus what lies around"], "rows": rows, "drawn": drawn}
    numeric = tuple(i for i, name in enumerate(header) if name not in ("detector", "component"))
    return fill("rare", **told, numeric=numeric, limit=CLEAR, more=max(len(expected) - MOST, 0))


def _spectra(page: Page) -> list[list[Markup]]:
    """Of each candidate on the page its spectrum, and what it is above its surroundings, each on its own scale."""
    result = page.result
    own, beside = (result[name].values[:MOST] for name in ("rare_spectra", "rare_around"))
    flip, drawn = descending(result), []
    for values in (own, own - beside):
        part = xr.Dataset({"component_spectra": (("component", "channel"), values)}, {"channel": result["channel"]})
        small = bands(part, POINTS)
        drawn.append([Markup(spectrum_svg(small, i, INK, flip=flip, width=200)) for i in range(len(values))])
    return [list(pair) for pair in zip(*drawn, strict=True)]


def _map(page: Page) -> figure:
    """The map of rarity with a circle around each candidate on the page."""
    values = page.small("rarity", LARGEST)
    top = float(max(np.nanquantile(values, 0.9995), 4.0))
    plot = quantity_map(values, small_frame(page, 620, 420), (0.0, top), unit="-log10 of the chance", name="rarity")
    y, x = page.result["rare_position"].values[:MOST].T + 0.5
    plot.scatter(x, y, size=14, line_color=INK, line_width=1.6, fill_color=None, name="candidates")
    return plot
