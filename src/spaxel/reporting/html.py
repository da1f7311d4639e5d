"""Small pieces of HTML. Text from files and people goes through `safe`; numbers get the digits they deserve."""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any


class Markup(str):
    """Text that is HTML already, made here."""

    __slots__ = ()


def safe(value: Any) -> Markup:
    """Any value as HTML text: escaped, unless it is Markup of ours."""
    return value if isinstance(value, Markup) else Markup(html.escape(show(value)))


def show(value: Any) -> str:
    """A value as people read it: 1,234, 0.8712, yes, a list with commas, everything else as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, Integral):
        return f"{int(value):,}" if abs(int(value)) > 9999 else str(value)
    if isinstance(value, Real):
        return f"{value:.4g}" if math.isfinite(value) else "–"
    if isinstance(value, list | tuple) and all(isinstance(v, str | Real) for v in value):
        return ", ".join(show(v) for v in value)
    return json.dumps(value, default=str, ensure_ascii=False)


def percent(share: float) -> str:
    """A share as '12.4 %'; what is there but rounds to nothing as '< 0.1 %'; '–' where there is none."""
    if not math.isfinite(share):
        return "–"
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def tag(name: str, content: Any, css: str = "", **attributes: str) -> Markup:
    """An element; its content and attributes are escaped unless they are Markup."""
    attributes = ({"class": css} if css else {}) | attributes
    marks = "".join(f' {key}="{safe(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{marks}>{safe(content)}</{name}>")


def join(parts: Iterable[Any], between: str = "") -> Markup:
    """Pieces one after the other, each escaped unless it is Markup."""
    return Markup(between.join(safe(part) for part in parts))


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Iterable[int] = ()) -> Markup:
    """A table; the columns in `numeric` are aligned to the right. An empty header leaves out the head."""
    right = set(numeric)

    def line(name: str, cells: Sequence[Any]) -> Markup:
        return tag("tr", join(tag(name, cell, "n" if i in right else "") for i, cell in enumerate(cells)))

    head = tag("thead", line("th", header)) if header else ""
    return tag("table", join([head, tag("tbody", join(line("td", row) for row in rows))]))


def pairs(values: dict[str, Any]) -> Markup:
    """A dict as a table of two columns; a dict inside becomes rows 'name: part'."""
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        rows += [(name if part is None else f"{name}: {part}", inner) for part, inner in parts]
    return table((), rows)


def bullets(sentences: Iterable[Any]) -> Markup:
    """A list of sentences."""
    return tag("ul", join(tag("li", sentence) for sentence in sentences))


def swatch(color: str) -> Markup:
    """A small square in a colour of ours."""
    return tag("span", "", "swatch", style=f"background:{color}")


def image(data: bytes, alt: str, css: str = "", style: str = "") -> Markup:
    """A PNG file inside the page."""
    uri = Markup("data:image/png;base64," + base64.b64encode(data).decode())
    marks = "".join(f' {key}="{safe(value)}"' for key, value in (("class", css), ("style", style)) if value)
    return Markup(f'<img src="{uri}" alt="{safe(alt)}"{marks}>')
