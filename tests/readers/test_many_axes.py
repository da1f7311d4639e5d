"""Arrays of four axes and more in npy, HDF5, MATLAB and Zarr: stacked aloud, or one map picked."""

import h5py
import numpy as np
import pytest
import scipy.io

from spaxel.errors import GuessWarning, ParameterError
from spaxel.readers import open_cube

DATA = np.random.default_rng(0).integers(1, 99, (3, 13, 7, 11)).astype("u2")
WAVES = 400.0 + 10 * np.arange(11)


def npy(folder, data):
    np.save(folder / "a.npy", data)
    return folder / "a.npy"


def hdf5(folder, data):
    with h5py.File(folder / "a.h5", "w") as file:
        file["cube"], file["wavelength_nm"] = data, WAVES
    return folder / "a.h5"


def matlab(folder, data):
    scipy.io.savemat(folder / "a.mat", {"cube": data, "wavelength_nm": WAVES})
    return folder / "a.mat"


@pytest.mark.parametrize("write", [npy, hdf5, matlab])
@pytest.mark.filterwarnings("ignore:a.npy")
def test_stacked_and_picked(tmp_path, write):
    path = write(tmp_path, DATA)
    with pytest.warns(GuessWarning, match=r"3 maps are stacked along y, 13 rows each. Option index"):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], DATA.reshape(39, 7, 11))
    assert [m["y"] for m in cube.attrs["maps"]] == [0, 13, 26]
    np.testing.assert_array_equal(open_cube(path, index="0=1")["spectra"], DATA[1])
    if write is not npy:
        np.testing.assert_array_equal(cube["channel"], WAVES)


def test_channels_elsewhere(tmp_path):
    path = hdf5(tmp_path, np.moveaxis(DATA, -1, 1))
    np.testing.assert_array_equal(open_cube(path, index="0=2")["spectra"], DATA[2])
    path = npy(tmp_path, np.moveaxis(DATA, -1, 1))
    np.testing.assert_array_equal(open_cube(path, index="0=2", channel_axis=1, channel="index")["spectra"], DATA[2])


def test_named_axes_of_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        cube = file.create_dataset("cube", data=np.moveaxis(DATA, -1, 1))
        for n, name in enumerate(("time", "wavelength", "y", "x")):
            values = WAVES if name == "wavelength" else np.arange(cube.shape[n])
            file[name] = values
            file[name].make_scale(name)
            cube.dims[n].attach_scale(file[name])
        file["wavelength"].attrs["units"] = "nm"
    found = open_cube(tmp_path / "a.nc", index="time=1")
    np.testing.assert_array_equal(found["spectra"], DATA[1])
    np.testing.assert_array_equal(found["channel"], WAVES)


def test_three_axes_have_nothing_to_pick(tmp_path):
    with pytest.raises(ParameterError, match="more than 3 axes"):
        open_cube(npy(tmp_path, DATA[0]), index="0=1")


def test_named_axes_of_zarr(tmp_path):
    import zarr

    group = zarr.create_group(tmp_path / "a.zarr")
    dims = ["time", "wavelength", "y", "x"]
    group.create_array("cube", data=np.moveaxis(DATA, -1, 1), dimension_names=dims)
    group.create_array("wavelength", data=WAVES, dimension_names=["wavelength"], attributes={"units": "nm"})
    found = open_cube(tmp_path / "a.zarr", index="time=1")
    np.testing.assert_array_equal(found["spectra"], DATA[1])
    np.testing.assert_array_equal(found["channel"], WAVES)
