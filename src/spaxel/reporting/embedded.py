"""Bokeh figures as text of a page: what they hold as JSON, a spot for each, and the code that draws them there.

`bokeh.embed.components` gives the same, but walks over all models four times more, to look for faults of whoever wrote the
figures (tests/reporting/test_embedded.py looks for these) and for callbacks in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.embed.elements import script_for_render_items
from bokeh.embed.util import RenderItem
from bokeh.embed.wrappers import wrap_in_onload, wrap_in_script_tag
from bokeh.model import Model
from bokeh.resources import Resources
from bokeh.util.serialization import make_globally_unique_css_safe_id, make_globally_unique_id

SPOT = '<div id="{0}" data-root-id="{1}" style="display: contents;"></div>'


def embedded(figures: Sequence[Model]) -> tuple[str, list[str]]:
    """The script that draws these figures, and the spot of each in the page. They may share models."""
    held = Document().to_json(deferred=False)
    held["roots"] = Serializer(deferred=False).encode(list(figures))
    item = RenderItem(
        make_globally_unique_id(), roots={figure: make_globally_unique_css_safe_id() for figure in figures}
    )
    script = wrap_in_script_tag(wrap_in_onload(script_for_render_items({item.docid: held}, [item])))
    return script, [SPOT.format(root.elementid, root.id) for root in item.roots]


@cache
def library(*, widgets: bool) -> str:
    """Bokeh's own code, which draws; nothing of a network."""
    return Resources(mode="inline", components=["bokeh", "bokeh-widgets"] if widgets else ["bokeh"]).render()
