"""Is a file of an instrument whole? Asked before RosettaSciIO meets it, which crashes or never ends on some cut files."""

from __future__ import annotations

import struct
from pathlib import Path

from spaxel.errors import ReadError


def _check_bcf(path: Path, head: bytes) -> None:
    """ReadError if a Bruker container is cut: the compiled parser of RosettaSciIO would take the process down."""
    size = path.stat().st_size
    needed = 0x14C
    if len(head) >= needed:
        (chunk,), (chunks,) = struct.unpack_from("<I", head, 0x128), struct.unpack_from("<I", head, 0x148)
        needed = 0x118 + chunk * chunks
    if size < needed:
        raise ReadError(f"{path} is truncated: it has {size} bytes, and {needed} are needed. Try to copy it again.")


def _check_wdf(path: Path, head: bytes) -> None:
    """ReadError if the chain of blocks of a Renishaw file is broken: RosettaSciIO would follow it without end."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            block = file.read(16)
            length = struct.unpack_from("<Q", block, 8)[0] if len(block) == 16 else 0
            if length < 16 or at + length > size:
                raise ReadError(f"{path} is truncated or damaged at byte {at} of {size}. Try to copy it again.")
            at += length


CHECKS = {"bcf": _check_bcf, "wdf": _check_wdf}
