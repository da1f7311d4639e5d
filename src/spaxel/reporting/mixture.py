"""The section of an unmixed cube: how much of each component is where, and what the components leave."""

from __future__ import annotations

import numpy as np

from spaxel.figures.abundances import MOST, profiles, quantity_png
from spaxel.figures.maps import component_names
from spaxel.reporting.html import Markup, bullets, join, percent, table, tag
from spaxel.reporting.page import Page
from spaxel.reporting.scene import is_strip
from spaxel.reporting.sections import small_map
from spaxel.results.convention import sentences

SIDE = 200  # pixels of a map of one component


def mixture(page: Page) -> Markup:
    """Abundance maps (profiles of a list), the residual, warnings; nothing for a result without abundances."""
    result = page.result
    if "abundances" not in result:
        return Markup("")
    parts = [tag("h2", "How much of each?")]
    if not page.data.any():
        return join([*parts, tag("p", "No pixel holds data, so nothing was unmixed.")])
    if notes := sentences(result.attrs, "notes"):
        parts += [tag("p", "Read this before you trust the numbers:"), bullets(notes)]
    parts.append(_profiles(page) if is_strip(result["labels"].shape) else _maps(page))
    return join([*parts, _residual(page), _ambiguity(page), _counts(page)])


def _maps(page: Page) -> Markup:
    result, drawn = page.result, []
    abundances, origin = result["abundances"].values, str(result.attrs.get("origin", "upper"))
    top = float(np.nanquantile(abundances.max(-1), 0.99))
    for i, name in list(enumerate(component_names(result)))[:MOST]:
        drawn.append(
            small_map(page, quantity_png(abundances[..., i], top, origin, SIDE), f"{name}, from 0 to {top:.3g}")
        )
    words = "Dark is none, yellow the most; all maps have the same scale."
    if result.sizes["component"] > MOST:
        words += f" The first {MOST} of {result.sizes['component']} are drawn."
    return join([tag("p", words), tag("div", join(drawn), "row")])


def _profiles(page: Page) -> Markup:
    words = "Abundance of each component in each spectrum, in the colours of the components."
    return join([tag("p", words), page.place(profiles(page.result, page.colors))])


def _residual(page: Page) -> Markup:
    if "residual" not in page.result:
        return Markup("")
    residual = page.result["residual"].values
    middle, high = np.nanmedian(residual), np.nanquantile(residual, 0.99)
    words = (
        f"What the components leave of a spectrum: {middle:.1%} of its norm in the median, {high:.1%} at the worst "
        "hundredth. Structure in this map means that something is missing: a component, or a mixing that is not linear."
    )
    parts = [tag("h3", "What is left?"), tag("p", words)]
    if not is_strip(residual.shape):
        origin = str(page.result.attrs.get("origin", "upper"))
        shown = small_map(
            page, quantity_png(residual, float(high), origin, 360), f"residual, from 0 to {high:.1%} of the norm"
        )
        parts.append(tag("div", shown, "row"))
    return join(parts)


def _ambiguity(page: Page) -> Markup:
    """How far each component of a small table is from unique."""
    bands = (page.run.get("learned") or {}).get("bands") or {}
    if not bands:
        return Markup("")
    head = tag("h3", "Are the components unique?")
    if not bands.get("ambiguity"):
        return join([head, tag("p", bands["sentence"])])
    words = (
        "Other mixtures of the components can fit as well with nothing negative. The number is by how much of the whole "
        "signal a component can grow or shrink: 0 is unique; up to about 0.1 the bands around the spectra above are narrow. "
        "Closure, known spectra or purer samples make it smaller; one maximum per run does too, but is not counted here."
    )
    rows = [(name, f"{a:.3f}") for name, a in zip(component_names(page.result), bands["ambiguity"], strict=False)]
    return join([head, tag("p", words), table(("component", "ambiguity"), rows, numeric=(1,))])


def _counts(page: Page) -> Markup:
    """Why this number: what each number of components of a scene leaves, and what its weakest component is worth."""
    evidence = (page.run.get("learned") or {}).get("evidence") or {}
    rows = evidence.get("counts") or []
    if not rows:
        return _estimates(evidence.get("estimates") or {})
    words = (
        "Left: the share of the variance that this many components do not explain. Needed: how many times as much would be "
        "left without the weakest. Apart: how far the nearest one is from a mixture of the others. Carried by: the share of "
        "pixels that are more than half the rarest one. The number taken is the largest that holds."
    )
    shown = [
        (r["n_components"], percent(r["unexplained"]), f"{r['needed']:.2f} x", f"{r['apart']:.2f}", percent(r["support"]),
         "holds" if r["holds"] else "no")
        for r in rows
    ]  # fmt: skip
    header = ("components", "left", "needed", "apart", "carried by", "")
    parts = [
        tag("h3", "Why this number of components?"),
        tag("p", words),
        table(header, shown, numeric=(0, 1, 2, 3, 4)),
    ]
    return join(parts)


def _estimates(estimates: dict[str, int]) -> Markup:
    """What estimators of the rank say of a table; they count noise that is not white, so the factorisation decides."""
    if not estimates:
        return Markup("")
    words = "Other ways to count, for comparison. Where the noise is not even and white, they count it too."
    shown = table(("estimator", "components"), list(estimates.items()), numeric=(1,))
    return join([tag("h3", "What do other ways to count say?"), tag("p", words), shown])
