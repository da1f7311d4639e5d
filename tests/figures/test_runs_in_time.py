import numpy as np
import pytest
import xarray as xr

from spaxel.figures.palette import component_colors
from spaxel.figures.profiles import profile
from spaxel.figures.runs_in_time import in_order, looks_like_runs, runs_of


def result(n: int, columns: int = 1, **names: list[str]) -> xr.Dataset:
    """A result of a list of n spectra (or an image), of two components."""
    rng = np.random.default_rng(0)
    found = xr.Dataset(
        {
            "labels": (("y", "x"), rng.integers(0, 2, (n, columns)).astype(np.int32)),
            "abundances": (("y", "x", "component"), rng.random((n, columns, 2)).astype(np.float32)),
        }
    )
    return found.assign_coords({name: ("y", values) for name, values in names.items()})


def test_times_that_start_again_are_runs():
    times = [f"{t:.2f} min" for t in (*np.arange(6) / 4, *np.arange(5) / 4)]
    first, second = runs_of(result(11, sample=times))
    assert (first.name, second.name) == ("run 1", "run 2")
    np.testing.assert_array_equal(second.at, np.arange(6, 11))
    np.testing.assert_allclose(second.x, np.arange(5) / 4)
    assert first.words == "time (min)"
    assert in_order(first)


def test_groups_that_lie_together_are_runs_and_others_are_not():
    groups = ["a"] * 5 + ["b"] * 4
    assert [run.name for run in runs_of(result(9, group=groups))] == ["a", "b"]
    for mixed in (["a", "b"] * 5, [f"g{i}" for i in range(10)]):
        (only,) = runs_of(result(10, group=mixed))
        assert only.name == ""


@pytest.mark.parametrize("names", [["s1", "s2", "s3", "s4", "s5"], ["3", "1", "7", "2", "9"], []])
def test_samples_that_are_no_times_stay_one_list(names):
    (only,) = runs_of(result(5, **({"sample": names} if names else {})))
    assert only.words == "spectrum"
    np.testing.assert_array_equal(only.x, np.arange(5))
    assert not in_order(only)


def test_rows_of_a_long_image_are_runs():
    assert looks_like_runs((5, 97))
    assert not looks_like_runs((40, 50))
    assert not looks_like_runs((97, 1))
    found = runs_of(result(3, 40))
    assert [run.name for run in found] == ["row 0", "row 1", "row 2"]
    np.testing.assert_array_equal(found[1].at, np.arange(40, 80))


def test_a_profile_holds_the_abundances_of_its_run_and_names_its_samples():
    cube = result(5, sample=["leaf", "<b>root</b>", "stem", "=1+1", "seed"])
    (run,) = runs_of(cube)
    plot = profile(cube, component_colors(cube), run)
    source = plot.select_one({"name": "profile 1"})
    np.testing.assert_allclose(source.data["y"], cube["abundances"].values[:, 0, 1])
    assert list(source.data["said"]) == list(cube["sample"].values)
    assert plot.xaxis[0].major_label_overrides[0].text == "leaf"
    left = profile(cube, component_colors(cube), run, values=np.full((5, 1), 0.25, np.float32))
    np.testing.assert_allclose(left.select_one({"name": "left 0"}).data["y"], 0.25)
