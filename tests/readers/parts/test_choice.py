"""Which of several arrays is taken for the spectra, and how it lies, through the door."""

import h5py
import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import GuessWarning, ReadError

H, W, C = 13, 7, 48
RNG = np.random.default_rng(0)
AXIS = 400.0 + 10 * np.arange(C)
BASE = np.sin(AXIS / 60) + 2
CUBE = (BASE * RNG.uniform(0.9, 1.1, (H, W, 1)) + RNG.normal(0, 0.01, (H, W, C))).astype("f4")
AMOUNTS = RNG.dirichlet([1, 1, 1, 1, 1], (H, W)).astype("f4")
RGB = (RNG.random((512, 512, 3)) * 255).astype("u1")
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def npz(folder, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def folded(image):
    return image.reshape(H * W, -1)


@quiet
@pytest.mark.parametrize(
    "beside",
    [
        {"preview": RGB},
        {"picture": RGB},
        {"A_VCA": AMOUNTS},
        {"principal": CUBE[..., :10]},
        {"data_err": abs(CUBE)},
        {"cube_mask": CUBE > 1},
        {"sigma": CUBE, "weights": CUBE, "snr_map": CUBE[..., 0]},
        {"level1": CUBE[::2, ::2], "level2": CUBE[::4, ::4]},
        {"kernel": np.ones((H * W, H * W)), "elevation": np.ones((H, W))},
        {"lidar": np.ones((600, 700))},
    ],
    ids=lambda held: "-".join(held),
)
def test_a_clear_winner_is_taken_and_the_others_are_named(tmp_path, beside):
    cube = open_cube(npz(tmp_path, **beside, zcube=CUBE), channel_axis=2, channel="index", mask="none")
    assert cube.attrs["dataset"] == "zcube"
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    said = " ".join([*cube.attrs["history"], *cube.attrs["guesses"]])
    levels = {"preview", "A_VCA", "data_err", "cube_mask", "sigma", "kernel"} & set(beside)
    assert levels or all(f"{name} (" in said for name in beside)


@pytest.mark.parametrize(
    "others",
    [{"scan2": CUBE + 1}, {"scan2": CUBE[:5]}, {"raw": RNG.random((H, W, 2 * C))}, {"X_test": folded(CUBE)[:40]}],
    ids=["same", "smaller", "twice the channels", "tables"],
)
@quiet
def test_what_stands_equal_is_listed(tmp_path, others):
    mine = {"X_train": folded(CUBE)} if "X_test" in others else {"scan1": CUBE}
    with pytest.raises(ReadError, match=rf"several arrays .*{next(iter(mine))}.*{next(iter(others))}.*dataset="):
        open_cube(npz(tmp_path, **mine, **others))


@quiet
def test_the_axis_decides_between_raw_and_corrected(tmp_path):
    path = npz(tmp_path, raw=RNG.random((H, W, 2 * C)), cube=CUBE, wavelength_nm=AXIS)
    with pytest.warns(GuessWarning, match="took cube .* which alone is as long as a spectral axis"):
        np.testing.assert_array_equal(open_cube(path)["spectra"], CUBE)


@quiet
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "beside", [{"lines": H, "cols": W}, {"imsize": [H, W]}, {"A": AMOUNTS}, {"gt": AMOUNTS[..., 0] > 0.5}]
)
def test_a_matrix_of_channels_by_pixels(tmp_path, beside, order):
    matrix = CUBE.reshape(H * W, C, order=order).T
    path = npz(tmp_path, Y=matrix, M=RNG.random((C, 5)), **beside)
    np.testing.assert_array_equal(open_cube(path, pixel_order=order)["spectra"], CUBE)


@quiet
def test_pure_spectra_settle_how_a_matrix_lies(tmp_path):
    cube = open_cube(npz(tmp_path, Y=folded(CUBE).T, M=RNG.random((C, 5))))
    np.testing.assert_array_equal(cube["spectra"][:, 0], folded(CUBE))
    assert not any("which axis" in sentence for sentence in cube.attrs["guesses"])


@quiet
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("beside", [{"gt": AMOUNTS.argmax(2)}, {"abundances": AMOUNTS}, {"nrows": H, "ncols": W}])
def test_maps_and_sizes_settle_how_an_image_lies(tmp_path, at, beside):
    cube = open_cube(npz(tmp_path, data=np.moveaxis(CUBE, 2, at), **beside))
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    assert not any("which axis" in sentence for sentence in cube.attrs["guesses"])


def nexus(file, *, modern):
    entry = file.create_group("entry")
    group = entry.create_group("scan")
    group.attrs["NX_class"] = np.bytes_("NXdata")
    group["counts"], group["errors"] = np.moveaxis(CUBE, 2, 0), np.moveaxis(CUBE, 2, 0) + 1
    group["energy"], group["y"], group["x"] = AXIS / 100, np.arange(H) * 1.0, np.arange(W) * 1.0
    group["energy"].attrs["units"] = "keV"
    entry["raw"] = RNG.random((H, W, 2 * C))
    if modern:
        group.attrs["signal"], group.attrs["axes"] = "counts", ["energy", "y", "x"]
        file.attrs["default"], entry.attrs["default"] = "entry", "scan"
    else:
        group["counts"].attrs["signal"] = 1
        for number, name in enumerate(("energy", "y", "x"), 1):
            group[name].attrs["axis"] = number


@pytest.mark.parametrize("modern", [True, False])
def test_nxdata_names_its_signal_and_axes(tmp_path, modern):
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        nexus(file, modern=modern)
    cube = open_cube(tmp_path / "a.nxs")
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_allclose(cube["channel"], AXIS / 100)
    assert cube.attrs["guesses"] == []
    assert any("NXdata" in sentence and "entry/raw" in sentence for sentence in cube.attrs["history"])


def test_two_groups_of_nxdata_stand_equal_without_a_default(tmp_path):
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        for name in ("one", "two"):
            group = file.create_group(name)
            group.attrs["NX_class"], group.attrs["signal"] = "NXdata", "data"
            group["data"] = CUBE
    with pytest.raises(ReadError, match=r"several .* one/data .* two/data"):
        open_cube(tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs", "a") as file:
        file.attrs["default"] = "two"
    with pytest.warns(GuessWarning):
        assert open_cube(tmp_path / "a.nxs").attrs["dataset"] == "two/data"


def neon(file):
    file["SITE/Reflectance/Reflectance_Data"] = (CUBE * 1000).astype("i2")
    file["SITE/Reflectance"].attrs["Band_Window_1_Nanometers"] = [500, 540]
    file["SITE/Reflectance/Metadata/Spectral_Data/Wavelength"] = AXIS
    file["SITE/Reflectance/Metadata/Spectral_Data/Wavelength"].attrs["Units"] = "nanometers"
    file["SITE/Reflectance/Metadata/Spectral_Data/FWHM"] = AXIS / 80
    file["SITE/Reflectance/Metadata/Ancillary_Imagery/Aerosol"] = np.ones((H, W))
    file["SITE/Reflectance/Metadata/to-sensor_azimuth"] = np.ones((H, W, C + 5))


def pyxrf(file):
    file["xrfmap/detsum/counts"] = CUBE
    for detector in ("det1", "det2"):
        file[f"xrfmap/{detector}/counts"] = CUBE
    file["xrfmap/positions/pos"] = np.ones((2, H, W))


def mantis(file):
    file["exchange/data"] = np.moveaxis(CUBE, 2, 0)
    file["exchange/energy"] = 280 + np.arange(C) / 10
    file["exchange/energy"].attrs["units"] = "ev"
    file["exchange/white_data"] = np.moveaxis(CUBE, 2, 0)


def prisma(file):
    file.attrs["List_Cw_Vnir"], file.attrs["List_Cw_Swir"] = AXIS[::-1], np.linspace(2500, 930, 60)
    file["HDFEOS/SWATHS/PRS_L1_HCO/Data Fields/VNIR_Cube"] = np.moveaxis(CUBE[..., ::-1], 2, 1)
    file["HDFEOS/SWATHS/PRS_L1_HCO/Data Fields/SWIR_Cube"] = np.ones((H, 60, W), "u2")
    file["HDFEOS/SWATHS/PRS_L1_HRC/Data Fields/VNIR_Cube"] = np.ones((H, C, W), "u2")
    file["HDFEOS/SWATHS/PRS_L1_HRC/Data Fields/SWIR_Cube"] = np.ones((H, 60, W), "u2")


def attribute(file):
    file["img"] = np.moveaxis(CUBE, 2, 0)
    file["img"].attrs["wavelengths"], file["img"].attrs["wavelength_units"] = AXIS, "Nanometers"
    file["other_wavelength"] = AXIS + 1


def text_attribute(file):
    file["img"] = np.moveaxis(CUBE, 2, 1)
    file["img"].attrs["Wavelengths"] = ", ".join(map(str, AXIS))


def dimensions(file):
    """netCDF: the dimension of the bands has no values, and another variable shares it."""
    file["radiance"] = np.moveaxis(CUBE, 2, 1)
    for axis, (name, n) in enumerate((("line", H), ("bands", C), ("sample", W))):
        file[name] = np.arange(n)
        file[name].make_scale(name)
        file["radiance"].dims[axis].attach_scale(file[name])
    file["sensor_band_parameters/wavelengths"] = AXIS
    file["sensor_band_parameters/good_wavelengths"] = (AXIS < 800).astype("u1")


def coordinates(file):
    """CF: the values of the spectral axis are in a variable that `coordinates` names; the stage is in micrometres."""
    file["data"] = CUBE
    for axis, (name, n) in enumerate((("y", H), ("x", W), ("channel", C))):
        file[name] = np.arange(n) * 2.5 + 1
        file[name].make_scale(name)
        file[name].attrs["units"] = "um" if name != "channel" else "1"
        file["data"].dims[axis].attach_scale(file[name])
    file["wavelength"] = AXIS
    file["wavelength"].attrs["units"] = "nm"
    file["data"].attrs["coordinates"] = "wavelength"


@quiet
@pytest.mark.parametrize("write", [neon, pyxrf, mantis, prisma, attribute, text_attribute, dimensions, coordinates])
def test_conventions(tmp_path, write):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file)
    cube = open_cube(tmp_path / "a.h5")
    expected = (CUBE * 1000).astype("i2") if write is neon else CUBE
    np.testing.assert_array_equal(cube["spectra"], expected)
    axis = np.arange(C) if write is pyxrf else 280 + np.arange(C) / 10 if write is mantis else AXIS
    np.testing.assert_allclose(cube["channel"], axis)
    units = {pyxrf: "index", mantis: "eV"}.get(write, "nm")
    assert cube["channel"].attrs["units"] == units
    assert not any("which axis" in sentence for sentence in cube.attrs["guesses"])
    if write in (neon, dimensions):
        bad = (AXIS >= 500) & (AXIS <= 540) if write is neon else AXIS >= 800
        np.testing.assert_array_equal(cube["good_channel"], ~bad)


def test_the_other_detector_of_prisma_has_its_own_list(tmp_path):
    with h5py.File(tmp_path / "a.he5", "w") as file:
        prisma(file)
    cube = open_cube(tmp_path / "a.he5", dataset="HDFEOS/SWATHS/PRS_L1_HCO/Data Fields/SWIR_Cube")
    assert cube["spectra"].shape == (H, W, 60)
    np.testing.assert_allclose(cube["channel"].values[[0, -1]], [930, 2500])


@quiet
def test_axes_of_length_one_are_dropped(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("img", data=np.moveaxis(CUBE, 2, 0)[:, None, None], chunks=(C, 1, 1, 5, 7))
        file["wavelength_nm"] = AXIS
    cube = open_cube(tmp_path / "a.h5")
    assert cube["spectra"].chunks is not None
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_array_equal(cube["channel"], AXIS)


def test_flags_and_repeating_lists_are_no_axis(tmp_path):
    path = npz(tmp_path, cube=CUBE, good_wavelengths=AXIS > 500, wave_order=np.arange(C) % 4, wavelength_nm=AXIS)
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["channel"], AXIS)
    np.testing.assert_array_equal(cube["good_channel"], AXIS > 500)
    with pytest.warns(GuessWarning, match=r"wave_order: it holds 4 different values for 48 channels.*numbered"):
        open_cube(npz(tmp_path, cube=CUBE, wave_order=np.arange(C) % 4))
