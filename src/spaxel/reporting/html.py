"""From values to HTML: templates that escape every value, numbers with the digits they deserve, pictures inside the page.

The templates lie in `templates/`. Text from files and people is escaped by them; what is `Markup` was made here.
"""

from __future__ import annotations

import base64
import json
import math
from functools import cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from spaxel.errors import printable

if TYPE_CHECKING:
    from jinja2 import Environment


class Picture(NamedTuple):
    """A PNG file inside the page. words : what it shows      style : its size on the screen, as CSS."""

    words: str
    source: str
    style: str = ""


def fill(template: str, **values: Any) -> Markup:
    """A template of `templates/` with these values, each escaped unless it is Markup. An unknown name in it raises."""
    return Markup(_templates().get_template(f"{template}.html.j2").render(values))


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("spaxel.reporting")
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, finalize=show, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["percent"] = percent
    made.globals["swatch"] = swatch
    return made


def show(value: Any) -> str:
    """A value as people read it: 1,234, 0.8712, yes, a list with commas, everything else as text."""
    if isinstance(value, str):
        return value if isinstance(value, Markup) else printable(value, "\n\t")
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


def floored(share: float) -> str:
    """A confidence of 0..1 with two digits, rounded down, so that nothing is said to be surer than it is; '–' for nan."""
    return f"{math.floor(100 * share + 1e-6) / 100:.2f}" if math.isfinite(share) else "–"


def pairs(values: dict[str, Any]) -> list[tuple[str, Any]]:
    """A dict as rows of two columns; a dict inside becomes rows 'name: part'."""
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        rows += [(name if part is None else f"{name}: {part}", inner) for part, inner in parts]
    return rows


def swatch(color: str) -> Markup:
    """A small square in a colour."""
    return Markup('<span class="swatch" style="background:{}"></span>').format(color)


def picture(data: bytes, words: str, style: str = "") -> Picture:
    """A PNG file as a picture of the page."""
    return Picture(words, "data:image/png;base64," + base64.b64encode(data).decode(), style)


def sized(data: bytes, words: str, shape: tuple[int, ...], side: int = 218) -> Picture:
    """A map of (y, x) pixels as a picture that is at most `side` wide and high on the screen."""
    scale = side / max(shape)
    rows, columns = (max(1, round(n * scale)) for n in shape)
    return picture(data, words, f"width:{columns}px;height:{rows}px")
