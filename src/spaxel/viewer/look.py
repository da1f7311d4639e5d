"""How the window looks, light or dark: styles of the page, and of each figure."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from spaxel.figures.maps import plain_axes
from spaxel.viewer.state import State

INK = {False: "#333333", True: "#DDDDDD"}
PAPER = {False: "#FFFFFF", True: "#1B1C1E"}
FAINT = {False: "#999999", True: "#777777"}
ACCENT = {False: "#B03A00", True: "#FFB000"}  # what is selected: told from each other by lightness too

FONT = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif'
STYLE = f"""
:root {{ color-scheme: light; --ink: #333; --faint: #666; --paper: #fff; --rule: #ddd; }}
:root.dark {{ color-scheme: dark; --ink: #ddd; --faint: #aaa; --paper: #1b1c1e; --rule: #444; }}
html, body {{ margin: 0; background: var(--paper); color: var(--ink); font: 14px/1.4 {FONT}; }}
body {{ padding: 8px 12px; box-sizing: border-box; }}
"""
WIDGET = f"""
:host {{ color: var(--ink); font: 13px/1.4 {FONT}; }}
.bk-input, .bk-btn {{ background: var(--paper); color: var(--ink); border-color: var(--faint); font: 13px/1.3 {FONT}; }}
select:not([multiple]).bk-input {{ appearance: auto; background-image: none !important; }}
.bk-btn {{ padding: 6px 8px; }}
.bk-btn-default:hover, .bk-btn-default:focus {{ background: var(--rule); color: var(--ink); }}
.bk-btn-default.bk-active {{ background: var(--ink); color: var(--paper); border-color: var(--ink); }}
.bk-btn[disabled] {{ background: var(--paper); color: var(--faint); border-color: var(--rule); opacity: 0.75; }}
.bk-btn:focus-visible, .bk-input:focus-visible, .noUi-handle:focus-visible {{ outline: 2px solid #0072b2; }}
.bk-tab {{ color: var(--faint); }}
.bk-tab.bk-active {{ background: var(--paper); color: var(--ink); border-color: var(--rule); font-weight: 600; }}
.bk-header {{ border-color: var(--rule); }}
a {{ color: inherit; }}
code, pre {{ font: 12px/1.4 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; white-space: pre-wrap; }}
"""


class Looks:
    """The figures of one window, painted anew when the theme changes."""

    def __init__(self, state: State):
        self._state, self._plots = state, WeakSet[Any]()
        state.on("theme", self.repaint)

    def style(self, plot: Any) -> Any:
        """A figure in the look of the window, from now on and after each change of the theme. Returns the figure."""
        plain_axes(plot)
        plot.toolbar.logo = None
        plot.stylesheets = [*plot.stylesheets, ":host { background: var(--paper); }"]
        self._plots.add(plot)
        _paint(plot, dark=self._state.dark)
        return plot

    def repaint(self) -> None:
        """All figures in the present theme."""
        for plot in list(self._plots):
            _paint(plot, dark=self._state.dark)


def _paint(plot: Any, *, dark: bool) -> None:
    ink = INK[dark]
    plot.update(background_fill_color=PAPER[dark], border_fill_color=PAPER[dark])
    for axis in plot.axis:
        axis.update(axis_label_text_color=ink, major_label_text_color=ink, axis_line_color=FAINT[dark],
                    major_tick_line_color=FAINT[dark])  # fmt: skip
    for legend in plot.legend:
        legend.update(label_text_color=ink, background_fill_color=PAPER[dark], background_fill_alpha=0.8)
    for place in (plot.left, plot.right, plot.above, plot.below):
        for renderer in place:
            if "title_text_color" in renderer.properties() and "major_label_text_color" in renderer.properties():
                renderer.update(title_text_color=ink, major_label_text_color=ink, background_fill_color=PAPER[dark])


def styled(widget: Any) -> Any:
    """A widget in the colours of the window. Returns the widget."""
    widget.stylesheets = [*widget.stylesheets, WIDGET]
    return widget


def words(text: str = "", *, faint: bool = False, **more: Any) -> Any:
    """A line of plain text: markup in it is shown, not obeyed; so are characters that turn or hide others."""
    from bokeh.models import Div

    from spaxel.errors import printable

    color = "var(--faint)" if faint else "var(--ink)"
    found = Div(text=printable(text), render_as_text=True, disable_math=True, **more)
    found.stylesheets = [f":host {{ color: {color}; font: 13px/1.45 {FONT}; overflow-wrap: anywhere; }}"]
    return found
