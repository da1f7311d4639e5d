import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.errors import AxisError, ParameterError
from spaxel.preprocess import crop, rebin
from spaxel.testing import tiny_cube


def test_crop_keeps_both_ends():
    cube = crop(tiny_cube(), 2.0, 3.5)
    assert cube["channel"].values.tolist() == [2.0, 2.5, 3.0, 3.5]
    assert cube.attrs["steps"] == [{"name": "crop", "parameters": {"low": 2.0, "high": 3.5}}]
    assert cube["channel"].attrs["units"] == "keV"


def test_crop_of_nothing_says_what_there_is():
    with pytest.raises(AxisError, match=r"covers 1\.\.6 keV"):
        crop(tiny_cube(), 10, 20)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 23), st.floats(1, 23), st.booleans())
def test_rebin_conserves_counts(channels, factor, lazy):
    factor = min(factor, channels)
    cube = tiny_cube(channels=channels)
    cube = cube.chunk(y=5, channel=max(1, channels // 2)) if lazy else cube
    new = rebin(cube, factor)
    assert new.sizes["channel"] == int(np.ceil(channels / factor))
    assert np.allclose(new["spectra"].sum("channel"), cube["spectra"].sum("channel"))
    assert (np.diff(new["channel"]) > 0).all()


def test_rebin_by_a_whole_factor_keeps_whole_counts_and_centres():
    cube = rebin(make_cube(np.full((2, 2, 5), 60000, np.uint16), [1, 2, 3, 4, 5], "keV"), 2)
    assert cube["spectra"].values[0, 0].tolist() == [120000, 120000, 60000]
    assert cube["spectra"].dtype.kind == "u"
    assert cube["channel"].values.tolist() == [1.5, 3.5, 5]


def test_rebin_divides_a_channel_between_its_neighbours():
    cube = rebin(make_cube(np.array([[[1.0, 1, 2, 1, 1]]])), 2.5)
    assert cube["spectra"].values[0, 0].tolist() == [3, 3]


def test_variance_is_summed_with_squared_weights():
    cube = make_cube(np.ones((1, 1, 5)), variance=np.ones((1, 1, 5)))
    assert rebin(cube, 2.5)["variance"].values[0, 0].tolist() == [2.25, 2.25]


@pytest.mark.parametrize("factor", [0, 0.5, 12])
def test_rebin_refuses(factor):
    with pytest.raises(ParameterError, match="expected 1 to 11"):
        rebin(tiny_cube(), factor)


def test_steps_stay_lazy_and_compose():
    cube = tiny_cube().chunk(y=5).pipe(crop, 1.5, 5.5).pipe(rebin, 3)
    assert cube["spectra"].chunks is not None
    assert [s["name"] for s in cube.attrs["steps"]] == ["crop", "rebin"]


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [("u1", "u8"), ("u2", "u8"), ("u4", "u8"), ("i1", "i8"), ("i2", "i8"), ("i4", "i8"), ("?", "i8"), ("f4", "f8")],
)
@pytest.mark.parametrize("lazy", [True, False])
def test_sums_of_channels_never_wrap_around(dtype, wide, lazy):
    """Sums of the largest value that the dtype holds, and of the smallest, are those of exact integers."""
    ends = (False, True) if dtype == "?" else (-(2**24), 2**24) if dtype == "f4" else np.iinfo(dtype)
    low, high = ends if isinstance(ends, tuple) else (ends.min, ends.max)
    spectra = np.array([[[high] * 7, [low] * 7, [high, 1, high, 1, high, 1, high]]], dtype)
    cube = make_cube(spectra).chunk(x=1) if lazy else make_cube(spectra)
    found = rebin(cube, 4)["spectra"]
    assert found.dtype == np.dtype(wide)
    high, low = int(high), int(low)
    assert found.values[0].tolist() == [[4 * high, 3 * high], [4 * low, 3 * low], [2 * high + 2, 2 * high + 1]]
