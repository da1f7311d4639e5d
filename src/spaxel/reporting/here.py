"""The section of one cube: which components it holds for sure, what is new in it, what is unlike all that was fitted."""

from __future__ import annotations

import numpy as np

from spaxel.figures.abundances import quantity_png
from spaxel.figures.maps import component_rgb
from spaxel.reporting.html import Markup, join, percent, swatch, table, tag
from spaxel.reporting.page import Page
from spaxel.reporting.scene import is_strip
from spaxel.reporting.sections import small_map
from spaxel.results.presence import UNLIKE, recalled

SIDE = 230  # pixels of the map


def here(page: Page) -> Markup:
    """Present or not, by a test; nothing for a result whose method does not count its mistakes."""
    result = page.result
    if "micro_mistaken" not in result or not page.data.any():
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
    words = (
        "Present: there are more pixels than are explained by noise (spectra of other components that look like this one) "
        "and by mixed pixels at borders (seams of 1 or 2 pixels between two others); p < 0.001."
    )
    if compared:
        words += f" New: present here and in none of the {compared} cubes that it is compared with."
    parts = [tag("h2", "Which components are present?"), tag("p", words), table(header, rows, numeric=(2, 3))]
    if "unlike" in result:
        parts.append(
            _unlike(page, found.size[-1], found.share[-1], found.present[-1], found.drift, len(found.names) in new)
        )
    return join(parts)


def _unlike(page: Page, size: int, share: float, sure: bool, drift: float, new: bool) -> Markup:
    test = "more than" if sure else "no more than"
    some = "1 pixel" if size == 1 else f"{size:,} pixels"
    words = (
        f"{some} ({percent(share)}) {'is' if size == 1 else 'are'} {UNLIKE}: {test} among the spectra that were fitted."
    )
    words += " Not so in the cubes that this one is compared with." * new
    if drift > 1.3:
        words += (
            f" The whole cube lies {drift:.1f} times as far from the model as what was fitted: other light or noise?"
        )
    parts = [tag("h3", "Is there anything unlike what was fitted?"), tag("p", words)]
    if size and not is_strip(page.result["labels"].shape):
        far = np.where(page.data, page.result["unlike"].values / 100.0, np.nan)
        data = quantity_png(far, 2.5, str(page.result.attrs.get("origin", "upper")), SIDE)
        note = "distance from the model, 0 to 2.5 times the farthest 0.1 %"
        parts.append(tag("div", small_map(page, data, note), "row"))
    return join(parts)
