"""What is not believed of a file: an image larger than any, numbers that unpack to hundreds of times what is stored."""

from __future__ import annotations

from pathlib import Path

from spaxel.cube.tiles import CELL
from spaxel.errors import ReadError

MOST_TILES = 2**20  # of 64 x 64 pixels: an image of 65,536 x 65,536; a header that claims more is not believed
UNPACKED, RATIO = 2**28, 200  # bytes from which a file is asked how it comes to them, and times that it may unpack
DEEPEST = 64  # groups in groups


def check_believable(path: Path, name: str, shape: tuple[int, ...]) -> None:
    """ReadError if a header claims more pixels than any image has: nothing is allocated for it."""
    tiles = 1
    for n in sorted(shape)[-2:]:
        tiles *= -(-n // CELL)
    if tiles > MOST_TILES:
        raise ReadError(f"{path}: {name} claims to be {' x '.join(map(str, shape))}, which cannot be. Is it damaged?")


def bomb(unpacked: int, stored: int) -> str:
    """Why numbers are not unpacked, in words; '' if they may be. unpacked, stored : bytes"""
    if unpacked <= UNPACKED or unpacked <= RATIO * max(stored, 1):
        return ""
    return (
        f"it unpacks from {stored:,} bytes to {unpacked / 2**30:.1f} GiB, which is not believed (save it uncompressed)"
    )
