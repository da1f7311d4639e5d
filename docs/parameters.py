"""The tables of parameters in api.md, made from the declarations: an mkdocs hook, so that they cannot differ."""

import dataclasses
import re
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import spaxel

MARK = re.compile(r"<!-- parameters: (\w+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page: every mark becomes a table."""
    return MARK.sub(lambda found: table(getattr(spaxel, found[1])), markdown)


def table(cls: type) -> str:
    """Name, default, allowed values and meaning of each parameter of a method."""
    hints = get_type_hints(cls, include_extras=True)
    rows = [
        f"| `{f.name}` | {f.default} | {allowed(hints[f.name])} | {meaning(hints[f.name])} |"
        for f in dataclasses.fields(cls)
    ]
    return "\n".join(["| parameter | default | allowed | meaning |", "|---|---|---|---|", *rows])


def meaning(hint: Any) -> str:
    """The description of a parameter."""
    found = [getattr(extra, "description", None) for extra in getattr(hint, "__metadata__", ())]
    return next(text for text in found if text).replace("|", "\\|")


def allowed(hint: Any) -> str:
    """A type in words: 'int or "auto"'."""
    if get_origin(hint) is Annotated:
        return allowed(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return ", ".join(repr(value) for value in get_args(hint))
    if hint is type(None):
        return "None"
    if parts := get_args(hint):
        return " or ".join(dict.fromkeys(allowed(part) for part in parts if part is not Ellipsis))
    return getattr(hint, "__name__", str(hint))
