"""A folder of one picture per band: order, wavelengths, sizes, places; and what is refused with a list."""

import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from spaxel.errors import GuessWarning, ReadError, SpaxelError
from spaxel.readers import open_cube, readers
from spaxel.testing import check_reader

CUBE = np.random.default_rng(0).integers(1, 60_000, (83, 71, 12)).astype("u2")
WAVES = 400 + 50 * np.arange(12)
NUMBERED = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def tiffs(folder, names, cube=CUBE, **options):
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(names):
        tifffile.imwrite(folder / name, cube[..., k], **options)
    return folder


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("pattern", ["img_{}nm.tif", "{} nm.tiff", "leaf2_{}nm_reflectance.tif"])
def test_wavelengths_in_the_names(tmp_path, pattern, compression):
    folder = tiffs(tmp_path / "a", [pattern.format(w) for w in WAVES], compression=compression)
    cube = open_cube(folder)
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    assert cube["spectra"].chunks is not None
    np.testing.assert_array_equal(cube["channel"], WAVES)
    assert (cube["channel"].attrs["units"], cube.attrs["guesses"], cube.attrs["reader"]) == ("nm", [], "bands")


def test_numbers_without_a_unit_are_a_guess(tmp_path):
    with pytest.warns(GuessWarning, match="took nm from its range"):
        cube = open_cube(tiffs(tmp_path / "a", [f"scan3_{w}.tif" for w in WAVES]))
    np.testing.assert_array_equal(cube["channel"], WAVES)


@NUMBERED
@pytest.mark.parametrize("pattern", ["band_{}.tif", "LC08_044034_20200716_B{}.TIF", "{}.tif"])
def test_counted_bands_are_in_natural_order(tmp_path, pattern):
    cube = open_cube(tiffs(tmp_path / "a", [pattern.format(k + 1) for k in range(12)]))
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    assert cube["channel"].attrs["units"] == "index"


@NUMBERED
def test_wavelengths_in_a_file_of_the_folder(tmp_path):
    folder = tiffs(tmp_path / "a", [f"band_{k}.tif" for k in range(12)])
    (folder / "wavelengths_nm.txt").write_text(" ".join(map(str, WAVES)))
    np.testing.assert_array_equal(open_cube(folder)["channel"], WAVES)


@NUMBERED
def test_pictures_of_png(tmp_path):
    (tmp_path / "a").mkdir()
    for k in range(12):
        Image.fromarray((CUBE[..., k] // 256).astype("u1")).save(tmp_path / "a" / f"x_ms_{k + 1:02}.png")
    np.testing.assert_array_equal(open_cube(tmp_path / "a")["spectra"], CUBE // 256)


def geotiffs(folder, *, shift=0, tags=True):
    rasterio = pytest.importorskip("rasterio")
    folder.mkdir()
    for k in range(12):
        place = rasterio.Affine(10, 0, 5e5 + shift * k, 0, -10, 5e6)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(folder / f"B{k + 1}.tif", "w", driver="GTiff", height=83, width=71, count=1, dtype="uint16",
                               crs="EPSG:32632", transform=place, nodata=0) as file:  # fmt: skip
                file.write(CUBE[..., k], 1)
                file.update_tags(1, wavelength=str(WAVES[k]), wavelength_units="nm")
    return folder


def test_bands_of_geotiff(tmp_path):
    cube = open_cube(geotiffs(tmp_path / "a"))
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_array_equal(cube["channel"], WAVES)
    assert "32632" in cube.attrs["crs"]
    assert (cube.attrs["pixel_size"], cube.attrs["pixel_units"]) == ([10, 10], "m")


def test_bands_of_different_places(tmp_path):
    with pytest.raises(ReadError, match=r"different places: B1\.tif and B2\.tif"):
        open_cube(geotiffs(tmp_path / "a", shift=10))


def test_mixed_folders_are_refused_with_a_list(tmp_path):
    folder = tiffs(tmp_path / "a", [f"{w}nm.tif" for w in WAVES])
    tifffile.imwrite(folder / "preview.tif", np.zeros((83, 71, 3), "u1"), photometric="rgb")
    with pytest.raises(ReadError, match=r"most are \(83, 71\), and there are preview\.tif \(83, 71, 3\) uint8"):
        open_cube(folder)
    tifffile.imwrite(folder / "preview.tif", np.zeros((41, 35), "u2"))
    with pytest.raises(ReadError, match=r"preview\.tif \(41, 35\)"):
        open_cube(folder)


def test_scenes_in_a_folder_are_no_bands(tmp_path):
    (tmp_path / "a").mkdir()
    for k in range(3):
        tifffile.imwrite(tmp_path / "a" / f"scene{k}.tif", np.moveaxis(CUBE, -1, 0), photometric="minisblack")
    with pytest.raises(ReadError, match=r"each a cube or a photograph of its own. Try one of them: scene0\.tif"):
        open_cube(tmp_path / "a")


@pytest.mark.filterwarnings("ignore")
def test_mutants_end_in_an_error_of_ours(tmp_path):
    folder, rng = tiffs(tmp_path / "a", ["400nm.tif", "500nm.tif"], CUBE[:9, :7]), np.random.default_rng(0)
    whole = (folder / "500nm.tif").read_bytes()
    for number in range(300):
        bad = bytearray(whole)
        bad[rng.integers(300 if number % 2 else len(bad))] = rng.integers(256)
        (folder / "500nm.tif").write_bytes(bad[: rng.integers(1, len(bad))] if number % 5 == 0 else bad)
        try:
            open_cube(folder)["spectra"].values.sum()
        except SpaxelError:
            continue


def test_segment_through_the_command(cli, tmp_path):
    tall = (
        np.repeat(np.arange(3), 8)[:, None, None] * np.sin(np.arange(12))
        + 3
        + np.random.default_rng(0).random((24, 20, 12)) / 9
    )
    folder = tiffs(tmp_path / "a", [f"{w}nm.tif" for w in WAVES], tall.astype("f4"))
    code, _, err = cli("segment", "--method=kmeans", folder, "-o", tmp_path / "run", "--n-clusters", 3)
    assert (code, err) == (0, "")


def test_promises_of_a_reader(tmp_path):
    check_reader(readers()["bands"], tiffs(tmp_path / "a", ["400nm.tif", "500nm.tif"], CUBE[:9, :7]))
