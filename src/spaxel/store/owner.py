"""Whose a hidden folder is: its process holds a lock on a file in it, which the system lets go when it ends, however it ends.

    .NAME.partial-HOST-ID/     beside the place NAME
        lock        held while its process lives; says which one that is
        new         what will take the place
        old         what was at the place, for the moment of a change where the system knows no exchange
        scratch     what --resume can go on with

What a dead process of this machine left is removed by the next command that writes there; nothing else is. Folders of other
machines (on a disk that several share) are left alone, and so are those on a disk that knows no locks.
"""

from __future__ import annotations

import glob
import hashlib
import os
import platform
import re
import secrets
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spaxel.errors import printable

WINDOWS = os.name == "nt"
if WINDOWS:
    import msvcrt
else:
    import fcntl

LOCK, NEW, OLD, GONE, SCRATCH = "lock", "new", "old", "gone", "scratch"
STAGING = re.compile(r"\..+\.partial-[0-9a-f]{6}-[0-9a-f]{8}")
PART = re.compile(
    r"\..+\.part-[0-9a-f]{8}(\.old)?"
)  # of what is written inside such a folder, see spaxel.store.staging
KEY = "key.json"  # in `scratch`: there is something to go on with, and of which run it is
WORTH = 60.0  # seconds of work, above which what is finished is kept also after an error or Ctrl-C
TRIES = 5

live: dict[Path, int] = {}  # folders of this process, and the descriptors that hold their locks
begun: dict[Path, float] = {}  # those of them that could be gone on with, and since when they are worked on
_advices: list[Callable[[], str]] = []


def claim(path: Path) -> Path:
    """A new hidden folder beside a path, which is ours until `give_up`. Raises OSError if it cannot be made."""
    for _ in range(TRIES):
        folder = path.with_name(f"{_prefix(path)}{secrets.token_hex(4)}")
        folder.mkdir()
        try:
            live[folder] = hold(folder)
        except (BlockingIOError, FileNotFoundError):
            continue  # another command took it for one that was left behind
        except OSError:
            live[folder] = -1  # a disk without locks: such folders are never removed by others
        return folder
    raise BlockingIOError(f"no hidden folder beside {path} could be kept from other commands")


def hold(folder: Path) -> int:
    """Take the lock of a folder; the descriptor that holds it. Raises BlockingIOError if a process has it."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        _lock(descriptor)
        if not os.path.samestat(os.fstat(descriptor), os.stat(folder / LOCK)):
            raise FileNotFoundError(folder / LOCK)
        with suppress(OSError):  # for people who look into it; a full disk is none of its business
            os.truncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode())
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int) -> None:
    if WINDOWS:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def give_up(folder: Path) -> None:
    """Remove a hidden folder of this process with all that is in it."""
    begun.pop(folder, None)
    descriptor = live.pop(folder, -1)
    _empty(folder)
    if descriptor >= 0:
        os.close(descriptor)  # before the lock's file is removed: Windows removes no open file
    shutil.rmtree(folder, ignore_errors=True)


def let_go(folder: Path) -> None:
    """Keep a hidden folder as if its process were dead: for a command that goes on with it later."""
    begun.pop(folder, None)
    if (descriptor := live.pop(folder, -1)) >= 0:
        os.close(descriptor)


def abandon() -> None:
    """Remove what this process has not finished, in the last moment of it, while other threads may still work on it.

    It is renamed first, so that nothing that is half removed can take a place; what was moved from its place stays.
    """
    for folder in list(live):
        if worth(folder):
            continue
        with suppress(OSError):
            os.rename(folder / NEW, folder / GONE)
        for name in (GONE, SCRATCH):
            _remove(folder / name)
        if not os.path.lexists(folder / OLD):
            _unlink(folder / LOCK)
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def advising(text: Callable[[], str]) -> Iterator[None]:
    """What is to be said if the command is interrupted in this block, as how to go on; empty for nothing."""
    _advices.append(text)
    try:
        yield
    finally:
        _advices.remove(text)


def advice() -> str:
    """What is to be said now."""
    return " ".join(filter(None, (text() for text in _advices)))


def _empty(folder: Path) -> None:
    for _ in range(TRIES):  # a thread that has not noticed yet may still write
        left = [child for child in _children(folder) if child.name != LOCK]
        for child in left:
            _remove(child)
        if not left:
            return


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() and not path.is_symlink() else _unlink(path)


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def worth(folder: Path) -> bool:
    """Whether so much is finished in a hidden folder that it is kept for --resume when the command does not end well."""
    return folder in begun and time.monotonic() - begun[folder] > WORTH


def adopt(path: Path) -> Path | None:
    """The youngest hidden folder that a dead process left for --resume, now ours; None if there is none."""
    for folder in left_behind(path):
        if (folder / SCRATCH / KEY).is_file():
            begun[folder] = -WORTH  # whatever becomes of this command, it is kept
            for inside, folders, files in os.walk(folder):
                for name in filter(PART.fullmatch, [*folders, *files]):
                    _remove(Path(inside, name))
            return folder
        let_go(folder)
    return None


def kept_at(path: Path) -> bool:
    """Whether anything was kept beside a path for --resume, whosever it is."""
    return any(path.parent.glob(f"{glob.escape(_prefix(path))}*/{SCRATCH}/{KEY}"))


def is_staged(path: Path) -> bool:
    """Whether a path lies in such a hidden folder, whose owner answers for it."""
    return any(STAGING.fullmatch(parent.name) for parent in path.parents)


def left_behind(path: Path) -> Iterator[Path]:
    """Hidden folders beside a path that a dead process of this machine left, the youngest first; each is ours from then on."""
    prefix = _prefix(path)
    with suppress(OSError):
        names = [entry.name for entry in os.scandir(path.parent) if entry.name.startswith(prefix)]
        folders = [path.with_name(name) for name in names if STAGING.fullmatch(name)]
        for folder in sorted(folders, key=_age, reverse=True):
            with suppress(OSError):
                if _is_ours(folder):
                    live[folder] = hold(folder)
                    yield folder


def _is_ours(folder: Path) -> bool:
    """Whether a folder is one, of this user, and nothing in it leads elsewhere."""
    if not folder.is_dir() or any(folder.joinpath(*inside).is_symlink() for inside in ((), (NEW,), (SCRATCH,))):
        return False
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def clean(path: Path) -> None:
    """Remove what dead processes left beside a path."""
    for folder in left_behind(path):
        give_up(folder)


def restore(path: Path) -> None:
    """Put back what a process that was killed had moved from its place, and say so. Does nothing where something is."""
    if os.path.lexists(path):
        return
    for folder in left_behind(path):
        if os.path.lexists(folder / OLD) and not os.path.lexists(path):
            os.rename(folder / OLD, path)
            warnings.warn(
                printable(f"{path} was missing: a command was killed while it replaced it. It is put back as it was."),
                stacklevel=3,
            )
            give_up(folder)
        else:
            let_go(folder)


def _prefix(path: Path) -> str:
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
    return f".{path.name}.partial-{host}-"


def _age(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
