"""The frame that all small maps of a page share."""

from __future__ import annotations

from spaxel.cube.pixels import scale_bar
from spaxel.figures.maps import Frame
from spaxel.reporting.page import Page


def small_frame(page: Page, width: int, height: int) -> Frame:
    """A frame with room on the screen of width x height, whose maps move together."""
    shape, attrs = page.result["labels"].shape, page.result.attrs
    bar = scale_bar(attrs, shape[1])
    return Frame(shape, origin=str(attrs.get("origin", "upper")), width=width, height=height, bar=bar)
