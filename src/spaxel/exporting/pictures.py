"""PNG, SVG and PDF: the figure that `spaxel figure` makes, of a result on its way to files. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path

from spaxel.errors import ParameterError
from spaxel.exporting.source import Source
from spaxel.plot.paper import figure
from spaxel.plot.scene import Scene
from spaxel.results.convention import shares

PARTS = {"labels": "map", "spectra": "spectra", "abundances": "abundances"}


def write_picture(source: Source, path: Path) -> None:
    """Map, legend, spectra, abundances at the width of a column, as far as they are wanted.

    Holds what a figure draws and no map, see spaxel.plot.
    Raises MissingExtra without matplotlib, ParameterError where nothing is wanted that a figure has.
    """
    parts = [PARTS[item] for item in source.what if item in PARTS]
    if not parts:
        raise ParameterError(f"A picture cannot hold {', '.join(source.what)}. Try --what with {', '.join(PARTS)}.")
    scene = Scene(source.result, source.colors, source.names, shares(source.result))
    figure(scene, path, what=parts)
