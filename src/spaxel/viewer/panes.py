"""The panes of a window: each a function in a file of its own, (state, looks) -> a Bokeh layout, or None for nothing to show.

A new pane: write such a function, and name it in PANES. It hears of changes by `state.on`, and changes things by
`state.select`, `state.show`, `state.single`, `state.go`; figures are passed through `looks.style`, widgets through
`look.styled`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from spaxel.viewer.look import Looks
from spaxel.viewer.state import State

PANES = {  # title of the tab -> module:function; the tabs stand to the right of the map, in this order
    "Spectrum": "spectrum_pane:spectrum_pane",
    "Components": "edit_pane:edit_pane",
    "Scatter": "scatter_pane:scatter_pane",
    "Compare": "compare_pane:compare_pane",
    "Series": "series_pane:series_pane",
    "About": "about_pane:about_pane",
}


def loaded() -> dict[str, Callable[[State, Looks], Any]]:
    """The functions of PANES by their titles, imported."""
    found = {}
    for title, place in PANES.items():
        module, name = place.split(":")
        found[title] = getattr(import_module(f"spaxel.viewer.{module}"), name)
    return found


def made(state: State, looks: Looks) -> list[tuple[str, Any]]:
    """(title, layout) of each pane that has something to show."""
    layouts = [(title, pane(state, looks)) for title, pane in loaded().items()]
    return [(title, layout) for title, layout in layouts if layout is not None]
