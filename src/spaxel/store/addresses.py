"""Addresses (s3://, https://, zip:: …) as fsspec takes them: which path is one, how it is shown, what opens it.

A path is an address if it begins with the name of a protocol. `Path` makes one slash of two; both are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path, PurePosixPath
from typing import Any

from spaxel.errors import MissingExtra, ParameterError, called, hide, words_of

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?::|/)")  # two letters at least: C:/ is a drive
_LOGIN = re.compile(r"://([^/\s]*:[^/\s]*)@")
ONLY_READ = (
    *("http", "https", "zip", "tar", "libarchive", "simplecache", "filecache", "blockcache", "cached", "reference"),
    *("data", "github", "git"),
)
_WORDS = ("true", "false", "none", "null", "auto")  # values that are no secrets, whatever the option
_storage: ContextVar[dict[str, Any] | None] = ContextVar("storage", default=None)


@contextmanager
def using(options: dict[str, Any] | None) -> Iterator[None]:
    """Inside, these options go to the library that opens addresses; None: those that are set already."""
    for secret in _secrets_of(options or {}):
        hide(secret)
    token = _storage.set(storage() if options is None else dict(options))
    try:
        yield
    finally:
        _storage.reset(token)


def storage() -> dict[str, Any]:
    """The options that are set now."""
    return dict(_storage.get() or {})


def address_of(path: str | Path, *, write: bool = False) -> str | None:
    """The address that a path is, with two slashes; None for one of this computer, also for a file that is called like that.

    write : whether something would be written there; then no file is looked for
    """
    text = path.as_posix() if isinstance(path, Path) else str(path)
    if _ADDRESS.match(text) is None or (not write and _is_there(text)):
        return None
    return re.sub(r"(?<=[A-Za-z0-9]):/(?!/)", "://", text)


def protocols(address: str) -> list[str]:
    """The protocols of an address, from the outermost: zip::s3://… -> ["zip", "s3"]."""
    parts = [part.partition("://") for part in address.split("::")]
    return [head.lower() if sign or head.isalpha() else "file" for head, sign, _ in parts]


def name_of(path: str | Path) -> str:
    """The last name of a path or an address, without what stands behind a question mark."""
    address = address_of(path)
    if address is None:
        return Path(path).resolve().name
    parts = [PurePosixPath(part.split("?")[0].partition("://")[2]).name for part in address.split("::")]
    return next((part for part in parts if part), "data")


def stem_of(path: str | Path) -> str:
    """The last name without its suffix."""
    return PurePosixPath(name_of(path)).stem


def child(address: str, name: str) -> str:
    """The address of what lies in a folder: zip://a::s3://b.zip and x -> zip://a/x::s3://b.zip."""
    head, chain, rest = address.partition("::")
    return f"{head.rstrip('/') if not head.endswith('://') else head}/{name}{chain}{rest}".replace(":///", "://")


def said(path: str | Path) -> str:
    """A path in full, or an address without user, password and signature: for run.json and messages."""
    address = address_of(path)
    return str(Path(path).resolve()) if address is None else called(address)


def opened(address: str, options: dict[str, Any] | None = None) -> tuple[Any, str]:
    """(file system of fsspec, path in it). options : as `storage()`

    Flat options go to the last protocol of a chain, which is that of the store; {"zip": {…}} to the one that is named.
    Raises ParameterError for a protocol that nobody knows, MissingExtra for a library that is missing.
    """
    import fsspec
    from fsspec.core import url_to_fs

    options = storage() if options is None else options
    known = protocols(address)
    for secret in (*_LOGIN.findall(address), *_secrets_of(options)):
        hide(secret)
    named = {name: value for name, value in options.items() if name in known and isinstance(value, dict)}
    flat = {name: value for name, value in options.items() if name not in named}
    named[known[-1]] = flat | named.get(known[-1], {})
    try:
        for protocol in known:
            fsspec.get_filesystem_class(protocol)
        return url_to_fs(address, **named)
    except ImportError as error:
        hint = " Try: pip install 'spaxel[remote]'" if known[-1] in ("s3", "s3a", "http", "https") else ""
        raise MissingExtra(f"{address} cannot be opened: {words_of(error)}.{hint}") from error
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"{address} cannot be opened: {words_of(error)}. Try to check it, and --storage."
        ) from error


def is_secret(name: str) -> bool:
    """Whether an option of a library may be a password or a key, so that it is never shown or written."""
    return re.search(r"anon|url|region|profile|requester_pays|use_ssl|cache|block|timeout", name) is None


def _secrets_of(value: Any, name: str = "") -> Iterator[str]:
    """Texts in options that may be a password or a key, however deep they lie; yes and no are none."""
    if isinstance(value, dict):
        for inside, held in value.items():
            yield from _secrets_of(held, str(inside))
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _secrets_of(held, name)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and is_secret(name):
        text = str(value)
        yield from () if text.lower() in _WORDS else (text,)


def _is_there(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False
