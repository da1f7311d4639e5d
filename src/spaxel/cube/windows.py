"""Two windows on one scene, and which of their pixels are the same. Whole numbers only; a window never leaves the image.

A window is turned by one of the eight symmetries of the square: `turn % 4` quarter turns, after a flip of left and right
where `turn >= 4`. Nothing is interpolated, so the pixels that two windows share are known exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.cube.tiles import Tile
from spaxel.errors import ParameterError

TURNS = 8
KEEPING = (0, 2, 4, 6)  # turns that keep the sides of a window that is not square


class View(NamedTuple):
    """tile : the window, in pixels of the image      turn : 0 … 7, how it is turned before it is looked at."""

    tile: Tile
    turn: int


def draw_views(height: int, width: int, side: int, rng: np.random.Generator, least: float = 0.25) -> tuple[View, View]:
    """Two windows of one shape, the second at any offset that leaves them the share `least` of their area in common.

    side  : of the windows, in pixels; clamped to the image, so that a window is not square where the image is smaller.
            Only turns that keep its shape are drawn then, and both turned windows always have the same shape.
    least : of the area, 0 < least <= 1. Every place that keeps it and lies in the image is equally likely.
    Raises ParameterError for a share outside this range, or sides below 1.
    """
    if not 0 < least <= 1 or min(height, width, side) < 1:
        raise ParameterError(
            f"Views of side {side} with an overlap of {least} in an image of {height} x {width}: sides must be at least "
            "1 and the overlap more than 0, at most 1."
        )
    rows, columns = min(side, height), min(side, width)
    y, x = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    other_y, other_x = _drawn(_corners((y, x), (height, width), (rows, columns), least), rng)
    turns = rng.integers(TURNS, size=2) if rows == columns else rng.choice(KEEPING, 2)
    one, other = (
        Tile(y, y + rows, x, x + columns),
        Tile(other_y, other_y + rows, other_x, other_x + columns),
    )
    return View(one, int(turns[0])), View(other, int(turns[1]))


def _corners(
    corner: tuple[int, int], image: tuple[int, int], window: tuple[int, int], least: float
) -> list[tuple[int, int, int]]:
    """(y, first x, last x + 1) of the corners at which a second window has enough in common with the one at `corner`."""
    (y, x), (rows, columns) = corner, window
    wanted = int(np.ceil(least * rows * columns))
    found = []
    for other in range(max(0, y - rows + 1), min(image[0] - rows, y + rows - 1) + 1):
        reach = columns - -(-wanted // (rows - abs(other - y)))
        if reach >= 0:
            found.append((other, max(0, x - reach), min(image[1] - columns, x + reach) + 1))
    return found


def _drawn(corners: list[tuple[int, int, int]], rng: np.random.Generator) -> tuple[int, int]:
    """One of these corners, each as likely as any other."""
    place = int(rng.integers(sum(last - first for _, first, last in corners)))
    for y, first, last in corners:
        if place < last - first:
            return y, first + place
        place -= last - first
    raise IndexError(place)


def turned(array: np.ndarray, turn: int) -> np.ndarray:
    """A (y, x, ...) array as a view with this turn shows it; shares memory with its input."""
    return np.rot90(array[:, ::-1] if turn >= 4 else array, turn % 4)


def unturned(array: np.ndarray, turn: int) -> np.ndarray:
    """The inverse: unturned(turned(a, t), t) is a."""
    back = np.rot90(array, -(turn % 4))
    return back[:, ::-1] if turn >= 4 else back


def shared(first: View, second: View) -> tuple[np.ndarray, np.ndarray]:
    """Where two views show the same pixels: flat indices (n,), (n,) int64 into the turned windows, row by row.

    turned(window of first)[..].ravel()[i] are the same pixels as those of second at j, each pixel in common once.
    """
    y0, x0 = max(first.tile.y0, second.tile.y0), max(first.tile.x0, second.tile.x0)
    y1, x1 = min(first.tile.y1, second.tile.y1), min(first.tile.x1, second.tile.x1)
    i, j = (
        _places(view)[
            y0 - view.tile.y0 : max(y1, y0) - view.tile.y0, x0 - view.tile.x0 : max(x1, x0) - view.tile.x0
        ].ravel()
        for view in (first, second)
    )
    return i, j


def _places(view: View) -> np.ndarray:
    """(rows, columns) of a window: the flat index that each pixel has once the window is turned."""
    rows, columns = view.tile.y1 - view.tile.y0, view.tile.x1 - view.tile.x0
    sides = (columns, rows) if view.turn % 2 else (rows, columns)
    return unturned(np.arange(rows * columns).reshape(sides), view.turn)
