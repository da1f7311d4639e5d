"""The first look at a path, before anything is opened: what could block for ever, or leads nowhere, is refused in words."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from spaxel.errors import ParameterError, ReadError
from spaxel.store.owner import restore

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def look(path: Path, *, write: bool = False) -> Path:
    """The path, if it can be read from, or written to (`write`); a run that was moved from it by a killed command is put back.

    Whether anything is there is left to others. Raises ReadError for a pipe, a socket, a device or what may not be looked at,
    ParameterError for a link that leads to itself and for a name that is too long.
    """
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
    except ValueError as error:  # a zero byte
        raise ParameterError(f"{path} is no path: {error}.") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ParameterError(
                f"{path} is a link that leads to itself. Try to delete it, or another path."
            ) from error
        if error.errno == errno.ENAMETOOLONG:
            raise ParameterError(f"{path} is too long for a path. Try a shorter name.") from error
        if error.errno == errno.EACCES and not write:
            raise ReadError(f"{path} may not be looked at. Try to check the permissions of its folders.") from error
        if not write:
            restore(path.resolve())
        return path
    if kind in _KINDS and not write:
        raise ReadError(
            f"{path} is {_KINDS[kind]}, and only files and folders are read. Try to copy it to a file first."
        )
    return path
