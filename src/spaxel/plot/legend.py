"""Names, colours and shares beside a figure."""

from __future__ import annotations

from typing import Any

from spaxel.figures.bands import short
from spaxel.plot.scene import Scene

LONGEST = 28  # characters of a name
HATCH: dict[str, Any] = {
    "facecolor": "white",
    "edgecolor": "#C8C8C8",
    "hatch": "//////",
    "linewidth": 0,
}  # what is no data
TALL = 12  # names, above which components without a name are only numbered
MOST = 48  # names; the table of components has them all


def percent(share: float) -> str:
    """'12.4 %', '< 0.1 %' for what would be rounded to nothing, 'background' for what is none of the image (nan)."""
    if share != share:
        return "background"
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def entries(scene: Scene, *, lost: bool) -> tuple[list[Any], list[str]]:
    """A patch and a text for each component, and one for no data where there is any."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=color, edgecolor="none") for color in scene.colors[:MOST]]
    named = [name.removeprefix("component ") for name in scene.names] if len(scene.names) > TALL else scene.names
    texts = [f"{short(name, LONGEST)}  {percent(share)}" for name, share in zip(named, scene.shares, strict=True)]
    texts = texts[:MOST]
    if more := len(scene.names) - len(texts):
        patches.append(Patch(facecolor="none", edgecolor="none"))
        texts.append(f"and {more} more")
    if lost:
        patches.append(Patch(**HATCH | {"linewidth": 0.5}))
        texts.append("no data")
    return patches, texts


def add_legend(ax: Any, scene: Scene, *, lost: bool, columns: int = 1, **where: Any) -> Any:
    """A legend without a box. Names are shown as they are: no formulas in them, and none is left out."""
    patches, texts = entries(scene, lost=lost)
    look = {"frameon": False, "borderaxespad": 0, "handlelength": 1.1, "handleheight": 1.1, "borderpad": 0}
    drawn = ax.legend(patches, [str(i) for i in range(len(texts))], ncols=columns, **look | where)
    for text, words in zip(drawn.get_texts(), texts, strict=True):
        text.set_parse_math(False)
        text.set_text(words)
    return drawn
