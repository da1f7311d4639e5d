import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.cube.sampling import read_tile, sample_cubes, sample_spectra
from spaxel.cube.tiles import Tile
from spaxel.errors import CubeError, MemoryBudgetError
from spaxel.testing import tiny_cube


def _addressed(height, width):
    """A cube whose spectra are their own addresses (counted from 1, so that none is all zero)."""
    y, x = np.mgrid[1 : height + 1, 1 : width + 1]
    return make_cube(np.stack([y, x], axis=2))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(1, 3000), st.integers(0, 5))
def test_a_sample_holds_each_pixel_at_most_once_and_as_many_as_asked(height, width, n, seed):
    spectra = sample_spectra(_addressed(height, width), n, seed).spectra
    assert len(np.unique(spectra, axis=0)) == len(spectra) == min(n, height * width)


def test_chunks_do_not_matter():
    cube = _addressed(130, 70)
    lazy = cube.chunk(y=17, x=70)
    for one, other in zip(sample_spectra(cube, 500, 3), sample_spectra(lazy, 500, 3), strict=True):
        assert np.array_equal(one, other)


def test_pairs_are_right_neighbours():
    pairs = sample_spectra(_addressed(90, 80), 10).pairs
    assert len(pairs) > 1000
    assert (pairs[:, 1] - pairs[:, 0] == [0, 1]).all()


def test_pixels_without_data_are_never_drawn():
    cube = tiny_cube(40, 30)
    spectra = cube["spectra"].values.astype(float)
    spectra[:10] = 0
    spectra[10:20, :, 3] = np.nan
    cube = make_cube(spectra, valid=np.arange(30)[None, :] + np.zeros((40, 1)) < 20)
    sample = sample_spectra(cube, 10_000)
    assert len(sample.spectra) == 20 * 20
    assert np.isfinite(sample.spectra).all()
    assert sample.valid_share == pytest.approx(400 / 1200)


def test_half_empty_cells_weigh_no_more_than_full_ones():
    """A quarter of the left cells holds data, all of the right ones: the sample must hold them as 1 to 4."""
    spectra = np.zeros((128, 128, 2), np.uint8)
    spectra[::2, :64:2], spectra[:, 64:] = 1, 2
    sample = sample_spectra(make_cube(spectra), 2000).spectra
    assert len(sample) == 2000
    assert (sample == 1).all(1).mean() == pytest.approx(0.2, abs=0.01)


def test_a_small_object_in_a_large_empty_frame_fills_the_sample():
    spectra = np.zeros((700, 700, 2), np.uint8)
    spectra[300:350, 300:350] = 1
    assert len(sample_spectra(make_cube(spectra), 2000).spectra) == 2000


def test_seeds_differ_and_repeat():
    cube = _addressed(90, 80)
    first, again, other = (sample_spectra(cube, 100, seed).spectra for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    shared = {tuple(a) for a in first} & {tuple(a) for a in other}
    assert len(shared) < 20  # of 100 out of 7,200, so that the seed decides within each cell too


def test_nothing_to_sample_is_said():
    with pytest.raises(CubeError, match="No pixel holds data"):
        sample_spectra(make_cube(np.zeros((4, 5, 3))), 10)


def test_a_budget_that_is_too_small_is_refused():
    with pytest.raises(MemoryBudgetError, match="Try a larger memory"):
        sample_spectra(tiny_cube(64, 64), 10, memory=1000)


def test_several_cubes_share_the_sample_by_their_size():
    small, large = _addressed(10, 10), _addressed(30, 30)
    assert len(sample_cubes([small, large], 100).spectra) == 100
    assert len(sample_cubes([small, large], 10_000).spectra) == 1000


def test_pairs_come_from_all_cubes_alike_and_are_not_more_for_many_cubes():
    cubes = [make_cube(np.full((90, 90, 1), i + 1)) for i in range(7)]
    for n, of in (2, 7), (2000, 3):
        sample = sample_cubes(cubes[:of], n)
        shares = np.bincount(sample.pairs[:, 0, 0], minlength=of + 1)[1:] / len(sample.pairs)
        assert len(sample.pairs) == 8000
        assert np.allclose(shares, 1 / of, atol=0.01)


def test_data_in_one_corner_are_found_however_few_cells_are_visited_first():
    spectra = np.zeros((128, 2048, 1), np.uint8)
    spectra[70, 2000] = 5
    assert sample_cubes([make_cube(spectra)] * 40, 10).spectra.tolist() == [[5]] * 10


def test_every_usable_spectrum_is_met_where_the_cube_holds_no_more_however_large_it_is():
    spectra = np.zeros((64, 64 * 300, 1), np.uint8)
    spectra[7, 9::64] = 5
    sample = sample_spectra(make_cube(spectra), 400)
    assert len(sample.spectra) == 300
    assert sample.valid_share == 1 / 4096


@pytest.mark.parametrize("context", [3, 5])
def test_a_context_is_the_mean_of_the_usable_neighbours_whatever_the_tile(context):
    rng = np.random.default_rng(0)
    spectra = rng.uniform(1, 9, (13, 11, 3))
    spectra[4, 5], spectra[0, 1, 2] = 0, np.nan
    cube, whole, halo = make_cube(spectra), Tile(0, 13, 0, 11), context // 2
    block, good = read_tile(cube, whole, context=context)
    assert not good[4, 5]
    for y, x in ((0, 0), (5, 5), (12, 10), (3, 7)):
        rows, columns = (slice(max(0, i - halo), i + halo + 1) for i in (y, x))
        member = good[rows, columns].copy()
        member[y - rows.start, x - columns.start] = False
        assert np.allclose(block[y, x, 3:], spectra[rows, columns][member].mean(0))
        assert np.array_equal(block[y, x, :3], spectra[y, x])
    for tile in (Tile(3, 9, 2, 8), Tile(0, 13, 0, 4), Tile(7, 13, 10, 11)):  # in strips of 8 rows
        part, _ = read_tile(cube, tile, context=context)
        assert np.array_equal(part, block[tile.y0 : tile.y1, tile.x0 : tile.x1], equal_nan=True)


def test_with_a_context_pairs_hold_a_neighbour_and_one_whose_window_is_apart():
    pairs = sample_spectra(_addressed(40, 30), 50, context=3).pairs
    assert pairs.shape[1:] == (3, 4)
    own = pairs[:, :, :2]
    assert (own[:, 1] - own[:, 0] == [0, 1]).all()
    assert (own[:, 2] - own[:, 0] == [0, 3]).all()
    assert np.array_equal(sample_spectra(_addressed(40, 30), 50, context=3, third=False).pairs, pairs[:, :2])


def test_a_pixel_without_neighbours_is_its_own_context():
    block, _ = read_tile(make_cube(np.array([[[2.0, 3.0]]])), Tile(0, 1, 0, 1), context=3)
    assert block.tolist() == [[[2, 3, 2, 3]]]


def test_the_seed_decides_which_cells_of_a_large_image_are_visited():
    """More than 256 cells: the sample meets 256 of them, and others with another seed."""
    rows = np.arange(64 * 20)
    cells = (rows[:, None] // 64 * 20 + rows // 64 + 1).astype(np.uint16)  # 400 cells, each with its number
    cube = make_cube(cells[..., None])
    met = [set(sample_spectra(cube, 3000, seed).spectra.ravel().tolist()) for seed in (0, 0, 1)]
    assert [len(m) for m in met] == [256] * 3
    assert met[0] == met[1]
    assert 100 < len(met[0] & met[2]) < 220  # 164 by chance


def test_the_valid_share_of_several_cubes_counts_pixels():
    empty = np.ones((10, 10, 2))
    empty[:, 5:] = 0
    cubes = [make_cube(empty), make_cube(np.ones((30, 30, 2)))]
    assert sample_cubes(cubes, 10_000).valid_share == pytest.approx(950 / 1000)


@pytest.mark.parametrize("context", [0, 3])
def test_a_sample_is_never_there_twice(context):
    cube = make_cube(np.random.default_rng(0).integers(1, 9, (256, 320, 64)).astype("u2"))
    sample_spectra(cube, 50, context=context)
    tracemalloc.start()
    found = sample_spectra(cube, 8000, context=context)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1.4 * (found.spectra.nbytes + found.pairs.nbytes) + 2**22
