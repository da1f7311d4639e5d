"""Maps of abundances, each with its colour bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.errors import ParameterError
from spaxel.figures.bands import short
from spaxel.plot.legend import LONGEST
from spaxel.plot.maps import draw_image
from spaxel.plot.scene import Scene

MOST = 24  # maps of one figure


def check_abundances(scene: Scene) -> None:
    """Raise ParameterError for a result that was not unmixed."""
    if "abundances" not in scene.result:
        raise ParameterError("This result keeps no abundances: it was segmented, not unmixed. Try --what map,spectra.")


def draw_abundance(scene: Scene, ax: Any, values: np.ndarray, number: int, side: int) -> Any:
    """One abundance from 0 to what 99.5 % of the pixels do not exceed, in viridis, with its colour bar.

    values : (y, x), reduced to `side`      number : of the component; its colour is that of the frame
    """
    known = values[np.isfinite(values)]
    top = float(np.quantile(known, 0.995)) if known.size else 1.0
    top = top if top > 0 else 1.0
    drawn = draw_image(
        scene, ax, np.ma.masked_invalid(values), side, cmap="viridis", vmin=min(0.0, known.min(initial=0)), vmax=top
    )
    ax.set_title(short(scene.names[number], LONGEST), parse_math=False)
    _frame(ax, scene.colors[number])
    over = bool((known > top).any())
    bar = ax.figure.colorbar(drawn, cax=ax.inset_axes([1.03, 0, 0.05, 1]), extend="max" if over else "neither")
    bar.set_label("abundance")
    bar.outline.set_linewidth(0.5)
    bar.ax.locator_params(nbins=4)
    return bar


def _frame(ax: Any, color: str) -> None:
    """The colour of the component round its map."""
    if hasattr(ax, "coords"):
        ax.coords.frame.set_color(color)
        ax.coords.frame.set_linewidth(1.6)
        return
    for spine in ax.spines.values():
        spine.set(color=color, linewidth=1.6)
