"""FITS read back by astropy: the map lies on the cube's WCS pixel by pixel."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from reproject import reproject_interp

import spaxel

from .conftest import NAMES, SHAPE, a_result


def rotated(order=("RA---TAN", "DEC--TAN")) -> WCS:
    """A celestial WCS turned by 30 degrees, with a spectral axis; order : of the celestial axes in the file."""
    wcs = WCS(naxis=3)
    wcs.wcs.ctype = [*order, "WAVE"]
    values = {"RA---TAN": 150.1, "DEC--TAN": 2.2}
    wcs.wcs.crval = [*(values[kind] for kind in order), 4e-7]
    wcs.wcs.crpix = [3.5, 6.0, 1.0]
    wcs.wcs.cunit = ["deg", "deg", "m"]
    turn = np.deg2rad(30)
    wcs.wcs.cd = [
        [-np.cos(turn) / 3600, np.sin(turn) / 3600, 0],
        [np.sin(turn) / 3600, np.cos(turn) / 3600, 0],
        [0, 0, 3e-8],
    ]
    return wcs


@pytest.mark.parametrize("order", [("RA---TAN", "DEC--TAN"), ("DEC--TAN", "RA---TAN")], ids=["ra-dec", "dec-ra"])
def test_the_map_of_a_fits_cube_lies_on_it_pixel_by_pixel(tmp_path, cli, order):
    rng = np.random.default_rng(0)
    bright = np.where(np.add.outer(np.arange(13), 2 * np.arange(7)) % 5 < 2, 9.0, 1.0)
    spectra = bright[None] * np.linspace(1, 3, 11)[:, None, None] ** (bright > 5)[None] + rng.normal(
        0, 0.02, (11, 13, 7)
    )
    fits.writeto(tmp_path / "ngc.fits", spectra.astype(">f4"), rotated(order).to_header())
    assert cli("segment", "--method=kmeans", tmp_path / "ngc.fits", "-o", tmp_path / "run", "--n-clusters", "2")[0] == 0
    assert cli("export", tmp_path / "run", "--to", "fits", "-o", tmp_path / "map.fits")[0] == 0
    with fits.open(tmp_path / "map.fits") as hdus, fits.open(tmp_path / "ngc.fits") as cube:
        hdus.verify("exception")
        labels, own = hdus["LABELS"], WCS(cube[0].header).sub([1, 2])
        assert (labels.data == spaxel_labels(tmp_path / "run")).all()
        assert len(np.unique(labels.data[bright > 5])) == 1  # row 0 of the map is row 0 of the cube
        y, x = np.mgrid[:13, :7]
        for hdu in hdus[:3]:
            there = WCS(hdu.header).pixel_to_world_values(x, y)
            np.testing.assert_allclose(there, own.pixel_to_world_values(x, y), atol=1e-9)
        again, _ = reproject_interp(
            (labels.data.astype(float), WCS(labels.header)), own, shape_out=(13, 7), order="nearest-neighbor"
        )
        np.testing.assert_array_equal(again, labels.data)


def spaxel_labels(run):
    from spaxel.store.run_folder import read_result

    return read_result(run)["labels"].values


def test_all_maps_and_tables(tmp_path, unmixed):
    path = spaxel.export(unmixed, tmp_path / "all.fits")
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["LABELS", "CONFIDENCE", "ABUNDANCES", "RESIDUAL", "COMPONENTS", "SPECTRA"]
        assert hdus["LABELS"].header["BLANK"] == -1
        np.testing.assert_array_equal(
            hdus["LABELS"].data, unmixed["labels"].where(unmixed["labels"] >= 0)
        )  # BLANK: NaN
        for name in ("confidence", "residual"):
            np.testing.assert_array_equal(hdus[name].data, unmixed[name])
        np.testing.assert_array_equal(hdus["ABUNDANCES"].data, unmixed["abundances"].transpose("component", "y", "x"))
        table = hdus["COMPONENTS"].data
        assert list(table["name"]) == ["azurite, blue", "<b>=1+1</b>", "lesion {beta}"]
        np.testing.assert_allclose(table["area_mm2"], unmixed["component_size"] * 0.5 * 0.25)
        spectra = hdus["SPECTRA"]
        assert spectra.columns["wavelength"].unit == "nm"
        np.testing.assert_allclose(spectra.data["spread_2"], unmixed["component_spread"][2])
        place = WCS(hdus["ABUNDANCES"].header)
        assert place.naxis == 3
        np.testing.assert_allclose(place.wcs.cdelt, [0.25, 0.5, 1])
        assert str(place.wcs.cunit[0]) == "mm"


def test_a_list_of_spectra_keeps_its_names(tmp_path, listed):
    with fits.open(spaxel.export(listed, tmp_path / "teas.fits")) as hdus:
        assert list(hdus["SAMPLES"].data["sample"][:2]) == ["tea 0", "tea 1"]
        assert hdus["ABUNDANCES"].data.shape == (3, 13, 1)


def test_a_raster_keeps_its_place_as_a_plane(tmp_path):
    result = a_result(transform=[500000.0, 30.0, 0.0, 4.5e6, 0.0, 30.0], crs="EPSG:32633", pixel_units="m")
    with fits.open(spaxel.export(result, tmp_path / "a.fits")) as hdus:
        x, y = WCS(hdus[0].header).pixel_to_world_values(2, 5)
        assert (float(x), float(y)) == (500000 + 2.5 * 30, 4.5e6 + 5.5 * 30)  # south is up


def test_what_cannot_be_placed_is_not(tmp_path):
    header = rotated().to_header_string()
    result = a_result(wcs_header=header, maps=[{"at": 0}])
    with fits.open(spaxel.export(result, tmp_path / "a.fits")) as hdus, warnings.catch_warnings():
        assert "CTYPE1" not in hdus[0].header
        assert hdus[0].data.shape == SHAPE
    assert NAMES[0] == "azurite, blue"
