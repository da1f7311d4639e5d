"""The map of labels, the picture and maps of values on matplotlib axes: right way up, no data hatched."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.errors import ParameterError, printable
from spaxel.figures.palette import to_rgb
from spaxel.figures.reduce import small_map, step_for
from spaxel.plot.legend import HATCH
from spaxel.plot.places import add_bar, is_world, name_sky, place
from spaxel.plot.scene import Scene, small_labels
from spaxel.results.convention import spectra_names

NAMED = 24  # spectra of a list whose names are written below them


def draw_labels(scene: Scene, ax: Any, side: int) -> bool:
    """The map of labels in the colours of the components. Returns whether some pixels hold no data."""
    labels = small_labels(scene, side)
    table = np.zeros((len(scene.colors) + 1, 4), np.uint8)
    table[:-1, :3] = (to_rgb(scene.colors) * 255).round()
    table[:-1, 3] = 255
    draw_image(scene, ax, table[labels], side)
    return bool((labels < 0).any())


def draw_picture(scene: Scene, ax: Any, side: int) -> None:
    """The false-colour picture of the scene. Raises ParameterError where the result keeps none."""
    if "picture" not in scene.result:
        raise ParameterError("This result keeps no picture of its cube. Try --what map,spectra.")
    rgb = small_map(scene.result, "picture", side).round().astype(np.uint8)
    known = np.where(small_labels(scene, side) < 0, 0, 255).astype(np.uint8)
    draw_image(scene, ax, np.dstack([rgb, known]), side)


def draw_image(scene: Scene, ax: Any, image: np.ndarray, side: int, **look: Any) -> Any:
    """An image of the scene, reduced to `side`, where it lies: on the sky, on a map, in pixels; a list as a strip."""
    ax.patch.set(**HATCH)
    look = {"interpolation": "nearest"} | look
    if scene.is_strip:
        return _draw_strip(scene, ax, image, side, look)
    step = step_for(scene.shape, side)
    where = place(scene, (image.shape[0] * step, image.shape[1] * step))
    if hasattr(ax, "wcs"):
        drawn = ax.imshow(image, extent=(-0.5, image.shape[1] * step - 0.5, -0.5, image.shape[0] * step - 0.5), **look)
        ax.set(xlim=(-0.5, scene.shape[1] - 0.5), ylim=(-0.5, scene.shape[0] - 0.5))
        name_sky(ax)
        return drawn
    drawn = ax.imshow(image, extent=where.extent, origin="upper", aspect=where.aspect, **look)
    ax.set(xlim=where.x, ylim=where.y, xlabel=where.x_label, ylabel=where.y_label)
    _few_ticks(ax)
    if not is_world(scene):
        add_bar(scene, ax)
    return drawn


def _draw_strip(scene: Scene, ax: Any, image: np.ndarray, side: int, look: dict[str, Any]) -> Any:
    """A list of spectra: one upright bar for each, from left to right, with its name where there is room."""
    upright = scene.shape[0] > scene.shape[1]
    n, step = max(scene.shape), step_for(scene.shape, side)
    image = np.swapaxes(image, 0, 1) if upright else image
    drawn = ax.imshow(image, extent=(-0.5, image.shape[1] * step - 0.5, -0.5, 0.5), aspect="auto", **look)
    ax.set(xlim=(-0.5, n - 0.5), yticks=[], xlabel="spectrum")
    name_spectra(scene, ax)
    return drawn


def name_spectra(scene: Scene, ax: Any) -> None:
    """The names of a list of spectra below the axes, where there is room; else their numbers."""
    names = spectra_names(scene.result).get("sample", ("y", []))[1]
    if 0 < len(names) <= NAMED:
        ax.set_xticks(range(len(names)), [printable(name)[:20] for name in names], rotation=90)
        for text in ax.get_xticklabels():
            text.set_parse_math(False)
    else:
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _few_ticks(ax: Any) -> None:
    """Four ticks at most, whole numbers as they are, those of y upright: long coordinates stay apart."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=axis.get_label_text().endswith("(pixel)")))
        formatter = ScalarFormatter(useOffset=False)
        formatter.set_scientific(False)
        axis.set_major_formatter(formatter)
    if max(abs(v) for v in ax.get_ylim()) >= 1e5:
        ax.tick_params(axis="y", labelrotation=90)
