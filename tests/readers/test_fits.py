"""FITS: the axis of the WCS in the file's unit, variance of every kind, scaling, and damage."""

import gzip

import numpy as np
import pytest

from spaxel.errors import AxisError, CubeError, GuessWarning, NotFound, ReadError
from spaxel.readers import open_cube, readers
from spaxel.readers.native import write_cube
from spaxel.testing import check_reader

fits = pytest.importorskip("astropy.io.fits")

DATA = np.random.default_rng(0).normal(5, 1, (11, 13, 7)).astype(">f4")  # channel, y, x
SPECTRA = np.moveaxis(DATA, 0, -1)
WCS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg", "CRVAL1": 20.0, "CRVAL2": -30.0,
    "CRPIX1": 3.0, "CRPIX2": 5.0, "CDELT1": -5e-5, "CDELT2": 5e-5,
    "CTYPE3": "WAVE", "CUNIT3": "Angstrom", "CRVAL3": 4750.0, "CRPIX3": 2.0, "CDELT3": 1.25,
}  # fmt: skip
NO_AXIS = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def save(path, *parts, **header):
    """A file of (name, data) parts; the first is the primary HDU, and all have the WCS changed by `header`."""
    cards = fits.Header({k: v for k, v in (WCS | header).items() if v is not None})
    hdus = [fits.PrimaryHDU(parts[0][1], cards)]
    hdus += [fits.ImageHDU(data, cards, name=name) for name, data in parts[1:]]
    if parts[0][0]:
        hdus[0].name = parts[0][0]
    fits.HDUList(hdus).writeto(path, output_verify="ignore")
    return path


def test_cube_of_an_ifu(tmp_path):
    path = save(tmp_path / "a.dat", ("", None), ("DATA", DATA), ("STAT", abs(DATA)), BUNIT="erg")
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    np.testing.assert_array_equal(cube["variance"], abs(SPECTRA))
    np.testing.assert_array_equal(cube["channel"], 4750 + 1.25 * (np.arange(11) - 1))
    assert cube["channel"].attrs == {"units": "Angstrom", "long_name": "wavelength"}
    assert cube["spectra"].dtype == ">f4"
    assert cube["spectra"].chunks is not None
    assert cube["spectra"].attrs["units"] == "erg"
    assert (cube.attrs["origin"], cube.attrs["dataset"], cube.attrs["guesses"]) == ("lower", "DATA", [])


def test_wcs_header_comes_back(tmp_path):
    from astropy.wcs import WCS as AstropyWCS

    cube = open_cube(save(tmp_path / "a.fits", ("", DATA)))
    write_cube(cube, tmp_path / "b.zarr")
    text = open_cube(tmp_path / "b.zarr").attrs["wcs_header"]
    celestial = AstropyWCS(fits.Header.fromstring(text)).celestial
    np.testing.assert_allclose(celestial.wcs_pix2world([[3, 5]], 1), [[20, -30]])


@pytest.mark.parametrize(
    ("header", "units", "expected"),
    [
        ({"CTYPE3": "AWAV", "CUNIT3": "nm"}, "nm", 4750 + 1.25 * np.arange(-1, 10)),
        ({"CTYPE3": "LINEAR"}, "Angstrom", 4750 + 1.25 * np.arange(-1, 10)),
        ({"CTYPE3": None, "CDELT3": None, "CD3_3": 2.0}, "Angstrom", 4750 + 2.0 * np.arange(-1, 10)),
        ({"CTYPE3": "WAVE", "CUNIT3": "m", "CRVAL3": 5e-7, "CDELT3": 1e-9}, "nm", 500 + np.arange(-1, 10)),
        ({"CTYPE3": "WAVE-LOG"}, "Angstrom", 4750 * np.exp(1.25 * np.arange(-1, 10) / 4750)),
        ({"CTYPE3": "FREQ", "CUNIT3": "GHz", "CRVAL3": 115.0, "CDELT3": -0.1}, "GHz", 115 - 0.1 * np.arange(9, -2, -1)),
        ({"CTYPE3": "ENER", "CUNIT3": "keV", "CRVAL3": 2.0, "CDELT3": 0.5}, "keV", 2 + 0.5 * np.arange(-1, 10)),
        ({"CTYPE3": "LINEAR", "DC-FLAG": 1, "CRVAL3": 3.6, "CDELT3": 1e-4}, "Angstrom", 10 ** (3.6 + 1e-4 * np.arange(-1, 10))),
    ],
)  # fmt: skip
def test_axes_of_the_wcs(tmp_path, header, units, expected):
    cube = open_cube(save(tmp_path / "a.fits", ("", DATA), **header))
    np.testing.assert_allclose(cube["channel"], expected, rtol=1e-12)
    assert cube["channel"].attrs["units"] == units
    descending = header.get("CDELT3", 1) is not None and header.get("CDELT3", 1) < 0
    np.testing.assert_array_equal(cube["spectra"], SPECTRA[..., ::-1] if descending else SPECTRA)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_spectral_axis_anywhere(tmp_path, at):
    """The WCS says which axis is spectral; the other two keep their order."""
    order = [n for n in (1, 2, 3) if n != at]
    header = dict.fromkeys(WCS)
    for new, old in zip([*order, at], (1, 2, 3), strict=True):
        header |= {f"{k}{new}": WCS[f"{k}{old}"] for k in ("CTYPE", "CUNIT", "CRVAL", "CRPIX", "CDELT")}
    cube = open_cube(save(tmp_path / "a.fits", ("", np.moveaxis(DATA, 0, 3 - at)), **header))
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    assert cube["channel"].attrs["units"] == "Angstrom"


def test_undeclared_axis_is_a_guess(tmp_path):
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(DATA).writeto(path)
    with pytest.warns(GuessWarning, match=r"channel_axis decides|channel decides"):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    assert [("channel_axis" in g, "Option channel" in g) for g in cube.attrs["guesses"]] == [
        (True, True),
        (False, True),
    ]
    cube = open_cube(path, channel_axis=2, channel=np.arange(7) + 1.5, units="nm")
    np.testing.assert_array_equal(cube["spectra"], DATA)
    assert cube["channel"].values[0] == 1.5
    with pytest.raises(AxisError):
        open_cube(path, channel_axis=3)


def test_no_unit_is_a_guess(tmp_path):
    path = save(tmp_path / "a.fits", ("", DATA), CUNIT3=None)
    with pytest.warns(GuessWarning, match="Option units decides"):
        assert open_cube(path)["channel"].attrs["units"] == "Angstrom"
    assert open_cube(path, units="nm")["channel"].attrs["units"] == "nm"


def test_stokes_axis_is_dropped(tmp_path):
    for number, data in enumerate((DATA[None], DATA[:, None])):
        header = {"CTYPE4": "STOKES", "CRVAL4": 1.0, "CRPIX4": 1.0, "CDELT4": 1.0}
        if number:
            header = {k.replace("4", "3"): v for k, v in header.items()} | {"CUNIT3": None} | {
                k.replace("3", "4"): v for k, v in WCS.items() if k.endswith("3")
            }  # fmt: skip
        cube = open_cube(save(tmp_path / f"{number}.fits", ("", data), **header))
        np.testing.assert_array_equal(cube["spectra"], SPECTRA)
        assert cube["channel"].attrs["units"] == "Angstrom"


@pytest.mark.parametrize("name", ["VAR", "IVAR", "ERR"])
def test_variance_of_every_kind(tmp_path, name):
    stored = abs(DATA).astype("f4")
    stored[0, 0, 0] = stored[:, 1, 1] = 0
    cube = open_cube(save(tmp_path / "a.fits", ("SCI", DATA), (name, stored), ("DQ", np.zeros(DATA.shape, "i2"))))
    moved = np.moveaxis(stored, 0, -1)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(
            cube["variance"], {"VAR": moved, "IVAR": 1 / moved, "ERR": moved**2}[name], rtol=1e-6
        )
    assert cube["valid"].values.sum() == 13 * 7 - (name == "IVAR")
    assert any("DQ is not 0" in sentence for sentence in cube.attrs["history"])


def test_variance_of_another_shape_is_left_out(tmp_path):
    assert "variance" not in open_cube(save(tmp_path / "a.fits", ("SCI", DATA), ("VAR", DATA[:5])))


def test_several_cubes_are_listed(tmp_path):
    path = save(tmp_path / "a.fits", ("", None), ("LEFT", DATA), ("RIGHT", DATA + 1))
    with pytest.raises(ReadError, match=r"1 LEFT.*2 RIGHT.*dataset"):
        open_cube(path)
    for dataset in ("right", 2, "2"):
        np.testing.assert_array_equal(open_cube(path, dataset=dataset)["spectra"], SPECTRA + 1)
    with pytest.raises(NotFound, match="LEFT"):
        open_cube(path, dataset="MIDDLE")


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("dtype", ["u2", "u4", "u8", "u1", "i1", "i2", "i4", "f8"])
def test_every_dtype(tmp_path, dtype, lazy):
    high = np.iinfo(dtype).max if dtype[0] != "f" else 100
    data = (np.random.default_rng(1).random(DATA.shape) * high).astype(dtype)
    data[0, 0, 0] = high
    path = save(tmp_path / "a.fits", ("", data))
    if not lazy:
        path.write_bytes(gzip.compress(path.read_bytes()))
    cube = open_cube(path)
    assert (cube["spectra"].chunks is not None) == lazy
    np.testing.assert_array_equal(cube["spectra"], np.moveaxis(data, 0, -1))


def test_scaled_numbers_and_blanks(tmp_path):
    data = np.arange(11 * 13 * 7, dtype="i2").reshape(DATA.shape)
    path = save(tmp_path / "a.fits", ("", data), BLANK=5)
    raw, end = path.read_bytes(), b"END" + b" " * 77
    cards = f"{'BSCALE  =                  0.5':80}{'BZERO   =                 10.0':80}".encode()
    path.write_bytes(raw[:2880].replace(end, cards + end)[:2880] + raw[2880:])
    cube = open_cube(path)
    expected = np.moveaxis(np.where(data == 5, np.nan, data * 0.5 + 10), 0, -1)
    np.testing.assert_allclose(cube["spectra"], expected)


def test_compressed_images(tmp_path):
    path = tmp_path / "a.fits"
    data = (DATA * 100).astype("i2")
    hdu = fits.CompImageHDU(data, fits.Header(WCS), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    np.testing.assert_array_equal(open_cube(path)["spectra"], np.moveaxis(data, 0, -1))


def test_nan_is_no_data(tmp_path):
    data = DATA.copy()
    data[:, 2, 3] = np.nan
    valid = open_cube(save(tmp_path / "a.fits", ("", data)))["valid"].values
    assert not valid[2, 3]
    assert valid.sum() == 13 * 7 - 1


@pytest.mark.parametrize("shape", [(11, 1, 1), (1, 13, 7), (1, 1, 1), (11, 1, 7)])
def test_small_cubes(tmp_path, shape):
    data = np.ones(shape, "f4")
    cube = open_cube(save(tmp_path / "a.fits", ("", data)))
    assert cube["spectra"].shape == (*shape[1:], shape[0])


@NO_AXIS
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.4, 0.5, 0.51, 0.9])
def test_truncated_file(tmp_path, share, packed):
    whole = save(tmp_path / "a.fits", ("", None), ("DATA", DATA), ("STAT", abs(DATA))).read_bytes()
    cut = gzip.compress(whole)[: int(len(gzip.compress(whole)) * share)] if packed else whole[: int(len(whole) * share)]
    (tmp_path / "b.fits").write_bytes(cut)
    with pytest.raises((ReadError, CubeError)):
        open_cube(tmp_path / "b.fits")


def test_petabytes_are_not_believed(tmp_path):
    path = save(tmp_path / "a.fits", ("", DATA))
    raw = path.read_bytes().replace(b"NAXIS1  =                    7", b"NAXIS1  =     1000000000000007")
    path.write_bytes(raw)
    with pytest.raises(ReadError, match=r"complete|truncated"):
        open_cube(path)
    path.write_bytes(gzip.compress(raw))
    with pytest.raises(ReadError):
        open_cube(path)


@pytest.mark.parametrize("data", [np.ones((13, 7)), np.ones(5), np.ones((3, 4, 5, 6)), None])
def test_no_cube_inside(tmp_path, data):
    fits.PrimaryHDU(data).writeto(tmp_path / "a.fits")
    with pytest.raises(ReadError, match="no image with three axes"):
        open_cube(tmp_path / "a.fits")


@pytest.mark.parametrize("text", [b"", b"SIMPLE  =", b"SIMPLE  =                    T" + b" " * 50 + b"\0" * 5000])
def test_rubbish(tmp_path, text):
    (tmp_path / "a.fits").write_bytes(text)
    with pytest.raises(ReadError):
        open_cube(tmp_path / "a.fits")


def test_junk_at_the_end_is_harmless(tmp_path):
    path = save(tmp_path / "a.fits", ("", DATA))
    path.write_bytes(path.read_bytes() + b"\0" * 777)
    np.testing.assert_array_equal(open_cube(path)["spectra"], SPECTRA)


def test_promises_of_a_reader(tmp_path):
    check_reader(readers()["fits"], save(tmp_path / "a.fits", ("", None), ("DATA", DATA), ("IVAR", abs(DATA))))


@pytest.mark.parametrize(
    ("header", "units", "quantity", "first"),
    [
        ({"CTYPE3": "VRAD", "CUNIT3": None, "CRVAL3": 7000.0, "CDELT3": 100.0, "CRPIX3": 1.0}, "m/s", "velocity", 7000),
        ({"CTYPE3": "VELO-LSR", "CUNIT3": None, "CRVAL3": 4000.0, "CRPIX3": 1.0}, "m/s", "velocity", 4000),
        ({"CTYPE3": "VOPT", "CUNIT3": "km/s", "CRVAL3": 700.0, "CRPIX3": 1.0}, "km/s", "velocity", 700),
        ({"CTYPE3": "FREQ", "CUNIT3": None, "CRVAL3": 1.4e9, "CDELT3": 1e6, "CRPIX3": 1.0}, "Hz", "frequency", 1.4e9),
        ({"CTYPE3": "AWAV", "CUNIT3": None, "CRVAL3": 5e-7, "CDELT3": 1e-9, "CRPIX3": 1.0}, "nm", "wavelength", 500),
    ],
)
def test_the_type_of_the_axis_comes_before_its_range(tmp_path, header, units, quantity, first):
    """Radio cubes without CUNIT3: 7000 m/s were called 7000 Angstrom."""
    cube = open_cube(save(tmp_path / "a.fits", ("", DATA[None]), **header, CTYPE4="STOKES", CRVAL4=1.0, CDELT4=1.0))
    assert cube["spectra"].shape == SPECTRA.shape
    assert cube["channel"].attrs == {"units": units, "long_name": quantity}
    np.testing.assert_allclose(cube["channel"][0], first)
    assert cube.attrs["guesses"] == []


NONE = {f"{key}3": None for key in ("CTYPE", "CUNIT", "CRVAL", "CRPIX", "CDELT")}
WAVE = 3600 * 1.005 ** np.arange(11)


def table(name, **columns):
    held = [fits.Column(n, "D" if v.ndim == 1 else f"{v.size}D", unit=u, array=v) for n, (v, u) in columns.items()]
    return fits.BinTableHDU.from_columns(held, name=name)


def wave_image(name, values, unit=None):
    hdu = fits.ImageHDU(values, name=name)
    if unit:
        hdu.header["BUNIT"] = unit
    return hdu


@NO_AXIS
@pytest.mark.parametrize(
    ("extension", "units", "ends"),
    [
        (wave_image("WAVE", WAVE), "Angstrom", WAVE[[0, -1]]),
        (wave_image("WAVELENGTH", WAVE[None] / 10, "nm"), "nm", WAVE[[0, -1]] / 10),
        (wave_image("LAMBDA", WAVE * 1e-10, "m"), "nm", WAVE[[0, -1]] / 10),
        (table("WAVE", lam=(WAVE / 1e4, "um")), "um", WAVE[[0, -1]] / 1e4),
        (table("WCS-TABLE", wavelength=(WAVE[None] / 1e4, "um")), "um", WAVE[[0, -1]] / 1e4),
        (table("ENERGIES", Energy=(WAVE, "MeV")), "MeV", WAVE[[0, -1]]),
        (table("EBOUNDS", CHANNEL=(np.arange(11.0), ""), E_MIN=(WAVE, "keV"), E_MAX=(WAVE + 2, "keV")), "keV",
         WAVE[[0, -1]] + 1),
    ],
)  # fmt: skip
def test_the_axis_may_be_an_extension(tmp_path, extension, units, ends):
    path = save(tmp_path / "a.fits", ("", DATA), **NONE)
    with fits.open(path) as hdus:
        fits.HDUList([*hdus, wave_image("WAVE", np.arange(5.0)), extension]).writeto(tmp_path / "b.fits")
    cube = open_cube(tmp_path / "b.fits")
    np.testing.assert_allclose(cube["channel"].values[[0, -1]], ends)
    assert cube["channel"].attrs["units"] == units
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)


def test_a_header_that_declares_its_axis_needs_no_extension(tmp_path):
    path = save(tmp_path / "a.fits", ("", DATA))
    with fits.open(path) as hdus:
        fits.HDUList([*hdus, wave_image("WAVE", WAVE)]).writeto(tmp_path / "b.fits")
    np.testing.assert_array_equal(open_cube(tmp_path / "b.fits")["channel"], 4750 + 1.25 * (np.arange(11) - 1))


def test_a_preview_beside_a_cube_is_not_taken(tmp_path):
    path = save(tmp_path / "a.fits", ("", None), ("PREVIEW", DATA[:3]), ("MAIN", DATA))
    with pytest.warns(
        GuessWarning, match=r"took 2 MAIN, the only one of more than 4 channels\. Option dataset decides"
    ):
        np.testing.assert_array_equal(open_cube(path)["spectra"], SPECTRA)
