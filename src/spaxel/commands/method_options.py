"""The options of each method, as text for `--help`: from a table beside this file, so that help waits for no method.

The table is made from the declarations of the methods, which a test holds it to. After a change there:

    python -m spaxel.commands.method_options
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from spaxel.errors import ParameterError

TABLE = "method_options.json"
SHARED = ("random_state", "memory")  # the options --seed and --memory of every method
YES_OR_NO = ("true", "false", "yes", "no")


class Option(NamedTuple):
    """What a method can be asked. `allowed` and `default` in words; `flag`: it is on or off and takes no value."""

    name: str
    help: str
    allowed: str
    default: str
    flag: bool

    def words(self) -> str:
        """The line of help: what it is, what is allowed, what it is unless said."""
        said = set(re.split("[ ,:;]+", self.help)) | {"none", "true", "false"}
        allowed = "" if set(self.allowed.split(", ")) <= said | {""} else f"{self.allowed}; "
        return f"{self.help} ({allowed}default {self.default})"


@cache
def table() -> dict[str, dict[str, list[Option]]]:
    """{verb: {method: its options}}."""
    text = files("spaxel.commands").joinpath(TABLE).read_text("utf-8")
    return {
        verb: {name: [Option(*row) for row in rows] for name, rows in methods.items()}
        for verb, methods in json.loads(text).items()
    }


def options_of(verb: str, method: str) -> list[Option]:
    """The options of a method. Raises ParameterError, which lists the methods, if this verb has no such method."""
    if method in (own := table()[verb]):
        return own[method]
    if other := next((v for v, methods in table().items() if method in methods), None):
        raise ParameterError(f"--method {method} belongs to spaxel {other}. Known here: {', '.join(own)}.")
    known = [name for methods in table().values() for name in methods]
    raise ParameterError(f"There is no method {method!r}. Known: {', '.join(known)}.")


def flags(verb: str, method: str) -> set[str]:
    """The options of a method that are on or off, as `--name`."""
    return {"--" + option.name.replace("_", "-") for option in options_of(verb, method) if option.flag}


def named_method(tokens: list[str], default: str) -> str:
    """The method that a command line names: the last `--method NAME` or `--method=NAME`."""
    for i in range(len(tokens) - 1, -1, -1):
        if tokens[i].startswith("--method="):
            return tokens[i].partition("=")[2]
        if tokens[i] == "--method" and i + 1 < len(tokens):
            return tokens[i + 1]
    return default


def with_values_joined(tokens: list[str], flags: set[str]) -> list[str]:
    """`--stream true` as `--stream=true`: options that are on or off took a value once, and still may."""
    joined: list[str] = []
    for token in tokens:
        if joined and joined[-1] in flags and token.lower() in YES_OR_NO:
            joined[-1] += f"={token}"
        else:
            joined.append(token)
    return joined


def refusal(verb: str, method: str, option: str, known: list[str]) -> str:
    """Why an option is refused: who has it, and the nearest one that this method has. known : all options, as --name."""
    option = option.partition("=")[0]
    bare = option.removeprefix("--").removeprefix("no-").replace("-", "_")
    others = [name for name, own in table()[verb].items() if any(bare == other.name for other in own)]
    near = get_close_matches(option, known, 1, 0.6 if not others else 0.8)
    if not others:
        hint = f"Did you mean {near[0]}?" if near else f"Try spaxel {verb} --method {method} --help."
        return f"{method} has no option {option}. {hint}"
    hint = f"; the nearest that {method} has is {near[0]}" if near else ""
    return f"{method} has no option {option}{hint}. Try --method {' or '.join(others)}, which have it.".replace(
        "which have", "which has" if len(others) == 1 else "which have"
    )


def declared() -> dict[str, dict[str, list[Option]]]:
    """The table as the declarations of the methods have it now."""
    from spaxel.methods.registry import METHODS, UNMIXING, method_class

    found: dict[str, dict[str, list[Option]]] = {"segment": {}, "unmix": {}}
    for name in METHODS:
        found["unmix" if name in UNMIXING else "segment"][name] = _declared(method_class(name))
    return found


def _declared(method: type) -> list[Option]:
    from dataclasses import fields
    from typing import get_type_hints

    from spaxel.methods.parameters import descriptions

    hints, words = get_type_hints(method, include_extras=True), descriptions(method)
    rows = []
    for field in fields(method):
        if field.name not in SHARED:
            allowed, value = allowed_in(hints[field.name]), field.default
            default = "none" if value is None else ("off", "on")[value] if isinstance(value, bool) else str(value)
            rows.append(Option(field.name, words[field.name], allowed, default, allowed == "true, false"))
    return rows


def allowed_in(hint: Any, bounds: tuple = ()) -> str:
    """The values that a declaration allows, in words, as `1 to 512, auto`. bounds : what pydantic's Field says of a number."""
    from types import NoneType, UnionType
    from typing import Annotated, Literal, Union, get_args, get_origin

    kind, parts = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return allowed_in(parts[0], tuple(m for extra in parts[1:] for m in getattr(extra, "metadata", ())) or bounds)
    if kind in (Union, UnionType):
        return ", ".join(dict.fromkeys(filter(None, (allowed_in(part, bounds) for part in parts))))
    if kind is Literal:
        return ", ".join(map(str, parts))
    if hint is bool:
        return "true, false"
    if hint in (int, float):
        return _numbers(hint, bounds)
    if hint is str and any(getattr(m, "pattern", None) for m in bounds):
        return "LOW:HIGH"
    return {NoneType: "none", Path: "a file"}.get(hint, "")


def _numbers(kind: type, bounds: tuple) -> str:
    found = {name: getattr(m, name) for m in bounds for name in ("ge", "gt", "le", "lt") if hasattr(m, name)}
    low = f"{found['ge']}" if "ge" in found else f"above {found['gt']}" if "gt" in found else ""
    high = f"{found['le']}" if "le" in found else f"below {found['lt']}" if "lt" in found else ""
    if low and high:
        return f"{low} to {high}"
    whole = "whole number" if kind is int else "number"
    return f"{low} or more" if "ge" in found else low or (f"{whole} up to {high}" if high else whole)


def _written(found: dict[str, dict[str, list[Option]]]) -> str:
    """The table as text, an option per line."""
    verbs = []
    for verb, methods in found.items():
        blocks = []
        for name, rows in methods.items():
            lines = ",\n".join(f"   {json.dumps(row, ensure_ascii=False)}" for row in rows)
            blocks.append(f"  {json.dumps(name)}: [\n{lines}\n  ]")
        verbs.append(f" {json.dumps(verb)}: {{\n" + ",\n".join(blocks) + "\n }")
    return "{\n" + ",\n".join(verbs) + "\n}\n"


if __name__ == "__main__":
    Path(__file__).with_name(TABLE).write_text(_written(declared()), "utf-8")
