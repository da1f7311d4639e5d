import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.errors import AxisError, CubeError
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
