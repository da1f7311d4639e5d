"""What files declare about their stored numbers, through `open_cube`: hidden values, scales, offsets, and the options."""

import h5py
import numpy as np
import pytest
import rasterio
import zarr
from astropy.io import fits

from spaxel import open_cube
from spaxel.errors import GuessWarning, ParameterError
from spaxel.readers.native import write_cube

pytestmark = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")

H, W, C = 6, 5, 4
PLACE = rasterio.Affine(1, 0, 5, 0, -1, 9)
AXIS = [400.0, 500.0, 600.0, 700.0]


def stored(dtype="i2"):
    values = np.random.default_rng(0).integers(1, 100, (H, W, C)).astype(dtype)
    values[0, 0], values[1, 2, 3] = 0, 120
    return values


def envi(folder, values, axis=AXIS, **fields):
    header = {"samples": W, "lines": H, "bands": C, "data type": 2, "interleave": "bip", "byte order": 0}
    header |= {"wavelength": "{" + ", ".join(map(str, axis)) + "}", "wavelength units": "nm"} | fields
    (folder / "a.hdr").write_text("ENVI\n" + "".join(f"{key} = {value}\n" for key, value in header.items()))
    (folder / "a.img").write_bytes(values.astype("<i2").tobytes())
    return folder / "a.hdr"


def as_envi(folder, values):
    return envi(folder, values, **{"data ignore value": 120, "data gain values": 0.5, "data offset values": 3})


def as_tiff(folder, values):
    path = folder / "a.tif"
    with rasterio.open(path, "w", "GTiff", W, H, C, dtype="int16", nodata=120, transform=PLACE) as file:
        file.write(np.moveaxis(values, -1, 0))
        file.scales, file.offsets = (0.5,) * C, (3.0,) * C
    return path


def as_fits(folder, values):
    hdu = fits.PrimaryHDU(np.moveaxis(values, -1, 0))
    hdu.header["BLANK"] = 120
    hdu.writeto(folder / "a.fits")
    cards = f"{'BSCALE  =                  0.5':80}{'BZERO   =                  3.0':80}".encode()
    content = (folder / "a.fits").read_bytes()
    end = content.index(b"END" + b" " * 77)
    (folder / "a.fits").write_bytes(content[:end] + cards + content[end : end + 80] + content[end + 240 :])
    return folder / "a.fits"


def as_netcdf(folder, values):
    with h5py.File(folder / "a.nc", "w") as file:
        data = file.create_dataset("data", data=values)
        data.attrs.update(_FillValue=np.int16([120]), scale_factor=0.5, add_offset=np.float32(3))
    return folder / "a.nc"


def as_zarr(folder, values):
    group = zarr.create_group(folder / "a.zarr")
    array = group.create_array("data", data=values)
    array.attrs.update(_FillValue=120, scale_factor=0.5, add_offset=3.0)
    return folder / "a.zarr"


def as_zarr_2(folder, values):
    group = zarr.create_group(folder / "a.zarr", zarr_format=2)
    array = group.create_array("data", shape=values.shape, dtype=values.dtype, fill_value=120)
    array[...] = values
    array.attrs.update(scale_factor=0.5, add_offset=3.0)
    return folder / "a.zarr"


KINDS = [as_envi, as_tiff, as_fits, as_netcdf, as_zarr, as_zarr_2]


def opened(kind, path, **options):
    own = {"channel_axis": 0} if kind is as_fits else {} if kind in (as_envi, as_tiff) else {"channel_axis": 2}
    return open_cube(path, **own, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_declared_value_hides_itself_and_scales_are_applied(tmp_path, kind):
    values = stored()
    cube = opened(kind, kind(tmp_path, values))
    expected = np.where(values == 120, np.nan, values * 0.5 + 3).astype("f4")
    assert cube["spectra"].dtype == np.float32
    np.testing.assert_array_equal(cube["spectra"].values, expected)
    assert cube["valid"].values[1, 2]  # one value is missing there, the others are data
    told = " ".join(cube.attrs["history"])
    assert "no data: 120" in told
    assert "x 0.5 + 3" in told
    assert (cube.attrs["stored"]["no_data"], cube.attrs["stored"]["scale"]) == ([120], 0.5)
    assert set(cube.variables) <= {"spectra", "channel", "valid", "fwhm", "good_channel"}


@pytest.mark.parametrize("kind", KINDS)
def test_raw_leaves_scales_alone_and_still_hides(tmp_path, kind):
    values = stored()
    cube = opened(kind, kind(tmp_path, values), raw=True)
    np.testing.assert_array_equal(cube["spectra"].values, np.where(values == 120, np.nan, values).astype("f4"))
    assert "not applied" in " ".join(cube.attrs["history"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("no_data", "hidden"), [("none", ()), (7, (7,)), ("7, 120", (7, 120)), ([7.0, 8.5], (7,))])
def test_the_option_no_data_decides_for_every_reader(tmp_path, kind, no_data, hidden):
    values = stored()
    values[2, 2] = 7
    cube = opened(kind, kind(tmp_path, values), no_data=no_data)
    np.testing.assert_array_equal(np.isnan(cube["spectra"].values), np.isin(values, hidden))
    np.testing.assert_array_equal(cube["valid"].values, ~np.isin(values, hidden).all(-1))


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_values_changed_to_anything_change_no_bit(tmp_path, kind):
    values = stored()
    values[::2, 1:, 2] = 120
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    first = opened(kind, kind(tmp_path / "1", values))
    second = opened(kind, kind(tmp_path / "2", np.where(values == 120, 30_000, values).astype("i2")), no_data=30_000)
    assert first["spectra"].values.tobytes() == second["spectra"].values.tobytes()
    np.testing.assert_array_equal(first["valid"].values, second["valid"].values)


@pytest.mark.parametrize("axis", [AXIS, AXIS[::-1], [400.0, 600.0, 500.0, 700.0]])
def test_gains_of_channels_are_sorted_with_the_axis(tmp_path, axis):
    values, gains = stored(), np.array([1.0, 2.0, 4.0, 8.0])
    cube = open_cube(envi(tmp_path, values, axis, **{"data gain values": "{1, 2, 4, 8}"}))
    for at, wavelength in enumerate(axis):
        np.testing.assert_array_equal(cube["spectra"].sel(channel=wavelength).values, values[..., at] * gains[at])


def test_bands_of_a_raster_have_their_own_scales(tmp_path):
    values = stored()
    with rasterio.open(tmp_path / "a.tif", "w", "GTiff", W, H, C, dtype="int16", transform=PLACE) as file:
        file.write(np.moveaxis(values, -1, 0))
        file.scales, file.descriptions = (1, 2, 4, 8), ("700 nm", "600 nm", "500 nm", "400 nm")
    np.testing.assert_array_equal(open_cube(tmp_path / "a.tif")["spectra"].values, (values * [1, 2, 4, 8])[..., ::-1])


@pytest.mark.parametrize("kind", ["lazy", "eager"])
def test_nothing_is_read_and_the_type_stays_where_nothing_is_declared(tmp_path, kind):
    values = stored("u2")
    np.save(tmp_path / "a.npy", values)
    cube = open_cube(tmp_path / "a.npy" if kind == "lazy" else values, channel_axis=2)
    assert cube["spectra"].dtype == np.uint16
    assert (cube["spectra"].chunks is not None) == (kind == "lazy")
    assert (
        open_cube(tmp_path / "a.npy", channel_axis=2, no_data=-9999)["spectra"].dtype == np.uint16
    )  # it cannot be held


def test_large_integers_become_float64(tmp_path):
    np.save(tmp_path / "a.npy", stored("i4"))
    assert open_cube(tmp_path / "a.npy", channel_axis=2, no_data=120)["spectra"].dtype == np.float64


def test_the_lowest_float_with_few_digits_is_met(tmp_path):
    values = np.random.default_rng(0).random((H, W, C)).astype("f4")
    values[2, 3, 1] = np.finfo("f4").min
    np.save(tmp_path / "a.npy", values)
    found = open_cube(tmp_path / "a.npy", channel_axis=2, no_data=-3.40282e38)["spectra"].values
    assert np.argwhere(np.isnan(found)).tolist() == [[2, 3, 1]]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("data gain values", "{1, 2}"),
        ("data gain values", "none at all"),
        ("data gain values", "{nan, 1, 1, 1}"),
        ("data offset values", "{1, x, 1, 1}"),
        ("reflectance scale factor", "0"),
        ("data ignore value", "minus one"),
    ],
)
def test_a_field_that_cannot_be_used_is_left_out_aloud(tmp_path, field, text):
    path = envi(tmp_path, stored(), **{field: text})
    with pytest.warns(GuessWarning, match=field):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"].values, stored())


def test_the_scale_of_reflectance_divides_unless_there_are_gains(tmp_path):
    path = envi(tmp_path, stored(), **{"reflectance scale factor": 100})
    np.testing.assert_allclose(open_cube(path)["spectra"].values, stored() / 100, rtol=1e-6)
    path = envi(tmp_path, stored(), **{"reflectance scale factor": 100, "data gain values": 0.01})
    np.testing.assert_allclose(open_cube(path)["spectra"].values, stored() / 100, rtol=1e-6)


def test_neon_divides_by_its_scale_factor(tmp_path):
    values = stored()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("SITE/Reflectance/Reflectance_Data", data=values)
        data.attrs.update(Data_Ignore_Value=120.0, Scale_Factor=100.0)
    found = open_cube(tmp_path / "a.h5", channel_axis=2)["spectra"].values
    np.testing.assert_array_equal(found, np.where(values == 120, np.nan, values / 100).astype("f4"))


def test_numbers_beside_the_cube_say_it_too(tmp_path):
    np.savez(tmp_path / "a.npz", cube=stored(), nodata=120, scale_factor=0.5)
    found = open_cube(tmp_path / "a.npz", channel_axis=2)["spectra"].values
    np.testing.assert_array_equal(found, np.where(stored() == 120, np.nan, stored() * 0.5).astype("f4"))


@pytest.mark.parametrize(
    "name", ["_FillValue", "missing_value", "NoData_Value", "no_data", "FillValue", "fill_value", ""]
)
def test_a_value_without_data_has_many_names(tmp_path, name):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", data=stored(), fillvalue=None if name else 120)
        if name:
            data.attrs[name] = 120
    found = open_cube(tmp_path / "a.h5", channel_axis=2)["spectra"].values
    np.testing.assert_array_equal(np.isnan(found), stored() == 120)


def test_gains_to_reflectance_are_gains(tmp_path):
    path = envi(tmp_path, stored(), **{"data reflectance gain values": "{1, 2, 4, 8}"})
    np.testing.assert_array_equal(open_cube(path)["spectra"].values, stored() * [1, 2, 4, 8])


def test_prisma_says_its_scale_at_the_root(tmp_path):
    values = stored("u2")
    with h5py.File(tmp_path / "a.he5", "w") as file:
        file.attrs.update(L2ScaleVnirMin=0.1, L2ScaleVnirMax=1.1)
        file["HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/VNIR_Cube"] = values
    found = open_cube(tmp_path / "a.he5", channel_axis=2)["spectra"].values
    np.testing.assert_allclose(found, values / 65535 + 0.1, rtol=1e-6)


def test_a_cube_that_was_converted_is_not_scaled_twice(tmp_path):
    cube = open_cube(as_envi(tmp_path, stored()))
    again = open_cube(write_cube(cube, tmp_path / "b.zarr"))
    np.testing.assert_array_equal(again["spectra"].values, cube["spectra"].values)
    assert again.attrs["stored"] == cube.attrs["stored"]


@pytest.mark.parametrize("wrong", ["x", "", [], "1;2", {}])
def test_an_option_that_is_no_number_is_refused(tmp_path, wrong):
    np.save(tmp_path / "a.npy", stored())
    with pytest.raises(ParameterError, match="no_data"):
        open_cube(tmp_path / "a.npy", channel_axis=2, no_data=wrong)
