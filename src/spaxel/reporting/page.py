"""One page from its sections: figures collected while they are written, everything inside one file."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
import xarray as xr
from bokeh.model import Model
from markupsafe import Markup

from spaxel.cube.pixels import scale_bar
from spaxel.cube.smaller import is_large
from spaxel.figures.frame import Frame
from spaxel.figures.levels import confidence_sums, levels_of, node_result, own_parts
from spaxel.figures.palette import component_colors
from spaxel.figures.places import place_of
from spaxel.figures.reduce import component_sizes, small_map
from spaxel.reporting.embedded import embedded, library
from spaxel.reporting.html import fill
from spaxel.results.walk import walk

PAGE = "report.html"
LEGEND_ROOM = (190, 250)  # beside two maps, for up to `TALL` names, and for more
TALL = 20  # names in one column beside the map


class Page:
    """What the sections of one report share: the run, the result at all its levels, colours, and the figures placed so far."""

    def __init__(self, result: xr.Dataset, run: dict[str, Any], side: int, picture_side: int):
        self.result, self.run = result, run
        self.side, self.picture_side = side, picture_side  # most pixels of a map of labels, of a picture
        finest = int(np.max(result["level"].values, initial=0)) if "level" in result.coords else 0
        self.colors = component_colors(result, finest, run.get("colors") or ())
        self.n_pixels = result.sizes["y"] * result.sizes["x"]
        self.n_data = sum(int((piece.values[0] >= 0).sum()) for piece in walk(result["labels"]))
        self.figures: list[Model] = []

    @cached_property
    def levels(self):
        """The result at every level, see `figures.levels`."""
        return levels_of(self.result, self.colors, self.sums)

    @cached_property
    def sums(self):
        """Sums of confidence of each part at each level, see `figures.levels`."""
        return confidence_sums(self.result, len(own_parts(self.result)))

    @cached_property
    def nodes(self) -> xr.Dataset:
        """A result whose components are those of all levels."""
        return node_result(self.result, self.levels)

    @cached_property
    def frame(self) -> Frame:
        """The frame of all maps of the page: they move together. `frame.sized(width, height)` gives one other room."""
        shape, attrs = self.result["labels"].shape, self.result.attrs
        room = LEGEND_ROOM[len(component_sizes(self.result)) > TALL]
        width, height = (1130, 185) if self.wide else ((1216 - 28 - room) // 2 - 62, 408)
        bar, origin = scale_bar(attrs, shape[1]), str(attrs.get("origin", "upper"))
        return Frame(shape, origin=origin, width=width, height=height, bar=bar, place=place_of(self.result))

    @property
    def wide(self) -> bool:
        """Whether the maps lie one above the other."""
        rows, columns = self.result["labels"].shape
        return columns > 2.2 * rows

    def is_known(self, side: int) -> np.ndarray:
        """Which pixels hold data, (y, x) bool; of a large map which points of one that is made smaller to `side`."""
        large = is_large(self.result["labels"].shape)
        return (small_map(self.result, "labels", side) if large else self.result["labels"].values) >= 0

    def small(self, name: str, side: int) -> np.ndarray:
        """A map of values as it is; of a large one it is made smaller to `side`."""
        large = is_large(self.result["labels"].shape)
        return small_map(self.result, name, side) if large else self.result[name].values

    def place(self, model: Model) -> Markup:
        """The spot where a figure will stand."""
        self.figures.append(model)
        return Markup(f"<!--figure {len(self.figures) - 1}-->")


def finish(page: Page, title: str, body: Markup) -> str:
    """The whole file: head, body with the figures in their spots, script and Bokeh's own code; nothing of a network."""
    text, drawing, script = str(body), "", ""
    if page.figures:
        script, spots = embedded(page.figures)
        for i, spot in enumerate(spots):
            text = text.replace(f"<!--figure {i}-->", spot, 1)
        drawing = library(widgets=True)
    own = {name: _file(name) for name in ("page.css", "page.js", "levels.js")}
    given = {
        "body": text,
        "library": drawing,
        "script": script,
        "style": own.pop("page.css"),
        "own": "".join(own.values()),
    }
    return fill("page", title=title, **{name: Markup(value) for name, value in given.items()})


def _file(name: str) -> str:
    return files("spaxel.reporting").joinpath(name).read_text("utf-8")
