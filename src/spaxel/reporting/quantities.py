"""The frame that all small maps of a page share."""

from __future__ import annotations

from spaxel.figures.maps import Frame
from spaxel.reporting.page import Page


def small_frame(page: Page, width: int, height: int) -> Frame:
    """A frame with room on the screen of width x height, whose maps move with all others of the page."""
    return page.frame.sized(width, height)
