import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.errors import AxisError, CubeError, GuessWarning
from spaxel.preprocess import mask_channels, mask_pixels, repeat
from spaxel.testing import tiny_cube


def _with_bad_channels():
    spectra = tiny_cube(counts=False)["spectra"].values.astype(float)
    spectra[..., 2] = 0
    spectra[..., 5] = 7
    spectra[..., 7] = np.nan
    return make_cube(spectra, np.arange(11.0), "nm")


def test_channels_that_say_nothing_are_found_and_reported():
    cube = mask_channels(_with_bad_channels())
    assert cube["channel"].values.tolist() == [0, 1, 3, 4, 6, 8, 9, 10]
    assert "3 of 11 dropped (1 without a finite value, 1 zero, 1 constant)" in cube.attrs["history"][-1]
    assert np.isfinite(cube["spectra"]).all()


def test_channels_that_the_file_calls_bad_are_dropped():
    cube = tiny_cube().assign(good_channel=("channel", np.arange(11) != 4))
    assert mask_channels(cube).sizes["channel"] == 10


@pytest.mark.parametrize(("drop", "left"), [([0, 1, 10], slice(2, 10)), ([0, 5], [1, 2, 3, 4, 6, 7, 8, 9, 10])])
def test_ends_are_cut_off_without_a_copy(drop, left):
    cube = tiny_cube().load()
    masked = mask_channels(cube, drop)
    assert np.array_equal(masked["spectra"], cube["spectra"].values[..., left])
    assert np.shares_memory(masked["spectra"].values, cube["spectra"].values) == isinstance(left, slice)


def test_a_good_cube_is_left_alone():
    cube = tiny_cube()
    assert mask_channels(cube) is cube


def test_the_same_channels_are_dropped_from_another_cube():
    masked = mask_channels(_with_bad_channels())
    other = repeat(tiny_cube(counts=False), masked.attrs["steps"])
    assert other.sizes["channel"] == 8


def test_one_pixel_keeps_its_channels():
    assert mask_channels(make_cube(np.array([[[1.0, 0, 3]]]))).sizes["channel"] == 3


def test_refusals():
    with pytest.raises(AxisError, match="0 to 10"):
        mask_channels(tiny_cube(), [11])
    with pytest.raises(CubeError, match="holds no information"):
        mask_channels(make_cube(np.full((5, 4, 3), 2.0)))
    with pytest.raises(CubeError, match="transpose"):
        mask_pixels(tiny_cube(), np.ones((7, 13)))


def test_masked_pixels_add_up():
    cube = mask_pixels(
        mask_pixels(tiny_cube(), np.arange(13)[:, None] + np.zeros(7) < 10), np.arange(7) > np.zeros((13, 1))
    )
    assert int(cube["valid"].sum()) == 60


def _lacking(share, channels, n_channels=40):
    spectra = tiny_cube(30, 29, n_channels, counts=False)["spectra"].values.astype(float)
    rows = np.random.default_rng(0).random((30, 29)) < share
    for c in channels:
        spectra[rows, c] = np.nan
    return make_cube(spectra, np.arange(float(n_channels)), "nm", source="scan")


def test_the_few_channels_that_many_pixels_lack_are_left_out_aloud():
    with pytest.warns(GuessWarning, match=r"scan: left out 2 of 40 channels \(7, 30 nm\).*--keep-channels") as said:
        cube = mask_channels(_lacking(0.6, (7, 30)))
    assert "; 58% of the pixels lack nothing without them" in str(said[0].message)
    assert cube.sizes["channel"] == 38
    assert "2 missing in more than 25% of the pixels, of which" in cube.attrs["history"][-1]
    assert np.isfinite(cube["spectra"]).all()
    assert cube.attrs["steps"][-1]["parameters"]["drop"] == [7, 30]


@pytest.mark.parametrize(("share", "channels"), [(0.2, (7, 30)), (0.6, range(20, 30))])
def test_channels_that_few_pixels_lack_and_whole_blocks_are_kept(share, channels):
    cube = _lacking(share, channels)
    assert mask_channels(cube) is cube


def test_pixels_that_hold_next_to_nothing_do_not_cost_channels():
    cube = _lacking(0.6, range(40))
    cube["spectra"].values[..., 3] = 1 + np.arange(30 * 29).reshape(30, 29)
    assert mask_channels(cube) is cube
