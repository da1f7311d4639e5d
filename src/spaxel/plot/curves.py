"""Mean spectra with their spread, and profiles of abundances along a list, on matplotlib axes."""

from __future__ import annotations

import re
from textwrap import fill
from typing import Any

import numpy as np

from spaxel.cube import axis_label
from spaxel.errors import ParameterError, printable
from spaxel.figures.bands import Bands, bands, descending, signal_range, value_label
from spaxel.figures.palette import to_lab, to_rgb
from spaxel.plot.maps import name_spectra
from spaxel.plot.rows import Rows
from spaxel.plot.scene import Scene
from spaxel.plot.words import printed

POINTS = 2000  # along the axis: smallest and largest of each bin, so that peaks survive
DOTS = 80  # spectra of a list that are also drawn as dots


def draw_spectra(scene: Scene, ax: Any) -> None:
    """Mean ± spread of each component along the physical axis, as far as something is; wavenumbers fall to the right.

    Raises ParameterError where the result keeps no spectra.
    """
    if "component_spectra" not in scene.result:
        raise ParameterError("This result keeps no spectra of its components. Try --what map.")
    shown = bands(scene.result, POINTS)
    for i, color in enumerate(scene.colors):
        if not np.isfinite(shown.mean[i]).any():
            continue  # a component without pixels here
        if shown.low is not None and shown.high is not None:
            alpha = 0.18 if len(scene.colors) <= 8 else 0.06
            ax.fill_between(shown.axis, shown.low[i], shown.high[i], color=color, alpha=alpha, linewidth=0)
        ax.plot(shown.axis, shown.mean[i], **_pen(color, dots=len(shown.axis) == 1))
    axis = shown.axis
    edges = signal_range(shown) if len(axis) > 1 else (axis[0] - 1, axis[0] + 1)
    ax.set_xlim(*(edges[::-1] if descending(scene.result) else edges))
    ax.set_xlabel(printed(printable(axis_label(scene.result))), parse_math=False)
    ax.set_ylabel(_value_words(scene, shown), parse_math=False)
    ax.set_xticks(axis) if len(axis) == 1 else ax.locator_params(axis="x", nbins=6)
    _open_frame(ax)


def draw_profiles(scene: Scene, ax: Any) -> None:
    """Abundances of a list of spectra, one line for each component."""
    from matplotlib.ticker import MaxNLocator

    values = np.concatenate(list(Rows(scene.result["abundances"]))).reshape(-1, scene.result.sizes["component"])
    for i, color in enumerate(scene.colors):
        ax.plot(np.arange(len(values)), values[:, i], **_pen(color, dots=len(values) <= DOTS, line=True))
    ax.set(xlim=(-0.5, len(values) - 0.5), xlabel="spectrum", ylabel="abundance")
    ax.yaxis.set_major_locator(MaxNLocator(5))
    name_spectra(scene, ax)
    _open_frame(ax)


def _value_words(scene: Scene, shown: Bands) -> str:
    """Name and unit of the spectra, in lines that fit beside a low figure; a pure spectrum is no mean."""
    words = value_label(scene.result, shown)
    if "abundances" in scene.result:
        words = re.sub("^mean(?! ±)", "pure spectrum", words)
    return fill(printed(printable(words)), 26)


def _pen(color: str, *, dots: bool, line: bool = False) -> dict[str, Any]:
    """How a line of this colour is drawn; one that is too light for white gets a grey casing."""
    from matplotlib.patheffects import Normal, Stroke

    pen: dict[str, Any] = {"color": color, "linewidth": 1.0, "solid_joinstyle": "round"}
    if dots:
        pen |= {"marker": "o", "markersize": 2.5 if line else 4, "linestyle": "-" if line else "none"}
    if to_lab(to_rgb([color]))[0, 0] > 80:
        pen["path_effects"] = [Stroke(linewidth=1.8, foreground="#777777"), Normal()]
    return pen


def _open_frame(ax: Any) -> None:
    ax.spines[["top", "right"]].set_visible(False)
