import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from spaxel.viewer.reading import Kept, Reading, pick
from spaxel.viewer.screen import Window, blocks, inside, on_screen, part

SHAPE = (131, 97)


def _values(shape=SHAPE, chunks=(16, 32, 5)):
    numbers = np.arange(shape[0] * shape[1] * 5, dtype=np.float32).reshape(*shape, 5)
    return xr.DataArray(numbers, dims=("y", "x", "channel")).chunk(
        dict(zip(("y", "x", "channel"), chunks, strict=True))
    )


@given(
    st.tuples(st.floats(-50, 150), st.floats(-50, 150)), st.tuples(st.floats(-50, 200), st.floats(-50, 200)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
)  # fmt: skip
def test_a_window_lies_in_the_image_and_holds_no_more_than_the_screen_shows(x, y, screen):
    window = on_screen(SHAPE, x, y, screen)
    rows, columns = window.shape
    assert 0 <= window.y0 < window.y1 <= SHAPE[0]
    assert 0 <= window.x0 < window.x1 <= SHAPE[1]
    assert window.y0 % window.step == window.x0 % window.step == 0
    assert columns <= 1.5 * screen[0] + 2
    assert rows <= 1.5 * screen[1] + 2


def test_a_closer_look_reads_every_pixel():
    assert on_screen((4096, 4096), (0, 4096), (4096, 0), (512, 512)) == Window(0, 4096, 0, 4096, 8)
    assert on_screen((4096, 4096), (100.5, 110), (7, 3), (512, 512)) == Window(3, 7, 100, 110, 1)


@given(
    st.integers(0, 60), st.integers(0, 60), st.integers(1, 70), st.integers(1, 36), st.integers(0, 3), st.integers(1, 9)
)
def test_blocks_cover_a_window_once(y, x, rows, columns, power, chunk):
    step = 2**power
    window = Window(y // step * step, min(y + rows, 131), x // step * step, min(x + columns, 97), step)
    times = np.zeros(window.shape, int)
    for tile in blocks(window, (chunk, 2 * chunk), 2**22):
        times[part(window, tile)] += 1
    assert (times == 1).all()


def test_the_first_blocks_lie_far_apart():
    first = blocks(Window(0, 1024, 0, 1024, 1), (64, 64), 2**12)[:4]
    assert {tile.y0 for tile in first} | {tile.x0 for tile in first} >= {0, 512} or len(
        {(t.y0, t.x0) for t in first}
    ) == 4
    assert max(t.y0 for t in blocks(Window(0, 1024, 0, 1024, 1), (64, 64), 2**12)[:9]) >= 512


@pytest.mark.parametrize("step", [1, 2, 4])
def test_a_window_is_read_the_same_whatever_the_tiles(step):
    array = _values()
    window = Window(8, 131, 16, 97, step)
    read = Reading(array, window, [3], lambda v: v[..., 0])
    while not read.finished:
        read.read(0)
    expected = array.values[window.rows()][:, window.columns(), 3]
    np.testing.assert_array_equal(read.image(), expected)
    kept = Kept()
    kept.keep("a", window, read.image())
    smaller = Window(24, 56, 32, 64, step)
    np.testing.assert_array_equal(kept.get("a", smaller), array.values[smaller.rows()][:, smaller.columns(), 3])
    assert kept.get("b", smaller) is None
    assert inside(Window(0, 8, 0, 8, step), window) is None


def test_what_is_not_read_yet_is_filled_from_what_is():
    read = Reading(_values((256, 256), (64, 64, 5)), Window(0, 256, 0, 256, 1), None, lambda v: v[..., 0] * 0 + 7)
    read._todo = [*blocks(Window(0, 256, 0, 256, 1), (64, 64), 2**21)]
    read.read(0)
    assert 0 < read.share < 1
    assert (read.image() == 7).all()


def test_kept_windows_have_a_limit():
    kept = Kept(limit=1000)
    for i in range(5):
        kept.keep(i, Window(0, 10, 0, 10, 1), np.zeros((10, 10), np.float32))
    assert kept.get(4, Window(0, 10, 0, 10, 1)) is not None
    assert kept.get(0, Window(0, 10, 0, 10, 1)) is None


def test_places_that_are_not_even_are_read_too():
    array = _values()
    np.testing.assert_array_equal(
        pick(array, np.array([0, 4, 5]), np.array([9]), [1, 4]), array.values[[0, 4, 5]][:, [9]][..., [1, 4]]
    )
