"""Is a TIFF what it claims to be? Its tables of tags are asked before a library reads them, its strips before they unpack."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from spaxel.errors import ReadError
from spaxel.readers.parts.limits import bomb

MOST_STRIPS = 2**23  # strips or tiles of one image: each costs a library 32 bytes
MOST_TEXT = 2**28  # bytes of one description
MOST_WITHOUT = 1000  # tables that hold no image
_PLACES = (273, 279, 324, 325)  # StripOffsets, StripByteCounts, TileOffsets, TileByteCounts
_DESCRIPTION = 270


def check_tables(path: Path) -> None:
    """ReadError if the tables of a TIFF claim more strips than an image has, or are many without an image."""
    without = 0
    with path.open("rb") as file:
        for tags in _tables(file):
            for tag, count in tags.items():
                if (tag in _PLACES and count > MOST_STRIPS) or (tag == _DESCRIPTION and count > MOST_TEXT):
                    what = "bytes of text" if tag == _DESCRIPTION else "strips"
                    raise ReadError(
                        f"{path} claims that an image in it has {count:,} {what}, which cannot be. Is it damaged?"
                    )
            without += not any(tag in tags for tag in _PLACES)
            if without > MOST_WITHOUT:
                raise ReadError(f"{path} holds more than {MOST_WITHOUT} tables without an image. It is damaged.")


def check_page(path: Path, page: Any) -> None:
    """ReadError if a strip of an image would unpack to far more than is stored of it, or nothing says where they lie.

    page : of tifffile
    """
    if not len(page.dataoffsets) and prod(page.shape):
        raise ReadError(f"{path} does not say where its image lies. It is damaged; try to copy it again.")
    strip = prod(page.chunks) * page.dtype.itemsize if page.dtype is not None else 0
    if why := bomb(strip, max(page.databytecounts, default=0)):
        raise ReadError(f"{path}: a strip of it is a bomb: {why}.")


def _tables(file: BinaryIO) -> Iterator[dict[int, int]]:
    """{tag: how many values} of each table of tags, as far as they can be read; one that comes again ends them."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 16:
        return
    large = head[2:4] in (b"+\0", b"\0+")
    many, tag, after = (struct.Struct(order + form) for form in (("Q", "HHQ8x", "Q") if large else ("H", "HHI4x", "I")))
    (at,), seen = after.unpack_from(head, 8 if large else 4), set[int]()
    while at and at not in seen:
        seen.add(at)
        file.seek(at)
        first = file.read(many.size)
        if len(first) < many.size or (n := many.unpack(first)[0]) > 2**16:
            return
        table = file.read(n * tag.size + after.size)
        if len(table) < n * tag.size + after.size:
            return
        yield {number: count for number, _, count in tag.iter_unpack(table[: n * tag.size])}
        (at,) = after.unpack_from(table, n * tag.size)
