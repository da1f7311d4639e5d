"""Paths that change places in one step, where the system and its disk can, and files that survive a loss of power."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

HERE = -100  # AT_FDCWD: a path is taken from the working folder
NO_REPLACE, EXCHANGE = 1, 2  # RENAME_NOREPLACE and RENAME_EXCHANGE of renameat2(2), Linux
SWAP, EXCLUSIVE = 2, 4  # RENAME_SWAP and RENAME_EXCL of renamex_np(2), macOS


def exchanged(one: Path, other: Path) -> bool:
    """Let two paths that are there change places. False where that cannot be done in one step; nothing has changed then."""
    return _renamed(one, other, {"linux": EXCHANGE, "darwin": SWAP}) == 0


def put(new: Path, place: Path) -> None:
    """Rename to a place where nothing is. Raises FileExistsError if something is there after all, where the system tells."""
    error = _renamed(new, place, {"linux": NO_REPLACE, "darwin": EXCLUSIVE})
    if error in (FileExistsError, IsADirectoryError):
        raise FileExistsError(place)
    if error:
        os.rename(new, place)


def settle(path: Path) -> None:
    """Have the system write a file, or a folder with all that is in it, to the disk; links are left alone.

    Raises OSError if that fails: some systems notice only here that the disk is full.
    """
    if path.is_file():
        _flush(path)
        return
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            if not os.path.islink(file := os.path.join(folder, name)):
                _flush(file)
        settle_folder(folder)


def settle_folder(folder: str | Path) -> None:
    """Have the names in a folder written to the disk, where folders can be opened for that."""
    if os.name == "posix":
        with suppress(OSError):  # some network disks refuse it
            _flush(folder)


def _flush(path: str | Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _renamed(one: Path, other: Path, flags: dict[str, int]) -> type[OSError] | int:
    """0 after a rename with a flag of the system; the kind of the error, or OSError where the system has no such call."""
    function = _system()
    if function is None:
        return OSError
    if function(os.fsencode(one), os.fsencode(other), flags[sys.platform]) == 0:
        return 0
    code = ctypes.get_errno()
    return type(OSError(code, os.strerror(code)))


def _system() -> Callable[[bytes, bytes, int], int] | None:
    """rename(2) with flags, None where there is none."""
    name = {"linux": "renameat2", "darwin": "renamex_np"}.get(sys.platform)
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name or "")
    except (AttributeError, OSError, TypeError):
        return None
    if name == "renamex_np":
        return lambda one, other, flag: function(one, other, ctypes.c_uint(flag))
    return lambda one, other, flag: function(HERE, one, HERE, other, ctypes.c_uint(flag))
