"""How a model was trained, and silhouettes where a range of numbers was asked."""

from __future__ import annotations

import numpy as np
from bokeh.layouts import row

from spaxel.figures.evidence import level_svg
from spaxel.figures.latent import PHASES, history_figures
from spaxel.reporting.html import Markup, fill
from spaxel.reporting.page import Page


def training(page: Page) -> Markup:
    """Losses and criterion by epoch, and silhouettes where a range was asked; nothing where nothing was trained."""
    learned = page.run.get("learned") or {}
    deep, history = learned.get("deep") or {}, learned.get("history") or []
    silhouettes = _silhouettes(page, deep.get("silhouette") or {})
    if any("phase" in line for line in history):
        first, second = ([line for line in history if line.get("phase") == number] for number in (1, 2))
        best = _best(second)
        drawn = history_figures(first, None, PHASES[0]) if first else []
        drawn += history_figures(second, best, PHASES[1]) if second else []
        phases = 2 if second else 1
    else:
        lines, phases = [line for line in history if "held_out" in line], 0
        best = _best(lines)
        drawn = history_figures(lines, best) if lines else []
    figures = page.place(row(drawn)) if drawn else ""
    return fill("training", silhouettes=silhouettes, figures=figures, deep=deep, phases=phases, best=best)


def _best(lines: list[dict[str, float]]) -> int | None:
    """The epoch that was kept, if one was."""
    return next((int(line["epoch"]) for line in lines if line.get("kept")), None)


def _silhouettes(page: Page, curve: dict[str, float]) -> Markup | str:
    """Their curve over the numbers that were asked for; nothing for fewer than two."""
    known = {int(k): v for k, v in curve.items() if v is not None and np.isfinite(v)}
    if len(known) < 2:
        return ""
    taken = int(page.result.attrs.get("n_components", page.result.sizes["component"]))
    return Markup(level_svg("mean silhouette", known, taken))
