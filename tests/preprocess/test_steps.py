import pytest
import xarray as xr

from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess import crop, rebin, repeat, smooth
from spaxel.preprocess.steps import apply_step
from spaxel.testing import tiny_cube


def test_repeated_steps_give_the_same_cube():
    done = tiny_cube().pipe(crop, 1.5, 5.5).pipe(rebin, 2).pipe(smooth, 3)
    xr.testing.assert_identical(repeat(tiny_cube(), done.attrs["steps"]), done)


def test_steps_that_were_done_are_not_done_twice():
    cropped = crop(tiny_cube(), 1.5, 5.5)
    done = rebin(cropped, 2)
    xr.testing.assert_identical(repeat(cropped, done.attrs["steps"]), done)
    assert repeat(done, done.attrs["steps"]) is done


def test_other_steps_are_refused():
    with pytest.raises(CubeError, match=r"treated by rebin\(factor=2\.0\), the model was fitted after crop"):
        repeat(rebin(tiny_cube(), 2), crop(tiny_cube(), 1.5, 5.5).attrs["steps"])
    with pytest.raises(ParameterError, match="no step"):
        apply_step(tiny_cube(), "sharpen", {})
