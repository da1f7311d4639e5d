"""What a file format is to spaxel: how it is known, and what opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from spaxel.errors import NotFound, ReadError

Opener = Callable[..., xr.Dataset]  # open_cube, given to what it calls itself
HEAD = 2880  # bytes given to a sniffer: one FITS block, more than any other signature needs


class Format(NamedTuple):
    """One row of the table of formats in docs/formats.md: what a reader opens, and what it takes from such a file.

    name, suffixes, lazy (whether it is read in parts), axis (where the spectral axis is from), no_data (what hides values)
    """

    name: str
    suffixes: str
    lazy: str
    axis: str
    no_data: str


@dataclass(frozen=True)
class Reader:
    """A file format. A third party offers one through the entry point group `spaxel.readers`.

    name        : what a user may give as `reader=`
    description : one line for `spaxel doctor`
    suffixes    : with the dot, lower case; only for messages and as the last resort, content decides
    sniff       : (path, head) -> bool, head = the first 2880 bytes (b"" for a folder); must not raise, must be quick
    open        : (path, **options) -> cube; every option is keyword-only and named in the docstring
    extra       : the extra of spaxel that installs what `open` needs, if any
    formats     : the rows of docs/formats.md; `make formats` writes them there
    """

    name: str
    description: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path, bytes], bool]
    open: Callable[..., xr.Dataset]
    extra: str | None = None
    formats: tuple[Format, ...] = ()


def is_paired(find_pair: Callable[[Path, bytes], tuple[Path, Path]], path: Path, head: bytes) -> bool:
    """Whether a file of raw numbers has its header beside it. find_pair : (path, its first bytes) -> (header, data)"""
    if not path.is_file():
        return False
    try:
        find_pair(path, head)
    except (NotFound, ReadError, OSError):
        return False
    return True
