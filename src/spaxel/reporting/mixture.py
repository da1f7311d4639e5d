"""The section of an unmixed cube: how much of each component is where, and what the components leave."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.figures.abundances import MOST, profiles, quantity_png
from spaxel.figures.maps import component_names
from spaxel.reporting.html import Markup, Picture, fill, percent, sized
from spaxel.reporting.page import Page
from spaxel.reporting.scene import is_strip
from spaxel.results.convention import sentences

SIDE = 200  # pixels of a map of one component


def mixture(page: Page) -> Markup:
    """Abundance maps (profiles of a list), the residual, warnings; nothing for a result without abundances."""
    result, learned = page.result, page.run.get("learned") or {}
    if "abundances" not in result:
        return Markup("")
    if not page.data.any():
        return fill("mixture", data=False)
    strip = is_strip(result["labels"].shape)
    bands, evidence = learned.get("bands") or {}, learned.get("evidence") or {}
    return fill(
        "mixture",
        data=True,
        notes=sentences(result.attrs, "notes"),
        profiles=page.place(profiles(result, page.colors)) if strip else "",
        abundances=[] if strip else _maps(page),
        components=result.sizes["component"],
        left=_left(page) if "residual" in result else None,
        bands=bands,
        ambiguity=_ambiguity(component_names(result), bands),
        counts=_counts(evidence.get("counts") or []),
        estimates=list((evidence.get("estimates") or {}).items()),
    )


def _maps(page: Page) -> list[Picture]:
    """A map of each of the first components, all of one scale."""
    result = page.result
    abundances, origin = result["abundances"].values, str(result.attrs.get("origin", "upper"))
    top = float(np.nanquantile(abundances.max(-1), 0.99))
    return [
        sized(quantity_png(abundances[..., i], top, origin, SIDE), f"{name}, from 0 to {top:.3g}", abundances.shape[:2])
        for i, name in enumerate(component_names(result)[:MOST])
    ]


def _left(page: Page) -> dict[str, Any]:
    """What the components leave: in the median, at the worst hundredth, and its map."""
    residual, origin = page.result["residual"].values, str(page.result.attrs.get("origin", "upper"))
    middle, high = float(np.nanmedian(residual)), float(np.nanquantile(residual, 0.99))
    pictures = []
    if not is_strip(residual.shape):
        words = f"residual, from 0 to {high:.1%} of the norm"
        pictures.append(sized(quantity_png(residual, high, origin, 360), words, residual.shape))
    return {"middle": middle, "high": high, "pictures": pictures}


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
