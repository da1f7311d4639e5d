"""The sections of a result with an autoencoder: what is kept of the cube, and component by component."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.layouts import row

from spaxel.cube import axis_label
from spaxel.figures.abundances import quantity_png
from spaxel.figures.latent import POINTS, component_decoded, latent_figures, pair_svg
from spaxel.figures.maps import component_names, component_rgb, one_png, picture_png
from spaxel.figures.spectra import descending
from spaxel.reporting.html import Markup, Picture, fill, percent, sized, swatch
from spaxel.reporting.page import Page
from spaxel.reporting.strips import is_strip

MOST = 24  # components that are drawn one by one
SIDE = 230


def autoencoder(page: Page) -> Markup:
    """Cube, decoded cube and latents side by side; components before and after; latent space. Nothing without latents."""
    result = page.result
    if "latents" not in result or not page.n_data:
        return Markup("")
    figures = latent_figures(result, page.colors)
    n, units = page.n_data, result["component_spectra"].attrs.get("units", "") if _has_pairs(page) else ""
    return fill(
        "autoencoder",
        pictures=[] if is_strip(result["labels"].shape) else _maps(page),
        pairs=_pairs(page) if _has_pairs(page) else None,
        value=f"value in {units}" if units else "value",
        axis=axis_label(result),
        components=len(component_names(result)),
        most=MOST,
        figures=[page.place(row(figures[i : i + 3])) for i in range(0, len(figures), 3)],
        some=f"{POINTS:,} of {n:,}" if n > POINTS else f"All {n:,}",
        latents=result.sizes["latent"],
    )


def _has_pairs(page: Page) -> bool:
    return "micro_decoded" in page.result and "component_spectra" in page.result


def _maps(page: Page) -> list[Picture]:
    result, origin = page.result, str(page.result.attrs.get("origin", "upper"))
    shape = result["labels"].shape
    drawn = [
        sized(picture_png(page.small(name, SIDE), page.is_known(SIDE), origin, SIDE), words, shape)
        for name, words in (("picture", "cube"), ("decoded_picture", "decoded cube, same colours"))
        if name in result
    ]
    latents = page.small("latents", SIDE)
    for i in range(result.sizes["latent"]):
        values = latents[..., i]
        low, high = np.nanquantile(values, [0.02, 0.98])
        data = quantity_png(values, float(high), origin, SIDE, bottom=float(low))
        drawn.append(sized(data, f"latent {i + 1}, {low:.3g} to {high:.3g}", shape))
    return drawn


def _pairs(page: Page) -> list[list]:
    """Each component: where it is, its mean spectrum, and the mean of what is decoded."""
    result, strip = page.result, is_strip(page.result["labels"].shape)
    before, after = np.asarray(result["component_spectra"], float), component_decoded(result)
    axis, unit = np.asarray(result["channel"], float), str(result["channel"].attrs.get("units", ""))
    look: dict[str, Any] = {"unit": "" if unit == "index" else unit, "flip": descending(result)}
    named = list(zip(component_names(result), component_rgb(result, page.colors), strict=True))
    rows = []
    for i, (name, color) in enumerate(named[:MOST]):
        if not np.isfinite(before[i]).all():
            continue
        off = float(np.linalg.norm(after[i] - before[i]) / max(float(np.linalg.norm(before[i])), 1e-300))
        place = "" if strip else _place(page, i, color)
        drawn = Markup(pair_svg(axis, before[i], after[i], color, **look)) if len(axis) > 1 else ""
        rows.append([swatch(color), name, place, drawn, percent(off)])
    return rows


def _place(page: Page, component: int, color: str) -> Markup:
    data, words = one_png(page.result, component, color), f"where component {component} is"
    place = sized(data, words, page.result["labels"].shape, 108)
    return Markup('<img src="{}" alt="{}" class="nodata" style="{}">').format(place.source, place.words, place.style)
