"""One page from its sections: figures collected while they are written, everything inside one file."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import xarray as xr
from bokeh.embed import components
from bokeh.model import Model
from bokeh.resources import Resources
from markupsafe import Markup

from spaxel.figures.palette import component_colors
from spaxel.reporting.html import fill


class Page:
    """What the sections of one report share: the run, the result, its colours, and the figures placed so far."""

    def __init__(self, result: xr.Dataset, run: dict[str, Any], levels: list[xr.Dataset], side: int, picture_side: int):
        self.result, self.run, self.levels = result, run, levels
        self.side, self.picture_side = side, picture_side  # most pixels of a map of labels, of a picture
        self.colors = component_colors(
            result, max([0, *(level.sizes.get("component", 0) for level in levels)]), run.get("colors") or ()
        )
        self.data = result["labels"].values >= 0
        self.figures: list[Model] = []

    def place(self, model: Model) -> Markup:
        """The spot where a figure will stand."""
        self.figures.append(model)
        return Markup(f"<!--figure {len(self.figures) - 1}-->")


def finish(page: Page, title: str, body: Markup) -> str:
    """The whole file: head, body with the figures in their spots, script and Bokeh's own code; nothing of a network."""
    text, library, script = str(body), "", ""
    if page.figures:
        script, divs = components(page.figures)
        for i, div in enumerate(divs):
            text = text.replace(f"<!--figure {i}-->", div.strip(), 1)
        library = Resources(mode="inline", components=["bokeh", "bokeh-widgets"]).render()
    style = files("spaxel.reporting").joinpath("page.css").read_text("utf-8")
    own = {"style": style, "body": text, "library": library, "script": script}
    return fill("page", title=title, **{name: Markup(value) for name, value in own.items()})
