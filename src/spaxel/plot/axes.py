"""What `spaxel.plot` offers: axes of matplotlib with a map, spectra, abundances, or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.plot import compose
from spaxel.plot.amounts import check_abundances, draw_abundance
from spaxel.plot.curves import draw_profiles, draw_spectra
from spaxel.plot.legend import add_legend
from spaxel.plot.maps import draw_labels
from spaxel.plot.paper import LOOK, WIDTHS, check_matplotlib
from spaxel.plot.places import celestial
from spaxel.plot.scene import Scene, component_number, open_scene, small_values

SIDE = 1024  # pixels of a map on a screen
SMALL = 512  # of a map of one component
Source = xr.Dataset | str | Path


def map(
    source: Source, *, ax: Any = None, level: int | None = None, like: xr.Dataset | None = None, legend: bool = True
) -> Any:
    """The map of labels of a result or a run, with names and shares beside it; a list of spectra as a strip.

    ax    : matplotlib axes to draw into; None: new ones      level : another number of components
    like  : another result of the same model, whose colours are taken: maps side by side mean the same
    Returns the axes. Raises MissingExtra without matplotlib, CubeError for what is no result.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> ax = spaxel.plot.map(spaxel.KMeans(n_clusters=3).fit(cube).predict(cube))
    >>> len(ax.get_legend().get_texts())
    3
    """
    check_matplotlib()
    scene = open_scene(source, level, like=like)
    ax = _mapped(scene) if ax is None else ax
    lost = draw_labels(scene, ax, SIDE)
    if legend:
        add_legend(ax, scene, lost=lost, columns=1 + (len(scene.names) - 1) // 20, **_outside(scene))
    return ax


def spectra(
    source: Source, *, ax: Any = None, level: int | None = None, like: xr.Dataset | None = None, legend: bool = True
) -> Any:
    """Mean spectra of the components with their spread along the physical axis; wavenumbers fall to the right.

    ax    : matplotlib axes to draw into; None: new ones      level : another number of components
    like  : another result of the same model, whose colours are taken: maps side by side mean the same
    Returns the axes. Raises MissingExtra without matplotlib, ParameterError where the result keeps no spectra.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> ax = spaxel.plot.spectra(spaxel.KMeans(n_clusters=3).fit(cube).predict(cube))
    >>> ax.get_ylabel()
    'mean ± standard deviation (counts)'
    """
    check_matplotlib()
    scene = open_scene(source, level, like=like)
    ax = _new(7, 3).add_subplot() if ax is None else ax
    draw_spectra(scene, ax)
    if legend:
        add_legend(
            ax, scene, lost=False, columns=1 + (len(scene.names) - 1) // 20, loc="upper left", bbox_to_anchor=(1.02, 1)
        )
    return ax


def abundances(source: Source, component: int | str | None = None, *, ax: Any = None) -> Any:
    """How much of each component is where, each with its colour bar; of a list of spectra one line for each component.

    component : number or name of the only one to draw; None: all of them
    ax        : matplotlib axes to draw into, for all of an image as many as components; None: new ones
    Returns the axes, an array of them where several are drawn. Raises MissingExtra without matplotlib, ParameterError for a
    result that was not unmixed.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=16, width=16, channels=64)
    >>> result = spaxel.MCR(n_components=2).fit(cube).transform(cube)
    >>> spaxel.plot.abundances(result).shape
    (2,)
    """
    check_matplotlib()
    scene = open_scene(source)
    check_abundances(scene)
    if scene.is_strip:
        ax = _new(7, 3).add_subplot() if ax is None else ax
        draw_profiles(scene, ax)
        add_legend(ax, scene, lost=False, loc="upper left", bbox_to_anchor=(1.02, 1))
        return ax
    numbers = range(len(scene.names)) if component is None else [component_number(scene, component)]
    axes = _grid(scene, len(numbers)) if ax is None else _given(ax, len(numbers))
    values = small_values(scene, "abundances", SMALL)
    for i, each in zip(numbers, axes, strict=True):
        draw_abundance(scene, each, np.ascontiguousarray(values[..., i]), i, SMALL)
    return axes[0] if component is not None else axes


def overview(source: Source, *, level: int | None = None, fig: Any = None) -> np.ndarray:
    """Picture and map, legend, abundances where there are any, and spectra, as in a figure for a paper one page wide.

    level : another number of components      fig : an empty matplotlib figure to be filled; None: a new one
    Returns all axes, (n,). Raises MissingExtra without matplotlib, CubeError for what is no result.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> len(spaxel.plot.overview(spaxel.KMeans(n_clusters=3).fit(cube).predict(cube)))  # picture, map, legend, spectra
    4
    """
    check_matplotlib()
    import matplotlib as mpl

    scene = open_scene(source, level)
    with mpl.rc_context(LOOK):
        fig = _new(WIDTHS["page"] / 25.4, 4, layout=None) if fig is None else fig
        compose.compose(scene, fig.get_size_inches()[0] * 25.4, 150, ["overview"], fig)
    return np.array(fig.axes, object)


def projection(source: Source) -> Any:
    """The projection for axes of your own that show right ascension and declination; None where the file has no such places.

    `plt.subplots(subplot_kw={"projection": spaxel.plot.projection(result)})` makes such axes.
    """
    return celestial(open_scene(source).result.attrs)


def _outside(scene: Scene) -> dict[str, Any]:
    """Where the legend of a map stands: on its right, below a list."""
    below = {"loc": "upper left", "bbox_to_anchor": (0, -1)} if scene.is_strip else {}
    return below or {"loc": "upper left", "bbox_to_anchor": (1.04, 1)}


def _new(width: float, height: float, layout: str | None = "constrained") -> Any:
    """A new figure of pyplot, which a notebook shows. Inches."""
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), layout=layout)


def _mapped(scene: Scene) -> Any:
    """New axes of the shape of the map, with room for its legend."""
    if scene.is_strip:
        return _new(7, 1.8).add_subplot()
    rows, columns = scene.shape
    scale = min(5.0 / columns, 5.0 / rows)
    return _new(max(columns * scale, 1) + 2.4, max(rows * scale, 1.2) + 0.6).add_subplot(
        projection=celestial(scene.result.attrs)
    )


def _grid(scene: Scene, n: int) -> np.ndarray:
    columns = min(n, 4)
    lines, wide = -(-n // columns), 2.6
    fig = _new(wide * columns, min(wide * scene.shape[0] / scene.shape[1], 5) * lines)
    wcs = celestial(scene.result.attrs)
    return np.array([fig.add_subplot(lines, columns, i + 1, projection=wcs) for i in range(n)], object)


def _given(ax: Any, n: int) -> list[Any]:
    axes = list(np.ravel(np.array(ax, object))) if isinstance(ax, (Sequence, np.ndarray)) else [ax]
    if len(axes) != n:
        raise ParameterError(f"ax holds {len(axes)} axes, and {n} components are drawn. Try plt.subplots(1, {n}).")
    return axes
