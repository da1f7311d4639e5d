import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spaxel.cube.tiles import CELL, grid, shifted, sides, with_halo

side = st.integers(1, 300)


@given(side, side, st.integers(1, 90), st.integers(1, 90))
def test_grid_covers_each_pixel_once(height, width, rows, columns):
    tiles = grid(height, width, rows, columns)
    assert sum(t.n_pixels for t in tiles) == height * width
    corners = {(t.y0, t.x0) for t in tiles}
    assert len(corners) == len(tiles)
    assert all(t.y0 % rows == 0 and t.x0 % columns == 0 and t.y1 <= height and t.x1 <= width for t in tiles)


@given(side, side, st.integers(1, 3), st.integers(1, 3), st.integers(1, 16))
def test_what_lies_around_shifted_tiles_reaches_into_no_cells_behind_them(height, width, rows, columns, halo):
    rows, columns = rows * CELL, columns * CELL
    tiles = shifted(height, width, rows, columns, halo)
    seen = np.zeros((height, width), int)
    for tile in tiles:
        seen[tile.y0 : tile.y1, tile.x0 : tile.x1] += 1
        around, _ = with_halo(tile, (height, width), halo)
        for start, end, first, last, n in (
            (around.y0, around.y1, tile.y0, rows, height),
            (around.x0, around.x1, tile.x0, columns, width),
        ):
            assert end == n or end % last == 0
            assert start == 0 or -(-first // CELL) * CELL - start == 2 * halo
    assert (seen == 1).all()
    assert max(tile.y1 - tile.y0 for tile in tiles) <= min(rows, height)


@given(side, side, st.integers(1, 100_000))
def test_sides_keep_their_budget_and_whole_cells(height, width, n_pixels):
    rows, columns = sides(height, width, n_pixels)
    assert 1 <= rows <= height
    assert 1 <= columns <= width
    assert rows * columns <= n_pixels
    assert columns in (width, n_pixels) or columns % CELL == 0 or columns == min(width, CELL, n_pixels)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40), st.integers(0, 20))
def test_a_halo_reaches_as_far_as_asked_or_to_the_edge_and_holds_the_tile(height, width, side, halo):
    image = np.arange(height * width).reshape(height, width)
    for tile in grid(height, width, side):
        around, inside = with_halo(tile, (height, width), halo)
        assert around.y0 in (0, tile.y0 - halo)
        assert around.x0 in (0, tile.x0 - halo)
        assert around.y1 in (height, tile.y1 + halo)
        assert around.x1 in (width, tile.x1 + halo)
        cut = image[around.y0 : around.y1, around.x0 : around.x1]
        assert np.array_equal(cut[inside], image[tile.y0 : tile.y1, tile.x0 : tile.x1])
        assert min(around.y0, around.x0, height - around.y1, width - around.x1) >= 0
