"""Pictures with matplotlib: axes for a notebook or a talk, and figures for a paper. Needs the extra `plot`.

Each function takes a result, or the folder of a run, and gives matplotlib axes: right way up, in the colours of the report,
no data hatched. With `ax` they draw into axes of yours; made with the projection of the result (`projection`), these show
right ascension and declination.

    map         labels with names and shares            spectra     mean and spread of each component
    abundances  one map for each, with its colour bar   overview    picture, map, legend, spectra, abundances

The names are loaded on first use, so that the accessor `result.spaxel`, which lies here too, costs next to nothing.

>>> import spaxel
>>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
>>> result = spaxel.KMeans(n_clusters=3).fit(cube).predict(cube)
>>> spaxel.plot.spectra(result).get_xlabel()
'energy (keV)'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spaxel.plot.axes import abundances as abundances
    from spaxel.plot.axes import map as map
    from spaxel.plot.axes import overview as overview
    from spaxel.plot.axes import projection as projection
    from spaxel.plot.axes import spectra as spectra
    from spaxel.plot.paper import figure as figure

_HOME = dict.fromkeys(("abundances", "map", "overview", "projection", "spectra"), "axes") | {"figure": "paper"}
__all__ = ["abundances", "figure", "map", "overview", "projection", "spectra"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'spaxel.plot' has no attribute {name!r}")
    return getattr(import_module(f"spaxel.plot.{_HOME[name]}"), name)
