"""Integer geometry of an image: which rectangles are read, in which order. No arrays, no files."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

CELL = 64  # the side of a native tile: the Zarr chunk, and the grid on which samples are drawn


class Tile(NamedTuple):
    """A rectangle of pixels, ends exclusive."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def n_pixels(self) -> int:
        """Number of pixels inside."""
        return (self.y1 - self.y0) * (self.x1 - self.x0)


def grid(height: int, width: int, rows: int = CELL, columns: int | None = None) -> list[Tile]:
    """Tiles that cover an image once, row by row; those at the lower and right edge may be smaller.

    height, width : pixels of the image      rows, columns : sides of a tile (columns: as rows where not given)
    """
    columns = rows if columns is None else columns
    return [
        Tile(y, min(y + rows, height), x, min(x + columns, width))
        for y in range(0, height, rows)
        for x in range(0, width, columns)
    ]


def shifted(height: int, width: int, rows: int, columns: int, halo: int) -> list[Tile]:
    """The same, but each border between tiles lies `halo` pixels before the end of the cells.

    What lies around a tile then reaches into the cells before it, which were read for other tiles, and into none behind it.
    """
    ys, xs = (
        [0, n] if side >= n else [0, *range(side - halo, n, side), n] for n, side in ((height, rows), (width, columns))
    )
    return [Tile(*y, *x) for y in pairwise(ys) for x in pairwise(xs)]


def sides(height: int, width: int, n_pixels: int) -> tuple[int, int]:
    """Sides (rows, columns) of the largest tile with at most n_pixels: whole cells where they fit, strips of a cell else.

    At least one pixel, whatever n_pixels says: the caller decides whether that is too much.
    """
    n_pixels = max(1, n_pixels)
    if n_pixels >= height * width:
        return height, width
    if n_pixels >= CELL * CELL:
        columns = min(width, max(1, n_pixels // (CELL * CELL)) * CELL)
        rows = min(height, max(1, n_pixels // (columns * CELL)) * CELL)
        return (rows, columns) if rows * columns <= n_pixels else (min(height, CELL), min(width, CELL))
    columns = min(width, CELL, n_pixels)
    return max(1, min(height, n_pixels // columns)), columns


def with_halo(tile: Tile, image: tuple[int, int], halo: int) -> tuple[Tile, tuple[slice, slice]]:
    """The tile with `halo` more pixels on every side, as far as the image (height, width) goes, and its place in that."""
    around = Tile(
        max(tile.y0 - halo, 0), min(tile.y1 + halo, image[0]), max(tile.x0 - halo, 0), min(tile.x1 + halo, image[1])
    )
    rows = slice(tile.y0 - around.y0, tile.y1 - around.y0)
    return around, (rows, slice(tile.x0 - around.x0, tile.x1 - around.x0))
