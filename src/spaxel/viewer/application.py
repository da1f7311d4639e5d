"""One browser window: the map at the left, tabs with the other panes at the right, above both what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spaxel.errors import printable
from spaxel.viewer.look import STYLE, Looks, styled, words
from spaxel.viewer.panes import made
from spaxel.viewer.scene import Scene, titles_of
from spaxel.viewer.state import State

_DARK = "document.documentElement.classList.toggle('dark', cb_obj.active);"
_BEGIN = "button.active = window.matchMedia('(prefers-color-scheme: dark)').matches;"
_TEMPLATE = """{{% block preamble %}}<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style>{{% endblock %}}"""


def window(document: Any, scenes: Sequence[Scene], *, editable: bool = False) -> State:
    """Fill a Bokeh document with the panes of these scenes, for one browser window. Returns its state."""
    state = State(scenes, editable=editable, document=document)
    document.title = printable(f"{state.scene.name} · spaxel")
    document.template = _TEMPLATE.format(style=STYLE)
    document.add_root(layout(state, document))
    return state


def layout(state: State, document: Any) -> Any:
    """The panes of a window, arranged."""
    from bokeh.models import Column, Row, TabPanel, Tabs

    from spaxel.viewer.map_pane import map_pane

    looks = Looks(state)
    tabs = styled(Tabs(tabs=[TabPanel(title=title, child=pane) for title, pane in made(state, looks)],
                       sizing_mode="stretch_both", min_width=340, min_height=420, name="panes"))  # fmt: skip
    left = map_pane(state, looks, document)
    body = Row(left, tabs, sizing_mode="stretch_both", spacing=14, styles={"flex-wrap": "wrap"})
    return Column(_head(state, document), body, sizing_mode="stretch_both", spacing=6, name="window")


def _head(state: State, document: Any) -> Any:
    """What is shown, the choice among several, and light or dark."""
    from bokeh.models import CustomJS, Row, Select, Toggle

    title = words(_title(state), sizing_mode="stretch_width", name="title")
    dark = styled(Toggle(label="dark", active=False, width=60, name="dark"))
    dark.js_on_change("active", CustomJS(code=_DARK))
    dark.on_change("active", lambda _a, _o, new: state.paint(dark=bool(new)))
    document.js_on_event("document_ready", CustomJS(args={"button": dark}, code=_BEGIN))
    state.on("scene", lambda: title.update(text=printable(_title(state))))
    state.on("result", lambda: title.update(text=printable(_title(state))))
    if len(state.scenes) == 1:
        return Row(title, dark, sizing_mode="stretch_width")
    options = [(str(i), printable(title)) for i, title in enumerate(titles_of(state.scenes))]
    choice = styled(Select(options=options, value="0", width=220, name="scenes"))
    choice.on_change("value", lambda _a, _o, new: state.go(int(new)))
    state.on("scene", lambda: choice.update(value=str(state.at)))
    return Row(choice, title, dark, sizing_mode="stretch_width")


def _title(state: State) -> str:
    """'altarpiece: 96 x 128 pixels, 1,024 channels; 6 components by kmeans'."""
    scene, (rows, columns) = state.scene, state.scene.shape
    found = f"{scene.name}: {rows:,} × {columns:,} pixels, {scene.data.sizes.get('channel', 0):,} channels"
    if state.result is not None:
        n = state.result.sizes.get("component", 0)
        method = state.run.get("method") or state.result.attrs.get("method", "")
        found += f"; {n} component{'s' if n != 1 else ''}" + (f" by {method}" if method else "")
    return found
