"""GeoTIFF, QML, ENVI and TIFF read back by rasterio (GDAL), spectral and tifffile."""

from xml.etree import ElementTree as xml

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import spectral.io.envi as envi
import tifffile

import spaxel
from spaxel.exporting.source import make_source

from .conftest import NAMES, a_result

SOUTH_UP = [500000.0, 30.0, 0.0, 4.5e6, 0.0, 30.0]
TURNED = [500000.0, 24.0, 18.0, 4.5e6, 18.0, -24.0]
NORTH_UP = [500000.0, 30.0, 0.0, 4.5e6, 0.0, -20.0]
UTM = {"crs": "EPSG:32633", "pixel_units": "m"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A GeoTIFF scene from south to north with five bands, segmented and exported by the command."""
    from spaxel.cli import main

    folder, rng = tmp_path_factory.mktemp("scene"), np.random.default_rng(1)
    left = np.arange(7) < 3
    bands = (np.where(left, 1, 5)[None, None] * np.arange(1, 6)[:, None, None] + rng.normal(0, 0.1, (5, 13, 7))).astype(
        "f4"
    )
    profile = {"driver": "GTiff", "height": 13, "width": 7, "count": 5, "dtype": "float32", "crs": "EPSG:32633"}
    with rasterio.open(folder / "scene.tif", "w", transform=rasterio.Affine.from_gdal(*SOUTH_UP), **profile) as file:
        file.write(bands)
    main(
        [
            "segment",
            str(folder / "scene.tif"),
            "-o",
            str(folder / "run"),
            "--n-clusters",
            "2",
            "--units",
            "index",
            "--channel",
            "index",
        ]
    )
    main(["export", str(folder / "run"), "--to", "geotiff,envi,qml,csv"])
    return folder


def test_a_scene_from_south_to_north_stays_one(scene):
    with rasterio.open(scene / "scene.tif") as cube, rasterio.open(scene / "run-export" / "labels.tif") as labels:
        assert labels.transform == cube.transform
        assert labels.crs == cube.crs
        assert labels.shape == (13, 7)
        values = labels.read(1)
        assert (values[:, :3] == values[0, 0]).all()
        assert (values[:, 3:] == 1 - values[0, 0]).all()


def test_a_folder_for_qgis(scene):
    names = {file.name for file in (scene / "run-export").iterdir()}
    assert {
        "labels.tif",
        "labels.tif.aux.xml",
        "labels.qml",
        "confidence.tif",
        "components.csv",
        "spectra.csv",
    } <= names
    with rasterio.open(scene / "run-export" / "labels.img") as labels, rasterio.open(scene / "scene.tif") as cube:
        assert labels.crs == cube.crs


@pytest.mark.parametrize("transform", [SOUTH_UP, TURNED, NORTH_UP], ids=["south-up", "turned", "north-up"])
def test_geotiff_has_place_names_colours_and_no_data(tmp_path, transform):
    result = a_result(transform=transform, **UTM)
    folder = spaxel.export(result, tmp_path / "out", to="geotiff")
    with rasterio.open(folder / "labels.tif") as file:
        assert file.transform.to_gdal() == tuple(transform)
        assert file.crs.to_epsg() == 32633
        assert file.nodata == 255
        labels = file.read(1, masked=True)
        np.testing.assert_array_equal(labels.filled(99), np.where(result["labels"] < 0, 99, result["labels"]))
        shown = ["#{:02X}{:02X}{:02X}".format(*file.colormap(1)[k][:3]) for k in range(3)]
        assert shown == make_source(result, {}, "", ()).colors
        assert file.tags()["SPAXEL_SENTENCE"] == "3 components: a test."
    with rasterio.open(folder / "confidence.tif") as file:
        np.testing.assert_array_equal(file.read(1), result["confidence"])
    with rasterio.open(folder / "unlike.tif") as file:
        assert file.nodata is None  # 255 is a value of it


def test_gdal_knows_the_class_names(tmp_path, plain):
    folder = spaxel.export(plain, tmp_path / "out", to="geotiff", what="labels")
    rasterio.shutil.copy(str(folder / "labels.tif"), str(tmp_path / "as.vrt"), driver="VRT")  # what GDAL knows, as text
    known = xml.parse(tmp_path / "as.vrt")
    assert [category.text for category in known.iter("Category")] == NAMES
    rows = [[cell.text for cell in row.iter("F")] for row in known.iter("Row")]
    assert [row[2] for row in rows] == NAMES
    assert sum(int(row[1]) for row in rows) == 13 * 7 - 2


def test_the_style_of_qgis(tmp_path, plain):
    folder = spaxel.export(plain, tmp_path / "out", to="qml")
    entries = list(xml.parse(folder / "labels.qml").iter("paletteEntry"))
    assert [entry.get("label") for entry in entries] == NAMES
    assert [entry.get("color").upper() for entry in entries] == make_source(plain, {}, "", ()).colors


def test_large_maps_are_tiled_and_have_overviews(tmp_path):
    result = a_result((1031, 263), unmixed=True, transform=NORTH_UP, **UTM)
    folder = spaxel.export(result, tmp_path / "out", to="geotiff,tiff,envi", what="labels,abundances")
    with rasterio.open(folder / "labels.tif") as file:
        assert file.profile["tiled"]
        assert file.overviews(1) == [2, 4, 8]
        np.testing.assert_array_equal(file.read(1), np.where(result["labels"] < 0, 255, result["labels"]))
        assert set(np.unique(file.read(1, out_shape=(129, 33)))) <= {0, 1, 2, 255}
    wanted = result["abundances"].transpose("component", "y", "x").values
    with rasterio.open(folder / "abundances.tif") as file:
        np.testing.assert_array_equal(file.read(), wanted)
        assert list(file.descriptions) == NAMES
    np.testing.assert_array_equal(tifffile.imread(folder / "abundances_imagej.tif"), wanted)
    read = np.array(envi.open(folder / "abundances.hdr", folder / "abundances.img").open_memmap())
    np.testing.assert_array_equal(read, np.where(np.isnan(wanted), -9999, wanted).transpose(1, 2, 0))


def test_envi_classes_and_library(tmp_path, plain):
    folder = spaxel.export(plain, tmp_path / "out", to="envi")
    file = envi.open(folder / "labels.hdr", folder / "labels.img")
    np.testing.assert_array_equal(file.read_band(0), plain["labels"] + 1)
    assert file.metadata["file type"] == "ENVI Classification"
    assert file.metadata["class names"] == ["no data", "azurite; blue", "<b>:1+1</b>", "lésion (β)"]
    assert [int(n) for n in file.metadata["class lookup"][:3]] == [0, 0, 0]
    assert len(file.metadata["class lookup"]) == 12
    library = envi.open(folder / "spectra.hdr")
    np.testing.assert_allclose(library.spectra, plain["component_spectra"], rtol=1e-6)
    assert library.names == ["azurite; blue", "<b>:1+1</b>", "lésion (β)"]
    np.testing.assert_allclose(library.bands.centers, plain["channel"])
    assert library.bands.band_unit == "Nanometers"
    np.testing.assert_allclose(envi.open(folder / "spectra_spread.hdr").spectra, plain["component_spread"], rtol=1e-6)


def test_envi_map_info_comes_back(tmp_path):
    own = "UTM, 1, 1, 500000, 4500000, 30, 20, 33, North, WGS-84, units=Meters"
    kept = a_result(map_info=own, transform=NORTH_UP, **UTM)
    made = a_result(transform=NORTH_UP, **UTM)
    for number, result in enumerate((kept, made)):
        folder = spaxel.export(result, tmp_path / str(number), to="envi", what="labels")
        with rasterio.open(folder / "labels.img") as file:
            assert file.transform.to_gdal() == tuple(NORTH_UP)
            assert file.crs.to_epsg() == 32633
        assert spaxel.open_cube(folder / "labels.hdr", channel="index").attrs["transform"] == NORTH_UP


def test_tiff_for_imagej_and_napari(tmp_path, unmixed):
    folder = spaxel.export(unmixed, tmp_path / "out", to="tiff")
    with tifffile.TiffFile(folder / "labels_imagej.tif") as file:
        assert file.is_imagej
        np.testing.assert_array_equal(file.asarray(), unmixed["labels"] + 1)
        tags = file.pages[0].tags
        assert [tags[name].value for name in ("XResolution", "YResolution")] == [(4, 1), (2, 1)]  # per mm
        assert file.imagej_metadata["unit"] == "mm"
        assert file.imagej_metadata["LUTs"].shape == (3, 256)
    with tifffile.TiffFile(folder / "abundances_imagej.tif") as file:
        assert file.imagej_metadata["Labels"] == NAMES
    assert (folder / "labels_imagej.csv").read_text("utf-8").startswith("value,component,name,")
