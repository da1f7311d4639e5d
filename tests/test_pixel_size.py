"""The size of a pixel, and the place on the Earth or the sky, from the file to info, result, report and converted file."""

import numpy as np
import pytest
import tifffile
import xarray as xr

import spaxel
from spaxel.cube.pixels import pixel_size, pixel_words, scale_bar
from spaxel.readers import open_cube
from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube

SPECTRA = tiny_cube(20, 17, counts=False)["spectra"].values
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def ome(folder):
    about = {
        "axes": "CYX",
        "PhysicalSizeX": 1.5,
        "PhysicalSizeY": 1.5,
        "Channel": {"Name": [f"{400 + 10 * k} nm" for k in range(11)]},
    }
    tifffile.imwrite(
        folder / "a.ome.tif", np.moveaxis(SPECTRA, -1, 0), ome=True, metadata=about, photometric="minisblack"
    )
    return folder / "a.ome.tif", [1.5, 1.5], "1.5 x 1.5 um"


def envi(folder):
    place = "map info = {UTM, 1, 1, 500000, 5000000, 30, 30, 32, North, WGS-84, units=Meters}\n"
    (folder / "a.hdr").write_text(
        f"ENVI\nsamples = 17\nlines = 20\nbands = 11\ndata type = 4\ninterleave = bip\nbyte order = 0\n{place}"
    )
    SPECTRA.tofile(folder / "a.img")
    return folder / "a.hdr", [30, 30], "30 x 30 m"


def envi_arbitrary(folder):
    path, _, _ = envi(folder)
    path.write_text(path.read_text().split("map info")[0] + "pixel size = {0.2, 0.5, units=Millimeters}\n")
    return path, [0.5, 0.2], "0.5 x 0.2 mm"


def fits(folder):
    astropy = pytest.importorskip("astropy.io.fits")
    header = astropy.Header(
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CTYPE3": "WAVE", "CUNIT3": "Angstrom", "CRVAL3": 5000.0, "CDELT3": 1.25,
         "CD1_1": -0.2 / 3600, "CD2_2": 0.2 / 3600, "CD3_3": 1.25, "CRPIX3": 1}
    )  # fmt: skip
    astropy.PrimaryHDU(np.moveaxis(SPECTRA, -1, 0), header).writeto(folder / "a.fits")
    return folder / "a.fits", [0.2, 0.2], "0.2 x 0.2 arcsec"


@pytest.mark.parametrize("write", [ome, envi, envi_arbitrary, fits])
def test_from_the_file_to_the_report(cli, tmp_path, write):
    path, size, words = write(tmp_path)
    cube = open_cube(path)
    np.testing.assert_allclose(cube.attrs["pixel_size"], size)
    assert words in cli("info", path)[1]
    assert cli("segment", "--method=kmeans", path, "-o", tmp_path / "run", "--n-clusters", 3)[0] == 0
    result = read_result(tmp_path / "run")
    np.testing.assert_allclose(result.attrs["pixel_size"], size)
    for name in ("pixel_units", "crs", "transform", "wcs_header"):
        assert result.attrs.get(name) == cube.attrs.get(name)
    report = (tmp_path / "run" / "report.html").read_text()
    assert f"pixel {words}" in report
    assert f'"{scale_bar(result.attrs, 17)[1]}"' in report
    result.to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as kept:
        np.testing.assert_allclose(kept.attrs["pixel_size"], size)
    assert cli("convert", path, tmp_path / "a.zarr")[0] == 0
    again = open_cube(tmp_path / "a.zarr")
    for name in ("pixel_size", "pixel_units", "crs", "transform", "wcs_header"):
        assert again.attrs.get(name) == cube.attrs.get(name)


def test_maps_go_through(tmp_path):
    data = np.stack([SPECTRA, SPECTRA])
    np.save(tmp_path / "a.npy", data)
    cube = open_cube(tmp_path / "a.npy", channel="index", channel_axis=3)
    result = spaxel.KMeans(n_clusters=3).fit(cube).predict(cube)
    assert '"y": 20' in result.attrs["maps"]
    spaxel.write_cube(cube, tmp_path / "a.zarr")
    assert open_cube(tmp_path / "a.zarr").attrs["maps"] == cube.attrs["maps"]


@pytest.mark.parametrize(
    ("size", "units", "words"),
    [([1.5, 1.5], "µm", "1.5 x 1.5 um"), ([7.8e-9, 7.8e-9], "m", "7.8 x 7.8 nm"), ([8.2e-5, 8.2e-5], "mm", "82 x 82 nm"),
     ([0.5, 0.5], "", "0.5 x 0.5"), ([1e-3, 1e-3], "degree", "0.001 x 0.001 degree"), ([0, 1], "um", ""), ([1], "um", ""),
     (["a", "b"], "um", ""), ([np.nan, 1], "um", "")],
)  # fmt: skip
def test_words(size, units, words):
    assert pixel_words({"pixel_size": size, "pixel_units": units}) == words


@pytest.mark.parametrize("width", [1e-9, 0.013, 1, 7.7, 12345.0])
@pytest.mark.parametrize("columns", [5, 100, 4096])
def test_a_bar_is_round_and_at_most_a_fourth(width, columns):
    attrs = {"pixel_size": [width, width], "pixel_units": "m"}
    length, text = scale_bar(attrs, columns)
    assert columns / 10 - 1e-9 <= length <= columns / 4 + 1e-9
    number, unit = text.split()
    assert float(number.replace("e+", "e")) == pytest.approx(length * pixel_size(attrs)[1])
    assert number.strip("0.e+-").lstrip("0.")[0] in "125"
    assert unit == pixel_size(attrs)[2]
    assert scale_bar({}, columns) is None
