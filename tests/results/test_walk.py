"""A walk: every pixel once, chunks whole, no more held than is allowed, and halos as far as the image goes."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.errors import MemoryBudgetError
from spaxel.results.walk import bounded, walk

sides = st.integers(1, 30)


@settings(max_examples=20)
@given(sides, sides, st.integers(5, 12), st.integers(5, 12), st.integers(0, 3), st.integers(0, 12))
def test_every_pixel_comes_once_with_what_lies_around(height, width, rows, columns, halo, more):
    values = np.arange(height * width * 2, dtype=np.int32).reshape(height, width, 2)
    lazy = da.from_array(values, chunks=(rows, columns, 2))
    plain = values[..., 0].astype(np.uint8)
    seen = np.zeros((height, width), int)
    memory = min(rows, height) * min(columns, width) * 8 * (1 + more)
    with bounded(memory):
        for tile, inside, (two, one) in walk(lazy, plain, halo=halo):
            place = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
            seen[place] += 1
            assert np.array_equal(two[inside], values[place])
            assert np.array_equal(one[inside], plain[place])
            around = values[max(tile.y0 - halo, 0) : tile.y1 + halo, max(tile.x0 - halo, 0) : tile.x1 + halo]
            assert np.array_equal(two, around)
            assert tile.y0 % min(rows, height) == tile.x0 % min(columns, width) == 0
            assert tile.n_pixels * 8 <= memory
    assert (seen == 1).all()


def test_maps_in_memory_are_one_rectangle_and_no_copy():
    labels = np.zeros((1000, 900), np.int32)
    array = xr.DataArray(np.zeros((3, 1000, 900), np.uint8), dims=("level", "y", "x"))
    with bounded(1):
        ((tile, inside, (one, other)),) = walk(labels, array)
    assert tile == (0, 1000, 0, 900)
    assert one is labels
    assert other.shape == (1000, 900, 3)
    assert other[inside].base is array.values


def test_each_chunk_is_read_once():
    reads = []

    class Counted:
        shape, dtype, ndim = (64, 96), np.dtype("i4"), 2

        def __getitem__(self, key):
            reads.append(key)
            return np.zeros([s.stop - s.start for s in key], "i4")

    lazy = da.from_array(Counted(), chunks=(16, 16), name=False, meta=np.empty(0, "i4"))
    for memory in (None, 4 * 16 * 16, 4 * 16 * 200 * 8):
        reads.clear()
        with bounded(memory):
            n = sum(1 for _ in walk(lazy))
        assert len(reads) == 24
        assert n == {None: 1, 1024: 24, 102400: 2}[memory]


def test_a_memory_that_holds_no_chunk_is_refused():
    lazy = da.zeros((64, 64, 5), chunks=(32, 32, 5), dtype="f4")
    with bounded(32 * 32 * 5 * 4 - 1), pytest.raises(MemoryBudgetError, match="larger --memory"):
        next(walk(lazy))
