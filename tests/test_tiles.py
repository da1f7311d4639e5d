from hypothesis import given
from hypothesis import strategies as st

from spaxel.tiles import CELL, grid, sides

side = st.integers(1, 300)


@given(side, side, st.integers(1, 90), st.integers(1, 90))
def test_grid_covers_each_pixel_once(height, width, rows, columns):
    tiles = grid(height, width, rows, columns)
    assert sum(t.n_pixels for t in tiles) == height * width
    corners = {(t.y0, t.x0) for t in tiles}
    assert len(corners) == len(tiles)
    assert all(t.y0 % rows == 0 and t.x0 % columns == 0 and t.y1 <= height and t.x1 <= width for t in tiles)


@given(side, side, st.integers(1, 100_000))
def test_sides_keep_their_budget_and_whole_cells(height, width, n_pixels):
    rows, columns = sides(height, width, n_pixels)
    assert 1 <= rows <= height
    assert 1 <= columns <= width
    assert rows * columns <= n_pixels
    assert columns in (width, n_pixels) or columns % CELL == 0 or columns == min(width, CELL, n_pixels)
