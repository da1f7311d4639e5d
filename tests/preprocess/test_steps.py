import numpy as np
import pytest
import xarray as xr

from spaxel.cube import make_cube
from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess import crop, rebin, repeat, smooth
from spaxel.preprocess.steps import STEPS, apply_step, apply_to_all, line_of, parse_step
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


def test_a_step_as_a_command_names_it():
    assert parse_step("baseline method=asls lam=1e5") == {
        "name": "baseline",
        "parameters": {"method": "asls", "lam": 1e5},
    }
    assert parse_step("mask_channels drop=0,3") == {"name": "mask_channels", "parameters": {"drop": [0, 3]}}
    assert parse_step("mask_channels drop=3")["parameters"] == {"drop": [3]}
    assert parse_step("baseline lam=none")["parameters"] == {"lam": None}
    assert parse_step("continuum_removal") == {"name": "continuum_removal", "parameters": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is no step ''"),
        ("baselin", "Did you mean baseline"),
        ("baseline lamb=3", "has no option 'lamb'.*Did you mean lam"),
        ("baseline asls", "holds 'asls', expected option=value"),
        ("baseline method = asls", "without blanks"),
        ("baseline method=wavelets", "method of the step baseline is 'wavelets': input should be 'arpls'"),
        ("baseline lam=stiff", "lam of the step baseline is 'stiff': input should be a valid number"),
        ("rebin", "The step rebin needs factor"),
        ("continuum_removal x=1", "It has none"),
    ],
)
def test_wrong_steps_are_explained(text, message):
    with pytest.raises(ParameterError, match=message):
        parse_step(text)


def test_every_step_says_in_a_line_what_it_does():
    for name in STEPS:
        assert line_of(name).endswith(".")


def test_a_step_that_one_of_several_cubes_needs_is_done_on_all():
    rng = np.random.default_rng(0)
    calm = [make_cube(rng.normal(10, 1, (20, 20, 40))) for _ in range(2)]
    spiky = calm[1].copy(deep=True)
    spiky["spectra"][::5, ::5, 7] += 400
    spiky["spectra"][2::5, ::5, 17] += 400
    spiky["spectra"][2::5, 2::5, 31] += 400
    auto = [{"name": "despike", "parameters": {"threshold": "auto"}}]
    assert [cube.attrs["steps"] for cube in apply_to_all(calm, auto)] == [[], []]
    found = apply_to_all([calm[0], spiky], auto)
    expected = {"name": "despike", "parameters": {"width": 7, "threshold": 8.0, "method": "neighbours"}}
    assert [cube.attrs["steps"] for cube in found] == [[expected], [expected]]
    assert found[1]["spectra"].max() < 20
