"""The real FITS, Bruker and Renishaw files: axis, unit, orientation, mask as the README of the data says."""

import numpy as np
import pytest

from spaxel.readers import open_cube

pytestmark = pytest.mark.real_data


def test_muse(real):
    fits = pytest.importorskip("astropy.io.fits")
    path = real / "muse_dryrun" / "CUBE.fits"
    cube = open_cube(path)
    assert dict(cube.sizes) == {"y": 10, "x": 20, "channel": 1595}
    np.testing.assert_array_equal(cube["channel"], 7300 + 1.25 * np.arange(1595))
    assert cube["channel"].attrs["units"] == "Angstrom"
    with fits.open(path) as hdus:
        np.testing.assert_array_equal(cube["spectra"], np.moveaxis(hdus["DATA"].data, 0, -1))
        np.testing.assert_array_equal(cube["variance"], np.moveaxis(hdus["STAT"].data, 0, -1))
    assert cube["spectra"].dtype == ">f8"
    assert "RA---TAN" in cube.attrs["wcs_header"]
    assert cube.attrs["origin"] == "lower"
    assert cube.attrs["guesses"] == []


@pytest.mark.parametrize(
    ("name", "shape", "offset", "scale", "counts", "elements"),
    [
        ("bcf_v2_50x50px.bcf", (50, 50, 2048), -0.47316066, 0.009996, 949769, ["Ag", "Al", "C", "Cu", "O"]),
        ("test_TEM.bcf", (64, 64, 2048), -0.47544754, 0.010001, 26005, ["Cu", "O", "Pd", "Ti"]),
    ],
)
def test_bruker(real, name, shape, offset, scale, counts, elements):
    pytest.importorskip("rsciio")
    cube = open_cube(real / "eds_bruker" / name)
    assert cube["spectra"].shape == shape
    assert cube["spectra"].dtype == np.uint8
    np.testing.assert_allclose(cube["channel"], offset + scale * np.arange(2048))
    assert cube["channel"].attrs == {"units": "keV", "long_name": "energy"}
    assert cube["spectra"].values.sum(dtype=int) == counts
    assert cube.attrs["elements"] == elements
    assert cube.attrs["guesses"] == []
    assert cube["valid"].values.mean() > 0.95


def test_copper_line_is_where_it_belongs(real):
    pytest.importorskip("rsciio")
    total = open_cube(real / "eds_bruker" / "bcf_v2_50x50px.bcf")["spectra"].sum(("y", "x"))
    assert abs(float(total.sel(channel=slice(7.5, 8.5)).idxmax()) - 8.046) < 0.05  # Cu Ka


def test_renishaw(real):
    pytest.importorskip("rsciio")
    cube = open_cube(real / "raman_renishaw" / "renishaw_test_streamline.wdf")
    assert cube["spectra"].shape == (49, 45, 394)
    axis = cube["channel"].values
    np.testing.assert_allclose(axis[[0, -1]], [924.1953, 1667.6943], rtol=1e-6)
    assert np.ptp(np.diff(axis)) > 0.01  # not uniform, and kept so
    assert cube["channel"].attrs == {"units": "1/cm", "long_name": "wavenumber"}
    assert cube["spectra"].dtype == np.float32
    assert cube.attrs["guesses"] == []
    assert cube["valid"].values.all()


@pytest.mark.parametrize("name", ["eds_bruker/test_TEM.bcf", "raman_renishaw/renishaw_test_streamline.wdf"])
def test_content_decides_not_the_suffix(real, tmp_path, name):
    pytest.importorskip("rsciio")
    (tmp_path / "a.tif").symlink_to(real / name)
    np.testing.assert_array_equal(open_cube(tmp_path / "a.tif")["spectra"], open_cube(real / name)["spectra"])


@pytest.mark.parametrize("name", ["eds_bruker/test_TEM.bcf", "raman_renishaw/renishaw_test_streamline.wdf"])
@pytest.mark.parametrize("share", [0.0001, 0.01, 0.3, 0.6, 0.9])
def test_truncated_files(real, tmp_path, name, share):
    pytest.importorskip("rsciio")
    whole = (real / name).read_bytes()
    path = tmp_path / name.rpartition("/")[2]
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises((OSError, ValueError), match=path.name):
        open_cube(path)
