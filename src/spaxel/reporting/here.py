"""The section of one cube: which components it holds for sure, what is new in it, what is unlike all that was fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.figures.abundances import quantity_png
from spaxel.figures.maps import component_rgb
from spaxel.reporting.html import Markup, fill, percent, sized, swatch
from spaxel.reporting.page import Page
from spaxel.reporting.strips import is_strip
from spaxel.results.presence import UNLIKE, Presence, recalled

SIDE = 230  # pixels of the map


def here(page: Page) -> Markup:
    """Present or not, by a test; nothing for a result whose method does not count its mistakes."""
    result = page.result
    if "micro_mistaken" not in result or not page.n_data:
        return Markup("")
    found = recalled(result, page.run)
    said = page.run.get("presence") or {}
    new, compared = set(said.get("new") or []), int(said.get("compared_with") or 0)
    header = ["", "component", "share", "explained by borders and noise", "present", *(["new"] if compared else [])]
    rows = []
    for i, (name, color) in enumerate(zip(found.names, component_rgb(result, page.colors), strict=True)):
        explained = percent(found.explained[i] / max(found.n_pixels, 1))
        row = [swatch(color), name, percent(found.share[i]), explained, bool(found.present[i])]
        rows.append([*row, *([i in new] if compared else [])])
    unlike = _unlike(page, found) | {"new": len(found.names) in new} if "unlike" in result else None
    return fill("here", header=header, rows=rows, compared=compared, unlike=unlike)


def _unlike(page: Page, found: Presence) -> dict[str, Any]:
    """How many pixels are unlike all that was fitted, and the map of how far they are."""
    result, pictures = page.result, []
    shape = result["labels"].shape
    if found.size[-1] and not is_strip(shape):
        far = np.where(page.is_known(SIDE), page.small("unlike", SIDE) / 100.0, np.nan)
        data = quantity_png(far, 2.5, str(result.attrs.get("origin", "upper")), SIDE)
        pictures = [sized(data, "distance from the model, 0 to 2.5 times the farthest 0.1 %", shape)]
    said = {"size": int(found.size[-1]), "share": found.share[-1], "sure": bool(found.present[-1])}
    return said | {"name": UNLIKE, "drift": found.drift, "pictures": pictures}
