"""What of an image is on the screen: which pixels to read so that no more are sent than the screen can show."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.cube.tiles import CELL, Tile

BLOCK_BYTES = 16 * 2**20  # of a cube that are read at once, unless one tile of the file holds more
BLOCK_SIDE = 512


class Window(NamedTuple):
    """Every `step`-th row and column of a rectangle of pixels; y0 and x0 are multiples of `step`, ends exclusive."""

    y0: int
    y1: int
    x0: int
    x1: int
    step: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns that are read."""
        return -(-(self.y1 - self.y0) // self.step), -(-(self.x1 - self.x0) // self.step)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, width and height in pixels of the image that is drawn: the last block may reach over the edge."""
        rows, columns = self.shape
        return float(self.x0), float(self.y0), float(columns * self.step), float(rows * self.step)

    def rows(self) -> np.ndarray:
        """The rows that are read: the middle one of each block, inside the image."""
        return np.minimum(np.arange(self.y0, self.y1, self.step) + self.step // 2, self.y1 - 1)

    def columns(self) -> np.ndarray:
        """The columns that are read."""
        return np.minimum(np.arange(self.x0, self.x1, self.step) + self.step // 2, self.x1 - 1)


def on_screen(
    shape: tuple[int, int], x: tuple[float, float], y: tuple[float, float], screen: tuple[int, int]
) -> Window:
    """The window for these ranges of an image, on a screen of (width, height) points; at least one pixel.

    shape : (y, x) of the image      x, y : ends of what is shown, in any order
    The step is the power of two next to pixels per point, so that at most 1.5 times the screen is sent, along each side.
    """
    (x0, x1), (y0, y1) = (_clipped(ends, n) for ends, n in zip((x, y), shape[::-1], strict=True))
    ratio = max((x1 - x0) / max(screen[0], 1), (y1 - y0) / max(screen[1], 1), 1.0)
    step = 2 ** max(0, round(float(np.log2(ratio))))
    ends = (min(-(-end // step) * step, n) for end, n in zip((y1, x1), shape, strict=True))
    return Window(y0 // step * step, next(ends), x0 // step * step, next(ends), step)


def _clipped(ends: tuple[float, float], n: int) -> tuple[int, int]:
    low, high = sorted(float(end) if np.isfinite(end) else 0.0 for end in ends)
    first = int(np.clip(np.floor(low), 0, n - 1))
    return first, int(np.clip(np.ceil(high), first + 1, n))


def blocks(window: Window, chunk: tuple[int, int], pixel_bytes: int, most: int = BLOCK_BYTES) -> list[Tile]:
    """Rectangles of pixels that cover a window once, along the tiles of the file, in an order from coarse to fine.

    chunk : rows and columns of a tile of the file     pixel_bytes : that are read for one pixel of it
    most  : bytes of a block, unless one tile of the file holds more
    The first ones lie far apart, so that a picture of the whole is there early.
    """
    rows, columns = (min(max(side, 1), 8 * CELL) for side in chunk)
    while 2 * rows * columns * pixel_bytes <= most and min(rows, columns) < BLOCK_SIDE:
        rows, columns = (2 * rows, columns) if rows <= columns else (rows, 2 * columns)
    rows, columns = (-(-side // window.step) * window.step for side in (rows, columns))
    found = [
        Tile(max(y, window.y0), min(y + rows, window.y1), max(x, window.x0), min(x + columns, window.x1))
        for y in range(window.y0 // rows * rows, window.y1, rows)
        for x in range(window.x0 // columns * columns, window.x1, columns)
    ]
    across = len({tile.x0 for tile in found})
    order = sorted(range(len(found)), key=lambda i: _depth(*divmod(i, across)))
    return [found[i] for i in order]


def inside(window: Window, other: Window) -> tuple[slice, slice] | None:
    """Where a window lies in the image of another one with the same step; None if it does not."""
    if window.step != other.step or window.y0 < other.y0 or window.x0 < other.x0:
        return None
    if window.y1 > other.y1 or window.x1 > other.x1:
        return None
    (rows, columns), y, x = window.shape, (window.y0 - other.y0) // window.step, (window.x0 - other.x0) // window.step
    return slice(y, y + rows), slice(x, x + columns)


def _depth(row: int, column: int) -> tuple[int, int, int]:
    """When a block is read: those whose place is divided by a high power of two come first."""
    fine = min(_twos(row), _twos(column))
    return -fine, row, column


def _twos(n: int) -> int:
    return 30 if n == 0 else (n & -n).bit_length() - 1


def coarser(window: Window) -> Window:
    """A window in the points of an overview that has its step."""
    y0, y1, x0, x1, step = window
    return Window(y0 // step, -(-y1 // step), x0 // step, -(-x1 // step), 1)


def part(window: Window, tile: Tile) -> tuple[slice, slice]:
    """Which rows and columns of a window's image a block fills."""
    step = window.step
    return (
        slice((tile.y0 - window.y0) // step, -(-(tile.y1 - window.y0) // step)),
        slice((tile.x0 - window.x0) // step, -(-(tile.x1 - window.x0) // step)),
    )
