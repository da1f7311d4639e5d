"""What the nearest spectra of a library are, where `spaxel match --keep` left its answers in the run."""

from __future__ import annotations

from typing import Any

from spaxel.figures.maps import component_names, component_rgb
from spaxel.figures.reduce import component_sizes
from spaxel.reporting.html import Markup, fill, swatch
from spaxel.reporting.page import Page


def matches(page: Page) -> Markup:
    """The kept answers of a library; nothing where there are none, or the components have changed since."""
    kept = page.run.get("matches")
    if not isinstance(kept, dict) or kept.get("sizes") != component_sizes(page.result).tolist():
        return Markup("")
    rows: list[tuple[Any, ...]] = []
    named = zip(component_names(page.result), component_rgb(page.result, page.colors), kept["answers"], strict=True)
    for name, color, answer in named:
        for place, (entry, angle, error, correlation) in enumerate(answer["nearest"]):
            first = (swatch(color), name) if not place else ("", "")
            rows.append(
                (*first, entry, f"{angle:.3f} ± {error:.3f}", f"{correlation:.3f}", "" if place else answer["verdict"])
            )
    return fill("matches", library=str(kept.get("library", "")), rows=rows)
