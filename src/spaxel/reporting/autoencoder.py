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
from spaxel.reporting.html import Markup, image, join, percent, swatch, table, tag
from spaxel.reporting.page import Page
from spaxel.reporting.scene import is_strip
from spaxel.reporting.sections import small_map

MOST = 24  # components that are drawn one by one
SIDE = 230


def autoencoder(page: Page) -> Markup:
    """Cube, decoded cube and latents side by side; components before and after; latent space. Nothing without latents."""
    if "latents" not in page.result or not page.data.any():
        return Markup("")
    words = (
        "Every spectrum is reduced to a few numbers, its latents, in which the components are found; from them it can be "
        "decoded again. What is lost on the way (noise, or something rare) is not in the latents."
    )
    parts = [tag("h2", "What is kept of the spectra?"), tag("p", words)]
    if not is_strip(page.result["labels"].shape):
        parts.append(_maps(page))
    return join([*parts, _pairs(page), _space(page)])


def _maps(page: Page) -> Markup:
    result, origin = page.result, str(page.result.attrs.get("origin", "upper"))
    drawn = [
        small_map(page, picture_png(result[name].values, page.data, origin, SIDE), words)
        for name, words in (("picture", "cube"), ("decoded_picture", "decoded cube, same colours"))
        if name in result
    ]
    for i in range(result.sizes["latent"]):
        values = result["latents"].values[..., i]
        low, high = np.nanquantile(values, [0.02, 0.98])
        data = quantity_png(values, float(high), origin, SIDE, bottom=float(low))
        drawn.append(small_map(page, data, f"latent {i + 1}, {low:.3g} to {high:.3g}"))
    words = "Latents from dark to yellow, each stretched from 2 to 98 %; their sign means nothing. First the largest."
    return join([tag("p", words, "caption"), tag("div", join(drawn), "row")])


def _pairs(page: Page) -> Markup:
    """Each component: where it is, its mean spectrum, and the mean of what is decoded."""
    result, strip = page.result, is_strip(page.result["labels"].shape)
    if "micro_decoded" not in result or "component_spectra" not in result:
        return Markup("")
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
    units = result["component_spectra"].attrs.get("units", "")
    value = f"value in {units}" if units else "value"
    words = (
        f"In colour the mean of the spectra, dashed the mean of what is decoded from their latents; {value} against "
        f"{axis_label(result)}. The last column is the norm of the difference over that of the mean."
    )
    words += f" The first {MOST} of {len(named)} components." if len(named) > MOST else ""
    head = tag("h3", "Do the decoded components resemble the measured ones?")
    return join([head, tag("p", words), table(("", "component", "", "spectrum", "differs by"), rows, numeric=(4,))])


def _place(page: Page, component: int, color: str) -> Markup:
    rows, columns = page.result["labels"].shape
    scale = 108 / max(rows, columns)
    style = f"width:{max(1, round(columns * scale))}px;height:{max(1, round(rows * scale))}px"
    return image(one_png(page.result, component, color), f"where component {component} is", "nodata", style)


def _space(page: Page) -> Markup:
    figures = latent_figures(page.result, page.colors)
    if not figures:
        return Markup("")
    n = int(page.data.sum())
    some = f"{POINTS:,} of {n:,}" if n > POINTS else f"All {n:,}"
    words = f"{some} pixels by their latents, in the colours of their components; numbered circles are the components' centres."
    if page.result.sizes["latent"] > 4:
        words += f" Of {page.result.sizes['latent']} latents the first 4."
    parts = [page.place(row(figures[i : i + 3])) for i in range(0, len(figures), 3)]
    return join([tag("h3", "How far apart are they in the latent space?"), tag("p", words), *parts])
