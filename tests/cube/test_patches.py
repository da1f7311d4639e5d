import tracemalloc
from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.cube.patches import SIDE, batched, covering, draws, held_out, read_patch, tiles_for
from spaxel.cube.tiles import Tile
from spaxel.cube.windows import shared
from spaxel.errors import CubeError, MemoryBudgetError
from spaxel.testing import tiny_cube

length = st.integers(1, 400)
shapes = st.lists(st.tuples(length, length), min_size=1, max_size=4)


def _addressed(height, width, dtype=np.uint16):
    y, x = np.mgrid[1 : height + 1, 1 : width + 1]
    return make_cube(np.stack([y, x], axis=2).astype(dtype))


@given(length, length, st.integers(1, 150))
def test_tiles_of_one_shape_cover_the_image(height, width, side):
    seen, tiles = np.zeros((height, width), int), covering(height, width, side)
    for tile in tiles:
        seen[tile.y0 : tile.y1, tile.x0 : tile.x1] += 1
    assert seen.min() == 1
    assert {(t.y1 - t.y0, t.x1 - t.x0) for t in tiles} == {(min(side, height), min(side, width))}
    assert len(tiles) == -(-height // side) * -(-width // side)


@given(shapes, st.integers(0, 5), st.integers(0, 5), st.integers(1, 4))
def test_ranks_share_one_sequence_in_which_cubes_take_turns(sizes, seed, epoch, world):
    whole = list(islice(tiles_for(sizes, seed, epoch), 12 * len(sizes)))
    for rank in range(world):
        mine = list(islice(tiles_for(sizes, seed, epoch, rank, world), len(whole[rank::world])))
        assert mine == whole[rank::world]
    assert set(Counter(cube for cube, _ in whole).values()) == {12}
    for cube, size in enumerate(sizes):
        often = Counter(tile for number, tile in whole if number == cube)
        assert set(often) <= set(covering(*size))
        assert max(often.values()) - min([often[tile] for tile in covering(*size)]) <= 1


def test_order_follows_seed_and_epoch():
    orders = [tuple(islice(tiles_for([(900, 900)] * 3, *key), 30)) for key in ((0, 0), (1, 0), (0, 1), (0, 0))]
    assert len(set(orders)) == 3
    assert orders[0] == orders[3]


def test_a_patch_is_a_float_copy_without_what_is_no_data():
    cube = tiny_cube(6, 5, counts=False)
    spectra = cube["spectra"].values.copy()
    spectra[1, 2, 3] = np.nan
    broken, held = make_cube(spectra, valid=np.arange(5)[None] + np.zeros((6, 1)) < 4), spectra.copy()
    found, good = read_patch(broken, Tile(1, 4, 2, 5))
    assert found.dtype == np.float32
    assert np.argwhere(~good).tolist() == [[0, 0], [0, 2], [1, 2], [2, 2]]
    assert (found[~good] == 0).all()
    assert np.array_equal(found[good], spectra[1:4, 2:5][good].astype(np.float32))
    found[:] = -1
    assert np.array_equal(broken["spectra"].values, held, equal_nan=True)


@settings(max_examples=15)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 90), st.integers(1, 4))
def test_draws_are_tiles_of_their_cube_with_views_inside(height, width, side, reuse):
    cubes = [_addressed(height, width), _addressed(31, 150)]
    seen = list(draws(cubes, 1, 2, 5, reuse, side))
    assert len(seen) == 5
    for patch in seen:
        h, w = patch.good.shape
        y, x = patch.spectra[0, 0].astype(int) - 1
        here = cubes[patch.cube]["spectra"].values[y : y + h, x : x + w]
        assert np.array_equal(patch.spectra, here)
        assert len(patch.views) == reuse
        for view in (view for pair in patch.views for view in pair):
            assert 0 <= view.tile.y0 < view.tile.y1 <= h
            assert 0 <= view.tile.x0 < view.tile.x1 <= w


@pytest.mark.same_bits
def test_chunks_memory_and_processes_change_no_bit():
    cubes = [_addressed(200, 140), _addressed(90, 300)]
    lazy = [cube.chunk(y=31, x=17) for cube in cubes]
    one, other = list(draws(cubes, 3, 1, 8)), list(draws(lazy, 3, 1, 8, memory=2**22))
    dealt = [list(draws(cubes, 3, 1, 4, rank=rank, world=2)) for rank in range(2)]
    for third in (other, [patch for pair in zip(*dealt, strict=True) for patch in pair]):
        for a, b in zip(one, third, strict=True):
            assert np.array_equal(a.spectra, b.spectra)
            assert a.views == b.views
            assert a.cube == b.cube


def test_tiles_without_data_are_passed_over_and_nothing_else_is_an_error():
    spectra = np.zeros((500, 500, 2), np.uint8)
    spectra[400:, 300:] = 1
    cubes = [make_cube(spectra)]
    assert all(patch.good.any() for patch in draws(cubes, 0, 0, 30))
    spectra[:] = 0
    with pytest.raises(CubeError, match="No pixel holds data"):
        next(draws([make_cube(spectra)], 0, 0, 1))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_the_memory_is_kept(dtype):
    cube = make_cube(np.ones((3 * SIDE, 2 * SIDE, 20), dtype)).chunk(y=64, x=64)
    tile = SIDE * SIDE * 20
    size = np.dtype(dtype).itemsize
    memory = tile * (4 + max(2 * size, size + 6))
    next(draws([cube], 0, 0, 1))  # what is imported and cached
    tracemalloc.start()
    for _ in draws([cube], 0, 0, 6, memory=memory):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < memory + 2**18
    with pytest.raises(MemoryBudgetError, match=r"Try a larger memory"):
        next(draws([cube], 0, 0, 1, memory=memory - 1))


def test_a_batch_holds_the_same_spectra_at_shared_places_and_only_those_with_data():
    cube = _addressed(60, 50)
    valid = np.random.default_rng(0).random((60, 50)) < 0.8
    cube = make_cube(cube["spectra"].values, valid=valid)
    pairs = [(patch, views) for patch in draws([cube], 0, 0, 2, 3, 16) for views in patch.views]
    first, second, i, j, *good = batched(pairs)
    assert first.shape == second.shape == (6, 2, 16, 16)
    assert first.flags.c_contiguous
    for n, (_, views) in enumerate(pairs):
        there = i[n] >= 0
        assert np.array_equal(there, j[n] >= 0)
        one, other = first[n].reshape(2, -1)[:, i[n][there]], second[n].reshape(2, -1)[:, j[n][there]]
        assert np.array_equal(one, other)
        assert (one > 0).all()
        assert good[0][n].ravel()[i[n][there]].all()
        assert np.array_equal(good[1][n], (second[n] > 0).all(0))
        known = {tuple(place) for place in one.T.astype(int)}
        assert len(known) == there.sum()
        assert there.sum() == sum(good[0][n].ravel()[shared(*views)[0]])


@given(shapes, st.integers(0, 20))
def test_tiles_held_out_are_few_and_the_same_every_time(sizes, seed):
    every = {(i, tile) for i, size in enumerate(sizes) for tile in covering(*size)}
    found = held_out(sizes, seed)
    assert found == held_out(sizes, seed)
    assert found <= every
    assert len(found) == (0 if len(every) < 4 else min(4, max(1, len(every) // 8)))


def test_what_is_held_out_is_never_drawn_and_the_rest_is():
    cubes = [_addressed(200, 300), _addressed(130, 90)]
    sizes = [(200, 300), (130, 90)]
    skip = held_out(sizes, 3)
    every = {(i, tile) for i, size in enumerate(sizes) for tile in covering(*size)}
    drawn = set()
    for epoch in range(3):
        for patch in draws(cubes, 3, epoch, 8, reuse=1, skip=skip):
            y, x = patch.spectra[0, 0].astype(int) - 1
            drawn.add((patch.cube, Tile(y, y + patch.good.shape[0], x, x + patch.good.shape[1])))
    assert drawn == every - skip
    assert len(skip) == 1
