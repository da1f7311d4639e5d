import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.cube.sampled_windows import SIDE, sample_windows


def numbered(height, width, **more):
    """A cube whose pixels hold their row and column."""
    y, x = np.mgrid[:height, :width]
    return make_cube(np.stack([y, x, np.ones_like(y)], axis=2).astype(np.float32), **more)


def test_pixels_of_a_window_lie_beside_each_other():
    windows = sample_windows([numbered(70, 90)], seed=3)
    assert windows.spectra.shape[1:] == (SIDE, SIDE, 3)
    places = windows.spectra[windows.good][:, :2]
    assert len(np.unique(places, axis=0)) > 3000
    for axis in (1, 2):
        s, good = np.moveaxis(windows.spectra, axis, 1), np.moveaxis(windows.good, axis, 1)
        step = (s[:, 1:] - s[:, :-1])[good[:, 1:] & good[:, :-1]]
        assert (step[:, axis - 1] == 1).all()
        assert (step[:, 2 - axis] == 0).all()
    assert (windows.spectra[~windows.good] == 0).all()


def test_the_seed_decides_and_pixels_without_data_are_not_good():
    valid = np.ones((40, 40), bool)
    valid[:, 10] = False
    cube = numbered(40, 40, valid=valid)
    one, same, other = (sample_windows([cube], seed) for seed in (1, 1, 2))
    assert np.array_equal(one.spectra, same.spectra)
    assert one.spectra.shape != other.spectra.shape or not np.array_equal(one.spectra, other.spectra)
    assert not (one.spectra[one.good][:, 1] == 10).any()


def test_neighbours_are_read_beside_and_several_cubes_share():
    windows = sample_windows([numbered(20, 20), numbered(30, 20)], context=3)
    inner = windows.good[:, 1:-1, 1:-1]
    mean, own = windows.spectra[:, 1:-1, 1:-1, 3:], windows.spectra[:, 1:-1, 1:-1, :3]
    assert np.abs(mean - own)[inner].max() <= 1
    assert windows.good.sum() > 500


def test_a_table_has_no_windows():
    assert sample_windows([make_cube(np.ones((50, 1, 4)))]).spectra.shape == (0, SIDE, SIDE, 4)


def test_windows_cover_a_small_image_evenly_whatever_the_seed():
    """What is learned from them hangs on the image, not on where they happened to fall; windows anywhere would miss a third."""
    for seed in range(10):
        windows = sample_windows([numbered(95, 95)], seed)
        seen = np.unique(windows.spectra[windows.good][:, :2], axis=0)
        assert len(windows.good) == 48
        assert len(seen) > 0.75 * 95 * 95


@pytest.mark.parametrize("shape", [(300, 5), (5, 300), (17, 16), (16, 120)])
def test_windows_of_a_narrow_image_lie_within_it_and_along_all_of_it(shape):
    windows = sample_windows([numbered(*shape)], seed=4)
    assert windows.good.any(axis=(1, 2)).all()
    assert len(np.unique(windows.spectra[windows.good][:, :2], axis=0)) > 0.85 * shape[0] * shape[1]
