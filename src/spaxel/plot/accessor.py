"""`result.spaxel`: what is done with a result, at hand in a notebook. Loaded with the first name of spaxel that is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

import spaxel


@xr.register_dataset_accessor("spaxel")
class Accessor:
    """What is done with a result: `result.spaxel.map()`, `.spectra()`, `.table()`, `.cut(5)`, `.export(…)`, `.view()`.

    Each is the function of spaxel with the same name, with the result put in. Raises CubeError for a Dataset that is no result.
    """

    def __init__(self, data: xr.Dataset):
        self._data = data

    def map(self, **look: Any) -> Any:
        """The map of labels as matplotlib axes: see spaxel.plot.map."""
        return spaxel.plot.map(self._data, **look)

    def spectra(self, **look: Any) -> Any:
        """Mean spectra with their spread as matplotlib axes: see spaxel.plot.spectra."""
        return spaxel.plot.spectra(self._data, **look)

    def abundances(self, component: int | str | None = None, **look: Any) -> Any:
        """Maps of abundances as matplotlib axes: see spaxel.plot.abundances."""
        return spaxel.plot.abundances(self._data, component, **look)

    def overview(self, **look: Any) -> Any:
        """Picture, map, legend, spectra as matplotlib axes: see spaxel.plot.overview."""
        return spaxel.plot.overview(self._data, **look)

    def figure(self, path: Any, **look: Any) -> Any:
        """A figure for a paper, written: see spaxel.figure."""
        return spaxel.figure(self._data, path, **look)

    def cut(self, level: int | None = None, **by_hand: Any) -> xr.Dataset:
        """Another number of components, without fitting again: see spaxel.cut."""
        return spaxel.cut(self._data, level, **by_hand)

    def export(self, *where: Any, **how: Any) -> Any:
        """The result for another program: see spaxel.export."""
        return _public("export")(self._data, *where, **how)

    def view(self, **how: Any) -> Any:
        """The panes of the viewer in this notebook: see spaxel.view."""
        return _public("view")(self._data, **how)

    @property
    def names(self) -> list[str]:
        """The name of each component."""
        from spaxel.results.convention import check_result, component_names

        return component_names(check_result(self._data))

    @property
    def colors(self) -> list[str]:
        """The colour of each component, '#RRGGBB', as all pictures of this result have it."""
        from spaxel.figures.palette import run_colors
        from spaxel.results.convention import check_result

        return run_colors(check_result(self._data))

    def table(self) -> Any:
        """The components as a pandas DataFrame: name, colour, pixels, share (0 to 1; of a background nan), mean confidence."""
        from spaxel.figures.reduce import component_sizes
        from spaxel.results.convention import shares

        columns: dict[str, Any] = {"name": self.names, "color": self.colors, "pixels": component_sizes(self._data)}
        columns["share"] = shares(self._data).round(4)
        if "confidence" in self._data:
            labels, values = (np.asarray(self._data[name]).ravel() for name in ("labels", "confidence"))
            good = (labels >= 0) & np.isfinite(values)
            count, total = (np.bincount(labels[good], w, len(self.names)) for w in (None, values[good]))
            columns["confidence"] = np.where(count > 0, total / np.maximum(count, 1), np.nan).round(3)
        table = xr.Dataset({name: ("component", list(values)) for name, values in columns.items()})
        return table.to_dataframe()


def _public(name: str) -> Any:
    """A public name of spaxel, where this version has it."""
    return getattr(spaxel, name)
