"""How a model was trained, and silhouettes where a range of numbers was asked."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.layouts import row

from spaxel.figures.evidence import level_figure
from spaxel.figures.latent import PHASES, history_figures
from spaxel.reporting.html import Markup, join, tag
from spaxel.reporting.page import Page


def training(page: Page) -> Markup:
    """Losses and criterion by epoch, and silhouettes where a range was asked; nothing where nothing was trained."""
    learned = page.run.get("learned") or {}
    deep, history = learned.get("deep") or {}, learned.get("history") or []
    parts = [_silhouette(page, deep.get("silhouette") or {})]
    if any("phase" in line for line in history):
        return join([*parts, _phases(page, deep, history)])
    if lines := [line for line in history if "held_out" in line]:
        best = next((int(line["epoch"]) for line in lines if line.get("kept")), None)
        parts += [tag("h3", "How was it trained?"), tag("p", _kept(deep, best))]
        parts.append(page.place(row(history_figures(lines, best))))
    return join(parts)


def _kept(deep: dict[str, Any], best: int | None) -> str:
    """What happened, in words. The losses are in units of what the clusters of the start explain."""
    words = str(deep.get("sentence", ""))
    if best is not None:
        words += f" The dashed line is epoch {best}, the best of the training by the criterion"
        words += "." if deep.get("kept", "deep") == "deep" else ", which the start still beats: it was not kept."
    return (
        words
        + " Reconstruction is a negative log likelihood in units of what the components of the start explain: lower is better."
    )


def _phases(page: Page, deep: dict[str, Any], history: list[dict[str, float]]) -> Markup:
    """The two phases of deep global clustering, as far as they were trained."""
    first, second = ([line for line in history if line.get("phase") == number] for number in (1, 2))
    best = next((int(line["epoch"]) for line in second if line.get("kept")), None)
    drawn = history_figures(first, None, PHASES[0]) if first else []
    drawn += history_figures(second, best, PHASES[1]) if second else []
    if not drawn:
        return Markup("")
    words = (
        f"{deep.get('sentence', '')} First, spectra are denoised and compared with themselves under other noise: the smaller "
        "the distance, the better, but that noise keeps it above 0."
    )
    if second:
        words += (
            " Then two views of a place, under other light and noise, learn to get one label: the larger the share, "
        )
        words += "the better." if best is None else "the better. The dashed line is the epoch that was kept."
    return join([tag("h3", "How was it trained?"), tag("p", words), page.place(row(drawn))])


def _silhouette(page: Page, curve: dict[str, float]) -> Markup:
    known = {int(k): v for k, v in curve.items() if v is not None and np.isfinite(v)}
    if len(known) < 2:
        return Markup("")
    taken = int(page.result.attrs.get("n_components", page.result.sizes["component"]))
    words = (
        "Mean silhouette of groups in the latent space for each number that was asked for; the dot is the highest, the dashed "
        "line the number of this report. Silhouettes like few, coarse groups."
    )
    drawn = level_figure("mean silhouette", known, taken)
    return join([tag("h3", "What do the silhouettes say of the number?"), tag("p", words), page.place(drawn)])
