"""TIFF: bands with georeference, wavelengths and no-data by rasterio; stacks of pages by tifffile."""

import sys
import warnings

import numpy as np
import pytest
import tifffile

from spaxel.errors import AxisError, CubeError, GuessWarning, ReadError
from spaxel.readers import open_cube, readers
from spaxel.testing import check_reader

SPECTRA = np.random.default_rng(0).integers(1, 999, (83, 71, 5)).astype("u2")
NUMBERED = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def _writing(rasterio, path, options):
    warnings.simplefilter("ignore")  # those of the writer; the reader must be silent
    return rasterio.open(path, "w", driver="GTiff", **options)


def save(path, spectra=SPECTRA, tags=(), names=(), whole=None, **options):
    """A GeoTIFF; tags: (namespace, key, one value for each band)."""
    rasterio = pytest.importorskip("rasterio")
    height, width, count = spectra.shape
    geo = {"crs": "EPSG:32632", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)}
    shape = {"height": height, "width": width, "count": count, "dtype": spectra.dtype.name}
    with warnings.catch_warnings(), _writing(rasterio, path, shape | geo | options) as file:
        file.write(np.moveaxis(spectra, -1, 0))
        for ns, key, values in tags:
            for band, value in enumerate(values, 1):
                file.update_tags(band, ns=ns, **{key: value})
        for band, name in enumerate(names, 1):
            file.set_band_description(band, name)
        if whole:
            file.update_tags(**whole)
    return path


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("bigtiff", ["YES", "NO"])
def test_bands_and_georeference(tmp_path, interleave, tiled, bigtiff):
    block = {"tiled": True, "blockxsize": 16, "blockysize": 32} if tiled else {}
    names = [f"{450.5 + 10 * k} nm" for k in range(5)]
    path = save(tmp_path / "a.dat", names=names, interleave=interleave, bigtiff=bigtiff, compress="deflate", **block)
    cube = open_cube(path)
    assert len(cube["spectra"].chunks[0]) > 1
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    np.testing.assert_allclose(cube["channel"], 450.5 + 10 * np.arange(5))
    assert cube["channel"].attrs == {"units": "nm", "long_name": "wavelength"}
    assert cube.attrs["transform"] == [5e5, 10, 0, 5e6, 0, -10]
    assert "32632" in cube.attrs["crs"]
    assert cube.attrs["origin"] == "upper"


@pytest.mark.parametrize(
    ("tags", "whole", "units"),
    [
        ([("IMAGERY", "CENTRAL_WAVELENGTH_UM", [0.4, 0.5, 0.6, 0.7, 0.8])], None, "um"),
        ([(None, "wavelength", [400, 500, 600, 700, 800]), (None, "wavelength_units", ["Nanometers"] * 5)], None, "nm"),
        ([], {"wavelength": "{400, 500, 600, 700, 800}", "wavelength_units": "nm"}, "nm"),
    ],
)
def test_wavelengths_in_tags(tmp_path, tags, whole, units):
    cube = open_cube(save(tmp_path / "a.tif", tags=tags, whole=whole))
    np.testing.assert_allclose(cube["channel"], (4 + np.arange(5)) * (0.1 if units == "um" else 100))
    assert cube["channel"].attrs["units"] == units


def test_no_wavelengths_are_a_guess(tmp_path):
    path = save(tmp_path / "a.tif", names=["red", "green", "blue", "nir", "swir"])
    with pytest.warns(GuessWarning, match="Option channel decides"):
        assert open_cube(path)["channel"].attrs["units"] == "index"
    assert open_cube(path, channel=[5, 4, 3, 2, 1], units="nm")["channel"].values[0] == 1
    with pytest.raises(AxisError):
        open_cube(path, channel=[1, 2])


@NUMBERED
@pytest.mark.parametrize("nodata", [0, np.nan, -1])
def test_nodata_is_not_valid(tmp_path, nodata):
    spectra = SPECTRA.astype("f4")
    spectra[3, 4], spectra[5, 6, :2] = nodata, nodata
    valid = open_cube(save(tmp_path / "a.tif", spectra, nodata=nodata))["valid"].values
    assert not valid[3, 4]
    assert valid.sum() == 83 * 71 - 1


@NUMBERED
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1, 5), (1, 1, 1), (7, 13, 1), (13, 1, 3)])
def test_every_dtype_and_small_images(tmp_path, dtype, shape):
    spectra = np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(dtype)
    cube = open_cube(save(tmp_path / "a.tif", spectra, crs=None, transform=None))
    np.testing.assert_array_equal(cube["spectra"], spectra)
    assert cube["spectra"].dtype == dtype
    assert "crs" not in cube.attrs
    assert "transform" not in cube.attrs


def test_complex_is_refused(tmp_path):
    with pytest.raises(CubeError, match="complex64"):
        open_cube(save(tmp_path / "a.tif", SPECTRA.astype("c8")), channel="index")


@NUMBERED
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["bands", "pages", "packed"])
def test_truncated(tmp_path, share, kind):
    path = tmp_path / "a.tif"
    if kind == "bands":
        save(path, compress="deflate")
    else:
        pages = np.moveaxis(SPECTRA, -1, 0)
        tifffile.imwrite(path, pages, photometric="minisblack", compression="zlib" if kind == "packed" else None)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ReadError):
        open_cube(path)


@pytest.mark.parametrize("text", [b"", b"II*\0", b"MM\0*" + b"\0" * 100, b"II*\0\xff\xff\xff\x7f"])
def test_rubbish(tmp_path, text):
    (tmp_path / "a.tif").write_bytes(text)
    with pytest.raises(ReadError):
        open_cube(tmp_path / "a.tif")


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_pages_are_channels(tmp_path, byteorder, compression):
    pages = np.moveaxis(SPECTRA, -1, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pages, photometric="minisblack", byteorder=byteorder, compression=compression)
    with pytest.warns(GuessWarning, match="channel_axis decides"):
        cube = open_cube(path, channel="index")
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    assert (cube["spectra"].chunks is not None) == (compression is None)
    np.testing.assert_array_equal(open_cube(path, channel_axis=2, channel="index")["spectra"], pages)
    with pytest.raises(AxisError):
        open_cube(path, channel_axis=3)


def test_without_rasterio(tmp_path, monkeypatch):
    path = save(tmp_path / "a.tif", interleave="pixel")
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.warns(UserWarning, match="georeference .* not read"):
        cube = open_cube(path, channel="index")
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    assert "crs" not in cube.attrs


def test_promises_of_a_reader(tmp_path):
    check_reader(readers()["raster"], save(tmp_path / "a.tif", nodata=0))


@NUMBERED
@pytest.mark.parametrize("bands", [5, 4])
def test_wavelengths_of_a_satellite_product_lie_in_its_metadata(tmp_path, bands):
    path = save(tmp_path / "ENMAP01-L2A-SPECTRAL_IMAGE.TIF")
    centres = "".join(
        f'<bandID number="{k}"><wavelengthCenterOfBand>{420.5 + k}</wavelengthCenterOfBand></bandID>'
        for k in range(bands)
    )
    (tmp_path / "ENMAP01-L2A-METADATA.XML").write_text(
        f"<level_X><bandCharacterisation>{centres}</bandCharacterisation></level_X>"
    )
    cube = open_cube(path)
    assert cube["channel"].attrs["units"] == ("nm" if bands == 5 else "index")
    assert cube["channel"].values[0] == (420.5 if bands == 5 else 0)
