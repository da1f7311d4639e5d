"""Pictures with matplotlib: axes for a notebook or a talk, and figures for a paper. Needs the extra `plot`.

Each function takes a result, or the folder of a run, and gives matplotlib axes: right way up, in the colours of the report,
no data hatched. With `ax` they draw into axes of yours; made with the projection of the result (`projection`), these show
right ascension and declination.

    map         labels with names and shares            spectra     mean and spread of each component
    abundances  one map for each, with its colour bar   overview    picture, map, legend, spectra, abundances

>>> import spaxel
>>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
>>> result = spaxel.KMeans(n_clusters=3).fit(cube).predict(cube)
>>> spaxel.plot.spectra(result).get_xlabel()
'energy (keV)'
"""

from __future__ import annotations

from spaxel.plot.axes import abundances, map, overview, projection, spectra
from spaxel.plot.paper import figure

__all__ = ["abundances", "figure", "map", "overview", "projection", "spectra"]
