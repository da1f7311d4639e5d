"""A file is what its name says: a table under .csv, Zarr under .zarr, and nothing under what is only read."""

import numpy as np
import pytest

import spaxel
from spaxel.cube import make_cube
from spaxel.errors import CubeError, Exists, ParameterError
from spaxel.testing import tiny_cube


def spectra(dtype, units="nm"):
    values = (np.random.default_rng(0).normal(100, 40, (5000, 1, 7)) ** 2 / 7).astype(dtype)
    return make_cube(values, 400.5 + np.arange(7) / 3, units)


@pytest.mark.parametrize("dtype", ["f8", "f4", "u2"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".CSV"])
def test_there_and_back(tmp_path, dtype, suffix):
    cube = spectra(dtype)
    path = spaxel.write_cube(cube.chunk(y=999), tmp_path / f"a{suffix}")
    assert path.is_file()
    again = spaxel.open_cube(path)
    np.testing.assert_array_equal(again["spectra"].values.astype(dtype), cube["spectra"].values)
    np.testing.assert_allclose(again["channel"], cube["channel"], rtol=1e-12)
    assert again["channel"].attrs["units"] == "nm"


def test_names_targets_and_what_is_missing(tmp_path):
    cube = spectra("f8").isel(y=slice(0, 4)).copy()
    cube["spectra"][1, 0, 2] = np.nan
    cube = cube.assign(
        target_Fat=(("y", "x"), [[1.5], [2], [np.nan], [4]]), valid=(("y", "x"), [[True], [True], [True], [False]])
    )
    cube = cube.assign_coords(sample=("y", ["a, b", "c", "d", "e"]))
    again = spaxel.open_cube(spaxel.write_cube(cube, tmp_path / "a.csv"))
    assert again["sample"].values.tolist() == ["a, b", "c", "d", "e"]
    np.testing.assert_array_equal(again["target_Fat"].values, cube["target_Fat"].values)
    np.testing.assert_array_equal(again["spectra"].values[:3], cube["spectra"].values[:3])
    assert np.isnan(again["spectra"].values[3]).all()


@pytest.mark.filterwarnings("default:.*but not truth:UserWarning", "ignore::spaxel.errors.GuessWarning")
def test_simulate_and_convert_write_what_the_name_says(cli, tmp_path):
    code, out, err = cli("simulate", "mixture", tmp_path / "mix.csv", "--size", "9x1")
    assert (code, out) == (0, f"wrote {tmp_path / 'mix.csv'}: 9 x 1 pixels, 512 channels\n")
    assert "mix.csv holds the spectra, but not truth_abundances, truth_spectra. Try mix.zarr" in err
    assert cli("convert", tmp_path / "mix.csv", tmp_path / "mix.tsv")[0] == 0
    assert cli("convert", tmp_path / "mix.csv", tmp_path / "mix.zarr")[0] == 0
    expected = spaxel.simulate("mixture", height=9)["spectra"].values
    for name in ("mix.csv", "mix.tsv", "mix.zarr"):
        assert (tmp_path / name).is_file() is (name != "mix.zarr")
        found = spaxel.open_cube(tmp_path / name, **({} if name == "mix.zarr" else {"units": "index"}))
        np.testing.assert_array_equal(found["spectra"].values, expected)


@pytest.mark.parametrize(
    "suffix", [".npy", ".npz", ".mat", ".h5", ".fits", ".tif", ".hdr", ".txt", ".nc", ".NPY", ".xlsx"]
)
def test_what_is_only_read_is_refused(cli, scan, tmp_path, suffix):
    for verb in (
        ["simulate", "maxrf", tmp_path / f"a{suffix}", "--size", "8x8"],
        ["convert", scan, tmp_path / f"a{suffix}"],
    ):
        code, _, err = cli(*verb)
        assert code == 2
        assert f"{suffix.lower()} is not among the formats that spaxel writes. Try a.zarr" in err
    with pytest.raises(ParameterError, match=r"Try a\.zarr"):
        spaxel.write_cube(tiny_cube(), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "a.zarr", "scan.v2", "2024.01"])
def test_other_names_are_zarr_as_before(tmp_path, name):
    assert (spaxel.write_cube(tiny_cube(), tmp_path / name) / "zarr.json").is_file()


def test_an_image_is_no_table(cli, scan, tmp_path):
    code, _, err = cli("convert", scan, tmp_path / "a.csv")
    assert code == 2
    assert "cannot hold an image of 20 x 17 spectra" in err
    with pytest.raises(CubeError, match=r"Try a\.zarr"):
        spaxel.write_cube(tiny_cube(), tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_there_is_kept(tmp_path):
    cube = spectra("f4").isel(y=slice(0, 3))
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(Exists):
        spaxel.write_cube(cube, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "mine"
    spaxel.write_cube(cube, tmp_path / "a.csv", overwrite=True)
    assert spaxel.open_cube(tmp_path / "a.csv").sizes["y"] == 3
