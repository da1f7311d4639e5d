"""spaxel steps."""

from __future__ import annotations

import inspect
from typing import Any

from spaxel.commands.console import print_json, print_table, say
from spaxel.commands.options import Json


def steps(*, json: Json = False) -> None:
    """The corrections of spectra that --step takes, each with its options."""
    from spaxel.preprocess.steps import STEPS, line_of, options_of

    if json:
        return print_json({name: {"what": line_of(name), "options": _plain(options_of(name))} for name in STEPS})
    rows = [(name, " ".join(_shown(*option) for option in options_of(name).items()), line_of(name)) for name in STEPS]
    print_table(rows, ("step", "options and defaults", "what it does"))
    return say("As --step 'baseline method=arpls lam=1e5', once for each step, in their order; predict repeats them.")


def _shown(name: str, default: Any) -> str:
    """An option with its default, as it is typed."""
    if default is inspect.Parameter.empty:
        return f"{name}=…"
    return f"{name}={'none' if default is None else default}"


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: "must be given" if default is inspect.Parameter.empty else default for name, default in options.items()
    }
