"""The tables of parameters in api.md, made from the declarations: an mkdocs hook, so that they cannot differ."""

import dataclasses
import re
from typing import Any, get_type_hints

import spaxel
from spaxel.methods.parameters import descriptions, in_words

MARK = re.compile(r"<!-- parameters: (\w+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page: every mark becomes a table."""
    return MARK.sub(lambda found: table(getattr(spaxel, found[1])), markdown)


def table(method: type) -> str:
    """Name, default, allowed values and meaning of each parameter of a method."""
    hints, words = get_type_hints(method, include_extras=True), descriptions(method)
    head = "| parameter | default | allowed | meaning |\n|---|---|---|---|\n"
    return head + "\n".join(
        f"| `{f.name}` | {f.default} | {_cell(in_words(hints[f.name]))} | {_cell(words[f.name])} |"
        for f in dataclasses.fields(method)
    )


def _cell(text: str) -> str:
    return text.replace(" | ", ", ").replace("|", "\\|")
