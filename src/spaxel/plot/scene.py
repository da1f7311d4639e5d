"""What is drawn: a result or a run, the names, colours and shares of its components."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.smaller import is_large
from spaxel.errors import ParameterError, printable
from spaxel.figures.palette import component_colors, painted
from spaxel.figures.reduce import reduce_mean, small_map
from spaxel.plot.rows import Rows
from spaxel.results.convention import check_result, component_names, shares
from spaxel.results.cut import cut
from spaxel.store.cuts import open_cut
from spaxel.store.run_folder import read_run


class Scene(NamedTuple):
    """A result, lazily, and what all its pictures share: a colour, a name and a share (nan: background) for each component."""

    result: xr.Dataset
    colors: list[str]
    names: list[str]
    shares: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return self.result.sizes["y"], self.result.sizes["x"]

    @property
    def is_strip(self) -> bool:
        """Whether this is a list of spectra, or so elongated that a map of square pixels would be a thread."""
        return min(self.shape) == 1 or max(self.shape) > 30 * min(self.shape)


def open_scene(
    source: xr.Dataset | str | Path | Scene,
    level: int | None = None,
    named: str | None = None,
    like: xr.Dataset | None = None,
) -> Scene:
    """A result, or the folder of a run, ready to be drawn; at another number of components with `level`.

    named : a cut of the run, kept beside it under this name      like : a result of the same model, whose colours are taken

    The colours are those of the run's page. Nothing is read but the labels.
    Raises NotFound if there is no run, CubeError for what is no result, ParameterError for a level that it does not keep.
    """
    if isinstance(source, Scene):
        return source
    run: dict[str, Any] = {}
    if isinstance(source, (str, Path)):
        run, source = read_run(source) if named is None else open_cut(Path(source), named)
    elif named is not None:
        raise ParameterError(f"A result keeps no cuts with names. Try the run that has {named!r}.")
    result = check_result(source)
    n = max(level or 0, result.sizes.get("component", 0))
    colors = component_colors(result if like is None else check_result(like), n, run.get("colors") or ())
    if level is not None:
        result = cut(result, level)
    names = [printable(name) for name in component_names(result)]
    return Scene(result, painted(result, colors), names, shares(result))


def component_number(scene: Scene, which: int | str) -> int:
    """The number of a component that is named or numbered. Raises ParameterError if there is none."""
    names = component_names(scene.result)
    if isinstance(which, str) and which in names:
        return names.index(which)
    if isinstance(which, (int, np.integer)) and 0 <= which < len(names):
        return int(which)
    raise ParameterError(f"There is no component {which!r}. Try 0 to {len(names) - 1}, or its name.")


def small_labels(scene: Scene, side: int) -> np.ndarray:
    """Labels of at most `side` pixels along each side: the most frequent of each block."""
    return small_map(scene.result, "labels", side)


def small_values(scene: Scene, name: str, side: int) -> np.ndarray:
    """A map of values of at most `side` pixels along each side: the mean of each block. It is never held whole."""
    if is_large(scene.shape):
        return small_map(scene.result, name, side)
    return reduce_mean(Rows(scene.result[name]), side)  # type: ignore[arg-type]
