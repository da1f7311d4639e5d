"""OME-TIFF and ImageJ stacks: axes, channels and pixels as they are described, singleton axes dropped, lazily."""

import numpy as np
import pytest
import tifffile

from spaxel.errors import GuessWarning, SpaxelError
from spaxel.readers import open_cube
from spaxel.readers.parts import tiff_stack

DATA = np.random.default_rng(0).integers(1, 99, (11, 83, 71)).astype("u2")  # c, y, x
CUBE = np.moveaxis(DATA, 0, -1)
NAMES = [f"{400 + 10 * k} nm" for k in range(11)]


def ome(path, data=None, axes="TCZYX", *, names=NAMES, waves=None, **options):
    data = DATA[None, :, None] if data is None else data
    channel = {"Name": names} if waves is None else {"EmissionWavelength": waves, "EmissionWavelengthUnit": ["nm"] * 11}
    about = {"axes": axes, "Channel": channel, "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"}
    about |= {"PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(path, data, ome=True, metadata=about, photometric="minisblack", **options)
    return path


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"tile": (16, 32)}, {"bigtiff": True, "byteorder": ">"}]
)
def test_ome(tmp_path, options):
    cube = open_cube(ome(tmp_path / "a.ome.tif", **options))
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_allclose(cube["channel"], 400 + 10 * np.arange(11))
    assert cube["channel"].attrs["units"] == "nm"
    assert (cube.attrs["pixel_size"], cube.attrs["pixel_units"]) == ([0.5, 0.25], "um")
    assert (cube["spectra"].chunks is not None) == (options in ({}, {"bigtiff": True, "byteorder": ">"}))
    assert cube.attrs["guesses"] == []


def test_emission_wavelengths_come_before_names(tmp_path):
    cube = open_cube(ome(tmp_path / "a.ome.tif", waves=[500.0 + k for k in range(11)]))
    np.testing.assert_allclose(cube["channel"], 500 + np.arange(11))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("large", [True, False])
def test_several_depths_are_stacked_or_picked(tmp_path, monkeypatch, compression, large):
    data = np.stack([DATA, DATA + 1, DATA + 2], 1)[None]  # t c z y x
    path = ome(tmp_path / "a.ome.tif", data, compression=compression)
    monkeypatch.setattr(tiff_stack, "LARGE", 0 if large else 2**28)
    with pytest.warns(GuessWarning, match="3 maps are stacked along y, 83 rows each"):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], np.concatenate([CUBE, CUBE + 1, CUBE + 2]))
    picked = open_cube(path, index="z=1")
    np.testing.assert_array_equal(picked["spectra"], CUBE + 1)
    np.testing.assert_array_equal(picked["spectra"][60:80, 3:70, 2:9], (CUBE + 1)[60:80, 3:70, 2:9])
    assert (cube["spectra"].chunks is None) == (compression is not None and not large)


def test_imagej(tmp_path):
    about = {"axes": "CYX", "unit": "um", "Labels": NAMES}
    tifffile.imwrite(tmp_path / "a.tif", DATA, imagej=True, metadata=about, resolution=(4.0, 2.0))
    cube = open_cube(tmp_path / "a.tif")
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_allclose(cube["channel"], 400 + 10 * np.arange(11))
    assert (cube.attrs["pixel_size"], cube.attrs["pixel_units"]) == ([0.5, 0.25], "um")


@pytest.mark.filterwarnings("ignore:a.tif has no spectral axis")
def test_times_without_channels_are_a_guess(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DATA, imagej=True, metadata={"axes": "TYX"})
    with pytest.warns(GuessWarning, match="Option channel_axis decides"):
        np.testing.assert_array_equal(open_cube(tmp_path / "a.tif")["spectra"], CUBE)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_mutants_end_in_an_error_of_ours(tmp_path, compression):
    whole = ome(tmp_path / "a.ome.tif", DATA[None, :, None, :13, :7], compression=compression).read_bytes()
    rng, path = np.random.default_rng(0), tmp_path / "b.ome.tif"
    for number in range(150):
        bad = bytearray(whole)
        for _ in range(1 + number % 4):
            bad[rng.integers(len(bad) if number % 2 else 2000)] = rng.integers(256)
        path.write_bytes(bad[: rng.integers(8, len(bad))] if number % 5 == 0 else bad)
        try:
            open_cube(path)["spectra"].isel(y=slice(4), x=slice(4)).values.sum()
        except SpaxelError:
            continue
