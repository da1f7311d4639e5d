"""What the headers of a FITS file claim, asked before astropy, which counts any number of axes and unpacks anything."""

from __future__ import annotations

import gzip
import re
import zlib
from math import prod
from pathlib import Path
from typing import Any

from spaxel.errors import ReadError
from spaxel.readers.parts.limits import bomb

BLOCK, MOST_BLOCKS, MOST_AXES = 2880, 4096, 999  # the standard allows 999 axes
_CARD = re.compile(rb"(Z?(?:NAXIS\d{0,3}|BITPIX)|PCOUNT|GCOUNT) *= *([-+]?\d{1,30})(?: |/|$)")


def check_headers(path: Path) -> None:
    """ReadError for a header that claims more axes than there can be, or an image that unpacks to hundreds of times the file.

    The headers are walked; where one makes no sense the walk ends, and the rest is for astropy to say.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            _walk(path, file, size, packed=packed)
    except (OSError, EOFError, zlib.error, OverflowError) as error:
        if isinstance(error, ReadError):
            raise


def _walk(path: Path, file: Any, size: int, *, packed: bool) -> None:
    at = 0
    while (cards := _header(file)) is not None:
        for prefix in ("", "Z"):
            if cards.get(f"{prefix}NAXIS", 0) > MOST_AXES:
                raise ReadError(f"{path} is damaged: a header of it claims {cards[f'{prefix}NAXIS']} axes.")
        data, image = _bytes(cards, ""), _bytes(cards, "Z")
        for claimed in (data if packed else 0, image):
            if why := bomb(claimed, size):
                raise ReadError(f"{path} cannot be read: an image in it is a bomb: {why}.")
        at = file.tell() + -(-max(data, 0) // BLOCK) * BLOCK
        if not packed and at >= size:
            return
        file.seek(at)


def _bytes(cards: dict[str, int], prefix: str) -> int:
    """Bytes of the data that a header announces. prefix : "Z" for those of a compressed image, once it is unpacked"""
    axes = cards.get(f"{prefix}NAXIS", 0)
    if axes <= 0:
        return 0
    numbers = prod(cards.get(f"{prefix}NAXIS{n + 1}", 0) for n in range(axes))
    numbers = numbers if prefix else cards.get("GCOUNT", 1) * (numbers + cards.get("PCOUNT", 0))
    return abs(cards.get(f"{prefix}BITPIX", 0)) // 8 * numbers


def _header(file: Any) -> dict[str, int] | None:
    """The sizes in the header that begins here; None if there is none."""
    cards: dict[str, int] = {}
    for number in range(MOST_BLOCKS):
        block = file.read(BLOCK)
        if len(block) < BLOCK or (number == 0 and block[:8] not in (b"SIMPLE  ", b"XTENSION")):
            return None
        for place in range(0, BLOCK, 80):
            card = block[place : place + 80]
            if card[:8] == b"END     ":
                return cards
            if found := _CARD.match(card):
                cards[found[1].decode()] = int(found[2])
    return None
