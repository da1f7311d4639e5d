"""Colours of components: told apart by everybody, kept from level to level, never two alike side by side.

Distance is Euclidean in CIELAB (D65), the smallest of what people with normal sight, with deuteranopia and with
protanopia see. Simulated sight: Machado, Oliveira & Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1.
First eight colours: Okabe & Ito 2008, https://jfly.uni-koeln.de/color/, with yellow and black moved to the end,
because yellow is a poor line on white and black a poor neighbour of text. Grey is kept free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from spaxel.colorimetry import lab_of_light, linear_rgb
from spaxel.cube.smaller import is_large
from spaxel.errors import ParameterError
from spaxel.figures.reduce import n_components, reduce_labels, small_map
from spaxel.results.convention import is_background, relabel

OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#F0E442", "#000000")
SIGHT = {  # how linear RGB is seen
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
BACKGROUND = "#B8B8B8"
SIDE = 512  # pixels of the map that colours are dealt for
_RESERVED = ("#FFFFFF", BACKGROUND)  # paper, and grey for a background: no colour of a component comes near


def to_rgb(colors: tuple[str, ...] | list[str]) -> np.ndarray:
    """'#RRGGBB' strings as (n, 3) numbers in 0..1."""
    return np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colors], float).reshape(-1, 3) / 255


def to_lab(rgb: np.ndarray, sight: str = "normal") -> np.ndarray:
    """CIELAB (D65) of sRGB colours as this sight sees them. rgb : (..., 3) in 0..1 -> (..., 3)."""
    return lab_of_light(np.clip(linear_rgb(rgb) @ SIGHT[sight].T, 0, 1))


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance of each colour of a to each of b, the smallest over the kinds of sight. (n, 3), (m, 3) -> (n, m)."""
    seen = [np.linalg.norm(to_lab(a, s)[:, None] - to_lab(b, s)[None], axis=-1) for s in SIGHT]
    return np.min(seen, axis=0)


def palette(n: int) -> list[str]:
    """n colours as '#RRGGBB'; palette(n) is the beginning of palette(n + 1), so colours stay when components are added.

    Beyond eight, each colour is the one farthest from those before it and from paper and grey.
    Raises ParameterError for more than 256.
    """
    if not 0 <= n <= 256:
        raise ParameterError(f"A palette of {n} colours cannot be made. Try a number from 0 to 256.")
    return list(OKABE_ITO[:n] if n <= len(OKABE_ITO) else _extended(64 if n <= 64 else 256)[:n])


@lru_cache(maxsize=2)
def _extended(n: int) -> tuple[str, ...]:
    steps = np.linspace(0, 255, 18).round()
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3) / 255
    lab = to_lab(grid)
    chroma = np.hypot(lab[:, 1], lab[:, 2])  # neither grey nor neon
    chosen = grid[(lab[:, 0] > 15) & (lab[:, 0] < 93) & (chroma > 8) & (chroma < 85)]
    nearest = distances(chosen, to_rgb(OKABE_ITO + _RESERVED)).min(1)
    colors = list(OKABE_ITO)
    while len(colors) < n:
        best = int(nearest.argmax())
        colors.append("#" + "".join(f"{round(v * 255):02X}" for v in chosen[best]))
        nearest = np.minimum(nearest, distances(chosen, chosen[best : best + 1])[:, 0])
    return tuple(colors)


def borders(labels: np.ndarray, n: int) -> np.ndarray:
    """Length of the common border of components, in pixels. labels : (y, x) int, -1 = none -> (n, n), symmetric."""
    table = np.zeros((n, n))
    for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        differ = (a != b) & (a >= 0) & (b >= 0)
        table += np.bincount(a[differ].astype(np.int64) * n + b[differ], minlength=n * n).reshape(n, n)
    return table + table.T


def assign(labels: np.ndarray, colors: list[str]) -> list[str]:
    """The same colours, dealt so that components with a common border do not get those that are most alike.

    Swaps two colours as long as this lowers  Σ (1 + border / mean border) (closest pair / distance)^8  over neighbours.
    labels : (y, x) int32, -1 = none      colors : one for each component
    """
    n = len(colors)
    border = borders(labels, n)
    if n < 3 or not border.any():
        return list(colors)
    weight = np.where(border > 0, 1 + border / border[border > 0].mean(), 0)
    rgb = to_rgb(colors)
    apart = distances(rgb, rgb) + 1e6 * np.eye(n)
    likeness = (apart.min() / apart) ** 8
    order = _swapped(weight, likeness)
    return [colors[i] for i in order]


def _swapped(weight: np.ndarray, likeness: np.ndarray) -> np.ndarray:
    """Order of colours of (locally) lowest cost Σ weight[i, j] · likeness[order[i], order[j]]."""
    n = len(weight)
    order = np.arange(n)
    for _ in range(20 if n <= 64 else 2):
        before = order.copy()
        for i in range(n):
            for j in range(i):
                swap = order.copy()
                swap[i], swap[j] = order[j], order[i]
                pair = weight[[i, j]]
                now = (pair * likeness[np.ix_(order[[i, j]], order)]).sum()
                then = (pair * likeness[np.ix_(swap[[i, j]], swap)]).sum()
                if then < now - 1e-12:
                    order = swap
        if (order == before).all():
            break
    return order


def component_colors(result: xr.Dataset, n: int = 0, dealt: Sequence[str] = ()) -> list[str]:
    """Colours by place in the palette (component_color), dealt for the map of this result; at least n of them.

    dealt : colours that were dealt before, for another map of the same model; they are kept, and only what is missing added
    The colours of a result cut at another level are the same list, dealt for the components before the cut: ask once, with
    the n of the finest level shown.
    """
    n = max(n, int(color_places(result).max(initial=-1)) + 1)
    if dealt:
        more = palette(min(n, 256))[len(dealt) :]
        return [*dealt, *more, *(palette(256)[i % 256] for i in range(256, n))]
    labels, place = _uncut(result)
    labels, used = relabel(labels, place), int(place.max(initial=-1)) + 1
    n = max(n, used)
    colors = [palette(min(n, 256))[i % 256] for i in range(n)]
    return assign(labels, colors[:used]) + colors[used:]


def _uncut(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Labels and places of the components as they were before a cut, whose colours every level keeps; (y, x), made smaller."""
    if "uncut_component" not in result.attrs or "micro_labels" not in result:
        return small_map(result, "labels", SIDE), color_places(result)
    component, place = (np.atleast_1d(result.attrs[f"uncut_{name}"]).astype(int) for name in ("component", "color"))
    if is_large(result["labels"].shape):
        return relabel(small_map(result, "micro_labels", SIDE), component), place
    return reduce_labels(relabel(np.asarray(result["micro_labels"]), component), SIDE), place


def color_places(result: xr.Dataset) -> np.ndarray:
    """Place in the palette of each component, (component,) int; in order where the result does not say."""
    if "component_color" in result:
        return np.asarray(result["component_color"]).astype(int)
    return np.arange(n_components(result))


def run_colors(result: xr.Dataset, run: Mapping[str, Any] | None = None) -> list[str]:
    """The colour of each component of a result, (component,) '#RRGGBB': what page, plots, exports and viewer show.

    run : run.json of the result, whose dealt colours are kept; without it they are dealt for this map
    """
    return painted(result, component_colors(result, dealt=(run or {}).get("colors") or ()))


def painted(result: xr.Dataset, colors: Sequence[str]) -> list[str]:
    """The colour of each component: given by hand, else grey for a background, else dealt. colors : by place in the palette."""
    shown = [colors[place] for place in color_places(result)]
    grey = is_background(result)
    shown = [BACKGROUND if is_grey else color for color, is_grey in zip(shown, grey, strict=True)]
    if "component_paint" not in result:
        return shown
    given = np.asarray(result["component_paint"]).astype(int)
    return [f"#{paint:06X}" if paint >= 0 else color for color, paint in zip(shown, given, strict=True)]


def matched_colors(colors: Sequence[str], pairs: Sequence[tuple[int, int]], n: int) -> list[str]:
    """Colours for n components of another map: what is matched has the colour of its partner, the others one of their own.

    colors : (k,) of the first map      pairs : (component there, component here), see spaxel.metrics.agreement
    """
    given: list[str] = [""] * n
    for there, here in pairs:
        given[here] = colors[there]
    free = (color for color in palette(min(256, len(colors) + n)) if color not in colors)
    return [color or next(free, BACKGROUND) for color in given]
