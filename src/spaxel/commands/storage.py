"""--storage KEY=VALUE, which every verb takes: options of the library that opens an address; and what is kept of a command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from spaxel.errors import ParameterError, called

NAME = "--storage"
HELP = "Addresses (s3://, https:// …) in place of files and folders: any verb takes --storage KEY=VALUE, as endpoint_url=URL."


def taken(arguments: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """(the other arguments, the options that were given). Raises ParameterError."""
    rest: list[str] = []
    options: dict[str, Any] = {}
    waiting = iter(arguments)
    for argument in waiting:
        if argument == NAME:
            name, value = _pair(next(waiting, ""))
            options[name] = value
        elif argument.startswith(f"{NAME}="):
            name, value = _pair(argument.removeprefix(f"{NAME}="))
            options[name] = value
        else:
            rest.append(argument)
    return rest, options


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """A command as it may be kept: addresses without passwords, and of --storage what is no secret."""
    if NAME not in (text.partition("=")[0] for text in arguments):
        return [called(argument) for argument in arguments]
    from spaxel.store.addresses import is_secret

    kept: list[str] = []
    for place, argument in enumerate(arguments):
        given = argument.removeprefix(f"{NAME}=")
        if given != argument or (place and arguments[place - 1] == NAME):
            name, sign, value = given.partition("=")
            secret = is_secret(name) or value.lstrip().startswith("{")  # which may hold any
            hidden = f"{name}{sign}…" if secret else f"{name}{sign}{called(value)}"
            kept.append(hidden if given == argument else f"{NAME}={hidden}")
        else:
            kept.append(called(argument))
    return kept


def _pair(text: str) -> tuple[str, Any]:
    """'anon=true' -> ("anon", True); JSON objects too, all else is text. Raises ParameterError."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise ParameterError(f"{NAME} is {name!r}, expected KEY=VALUE. Try {NAME} anon=true.")
    if value.lower() in ("true", "false"):
        return name.strip(), value.lower() == "true"
    if value.startswith("{"):
        try:
            return name.strip(), json.loads(value)
        except ValueError:
            raise ParameterError(f"{NAME} {name}: its value is no JSON. Try one without braces.") from None
    return name.strip(), value
