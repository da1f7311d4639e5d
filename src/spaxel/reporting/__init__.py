"""A run folder as one self-contained HTML page that a person reads without us.

`report` and `render` lie in `whole_page` and are loaded on first use: drawing needs Bokeh, whose import takes a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["render", "report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("spaxel.reporting.whole_page"), name)
