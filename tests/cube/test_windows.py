import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaxel.cube.tiles import Tile
from spaxel.cube.windows import TURNS, View, draw_views, shared, turned, unturned
from spaxel.errors import ParameterError

side = st.integers(1, 40)
shares = st.floats(0.01, 1)
seeds = st.integers(0, 2**32)


def window(image, view):
    tile = view.tile
    return turned(image[tile.y0 : tile.y1, tile.x0 : tile.x1], view.turn)


@given(side, side, side, shares, seeds)
def test_shared_indices_are_the_pixels_in_common_each_once(height, width, length, least, seed):
    image = np.random.default_rng(seed).permutation(height * width).reshape(height, width)
    first, second = draw_views(height, width, length, np.random.default_rng(seed), least)
    i, j = shared(first, second)
    one, other = window(image, first).ravel(), window(image, second).ravel()
    assert np.array_equal(one[i], other[j])
    assert sorted(one[i]) == sorted(set(one.tolist()) & set(other.tolist()))


@given(side, side, side, shares, seeds)
def test_views_lie_inside_have_one_shape_and_overlap_enough(height, width, length, least, seed):
    views = draw_views(height, width, length, np.random.default_rng(seed), least)
    image = np.zeros((height, width))
    shape = (min(length, height), min(length, width))
    for view in views:
        tile = view.tile
        assert min(tile) >= 0
        assert tile.y1 <= height
        assert tile.x1 <= width
        assert (tile.y1 - tile.y0, tile.x1 - tile.x0) == shape == window(image, view).shape
    assert len(shared(*views)[0]) >= least * shape[0] * shape[1]


def test_every_allowed_place_and_turn_is_drawn_about_equally_often():
    rng, seen = np.random.default_rng(3), {}
    for _ in range(9000):
        first, second = draw_views(4, 4, 2, rng, 0.5)
        if first.tile[::2] == (1, 1):
            seen[second.tile[::2]] = seen.get(second.tile[::2], 0) + 1
    places = {(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)}  # a quarter at a corner would be too little
    assert set(seen) == places
    assert max(seen.values()) < 1.3 * min(seen.values())
    assert {draw_views(4, 4, 2, rng)[0].turn for _ in range(200)} == set(range(TURNS))


def test_turns_are_the_eight_symmetries_and_have_an_inverse():
    image = np.arange(12).reshape(3, 4)
    square = np.arange(9).reshape(3, 3)
    assert len({turned(square, turn).tobytes() for turn in range(TURNS)}) == TURNS
    for turn in range(TURNS):
        assert np.array_equal(unturned(turned(image, turn), turn), image)
        assert turned(image[..., None], turn)[..., 0].tolist() == turned(image, turn).tolist()


def test_windows_apart_share_nothing():
    i, j = shared(View(Tile(0, 2, 0, 2), 1), View(Tile(5, 7, 5, 7), 4))
    assert len(i) == len(j) == 0


@pytest.mark.parametrize(("length", "least"), [(0, 0.5), (4, 0.0), (4, 1.5)])
def test_what_cannot_be_drawn_is_refused(length, least):
    with pytest.raises(ParameterError, match="overlap"):
        draw_views(5, 5, length, np.random.default_rng(0), least)
