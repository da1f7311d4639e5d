"""The errors of spaxel. Each is also the builtin that a caller expects, and says what, where, and what to try."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

MOST_WORDS = 300  # characters of a library's message that ours repeats


class SpaxelError(Exception):
    """Anything that spaxel refuses. The command line prints the message and exits with 2.

    >>> import spaxel
    >>> try:
    ...     spaxel.open_cube("missing.h5")
    ... except spaxel.SpaxelError as error:
    ...     print(type(error).__name__)
    NotFound
    """

    def __str__(self) -> str:
        """The message, as `called` says it."""
        return called(super().__str__())


class CubeError(SpaxelError, ValueError):
    """The data do not keep the convention of a cube (axes, dtype, size)."""


class AxisError(CubeError):
    """The spectral axis cannot be used: not monotonic, wrong length, no such range."""


class ReadError(SpaxelError, OSError):
    """A file could not be read: truncated, damaged, of no known format, ambiguous."""


class NotFound(SpaxelError, FileNotFoundError):
    """A file, folder, or dataset inside a file does not exist."""


class Exists(SpaxelError, FileExistsError):
    """The output exists already and `overwrite` was not given."""


class WriteError(SpaxelError, OSError):
    """Nothing can be written: the disk is full, a quota is used up, the folder may only be read."""


class ParameterError(SpaxelError, ValueError):
    """A parameter has a value that is not allowed."""


class MissingExtra(SpaxelError, ImportError):
    """An optional library is not installed."""


class MemoryBudgetError(SpaxelError, MemoryError):
    """The work cannot be done inside the memory that was allowed."""


class WorkersLost(SpaxelError, OSError):
    """The processes or the cluster that compute tiles do not answer, or die again and again."""


class GuessWarning(UserWarning):
    """Something was guessed because the file does not say it; the message names the option that decides it."""


class LostWarning(UserWarning):
    """Many pixels are no data; the message says why, and how to keep them."""


class LayoutWarning(UserWarning):
    """The file is laid out so that reading it by tiles is slow; converting it helps."""


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """What is wrong with data inside this block is said with the name of their file, if it is not said already."""
    try:
        yield
    except (CubeError, ReadError, MemoryBudgetError) as error:
        if Path(path).name in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error


@contextmanager
def in_words(path: str | PurePath, said: str = "cannot be read", hint: str = "Is it complete?") -> Iterator[None]:
    """Whatever a library raises inside this block, at a file or a store, is a ReadError that names the file.

    Each library has errors of its own, and none promises which. What it was is the cause of the ReadError: with SPAXEL_DEBUG
    set, the command line prints it, so that a fault of ours is seen. Warnings that are raised as errors pass.
    """
    try:
        yield
    except (SpaxelError, Warning):
        raise
    except Exception as error:
        raise ReadError(f"{path} {said}: {words_of(error)}. {hint}") from error


def words_of(error: BaseException) -> str:
    """What an error says, in one line of at most 300 characters; its kind if it says nothing."""
    words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]} …"


def missing_extra(what: str, library: str, extra: str) -> MissingExtra:
    """The error for a library that is not installed: what needs it, and the command that installs it."""
    return MissingExtra(f"{what} needs {library}, which is not installed. Try: pip install 'spaxel[{extra}]'")


CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_names: dict[str, str] = {}  # path of a copy on this computer: the address that it was made of
_secrets: set[str] = set()
_LOGIN = re.compile(r"(\b(?!zip:|tar:|memory:)[A-Za-z][A-Za-z0-9+.-]*://)[^/\s'\"]*@")
_SIGNED = re.compile(r"(://[^\s?'\"]+)\?[^\s'\"]+")
_ONE_SLASH = re.compile(
    r"\b(s3a?|gc?s|abfss?|az|adl|oss|hf|https?|s?ftp|ssh|memory|zip|tar|simplecache|filecache|blockcache):/(?!/)"
)  # Path makes one slash of two


def known_as(path: Path, address: str) -> None:
    """From now on a copy on this computer is called by the address that it was made of."""
    _names[str(path)] = address


def hide(secret: str) -> None:
    """From now on this is never shown: a password, a key. What is too short to be one is left alone."""
    if len(secret) > 3:
        _secrets.add(secret)


def called(text: str) -> str:
    """Text as people may read it: copies by the addresses they were made of, addresses without user, password, signature."""
    for path in sorted(_names, key=len, reverse=True):
        text = text.replace(path, _names[path])
    for secret in _secrets:
        text = text.replace(secret, "***")
    text = _LOGIN.sub(r"\1", _ONE_SLASH.sub(r"\1://", text))
    return _SIGNED.sub(r"\1?…", text)


def all_called(value: Any) -> Any:
    """Plain values (lists, dicts) with every text in them as `called` says it; other values stay."""
    if isinstance(value, dict):
        return {name: all_called(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [all_called(held) for held in value]
    return called(str(value)) if isinstance(value, str | PurePath) else value


def printable(text: str, keep: str = "") -> str:
    """Text without characters that steer a terminal or turn the direction of what is read: each as its code, as \\x1b.

    Names come from files, and a name may hold anything. keep : such characters that stay, as "\\n"
    """
    return CONTROLS.sub(lambda found: found[0] if found[0] in keep else ascii(found[0])[1:-1], text)
