"""What is said where nothing can be written: the disk is full, a quota is used up, a file may not become so large."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spaxel.errors import SpaxelError, WriteError

_FULL = {
    errno.ENOSPC: "the disk is full",
    getattr(errno, "EDQUOT", errno.ENOSPC): "the quota of the disk is used up",
    errno.EFBIG: "a file may not become so large there",
    errno.EROFS: "the disk can only be read",
    errno.EIO: "the disk reports an error",
    errno.EACCES: "writing there is not permitted",
    errno.EPERM: "writing there is not permitted",
    errno.ENAMETOOLONG: "the name is too long",
}
_WORDS = re.compile(r"No space left|[Qq]uota exceeded|File too large|(?:os error|errno =) (?:28|122|27)\b|[Dd]isk full")
LITTLE = 2**16  # bytes: with less than that left, whatever fails while writing fails for that


@contextmanager
def written_to(path: Path, folder: Path) -> Iterator[None]:
    """Errors of writing inside this block, of whatever library, become one WriteError that says why, and what to try.

    path : what is written, for people       folder : where, to see how much room is left
    """
    try:
        yield
    except SpaxelError:
        raise
    except Exception as error:
        if why := reason(error, folder):
            raise WriteError(
                f"{path} cannot be written: {why}{_room(folder)}. What was there before is as it was. Try another place, "
                "or make room."
            ) from error
        raise


def reason(error: BaseException | None, folder: Path) -> str:
    """Why an error says that nothing can be written into a folder, in words; empty if it says something else."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL and _lies(error, folder):
            return _FULL[error.errno]
        if _WORDS.search(str(error)):
            return "the disk is full, or a file may not become so large there"
        error = error.__cause__ or error.__context__
    return _FULL[errno.ENOSPC] if 0 <= _free(folder) < LITTLE else ""


def _lies(error: OSError, folder: Path) -> bool:
    """Whether an error is of a file in a folder, or names none; one of a file that is read has another message."""
    if error.errno not in (errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG) or error.filename is None:
        return True
    with suppress(TypeError, ValueError, OSError):
        return Path(error.filename).resolve().is_relative_to(folder.resolve())
    return False


def _free(folder: Path) -> int:
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return -1


def _room(folder: Path) -> str:
    free = _free(folder)
    return f" ({free / 2**20:.0f} MiB are free)" if free >= 0 else ""
