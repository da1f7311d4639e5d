from contextlib import suppress

import numpy as np
import pytest
import spectral.io.envi

from spaxel import open_cube
from spaxel.errors import AxisError, CubeError, GuessWarning, NotFound, ReadError, SpaxelError
from spaxel.readers.envi import open_envi, reader
from spaxel.testing import check_reader

TYPES = ["u1", "i2", "i4", "f4", "f8", "u2", "u4", "i8", "u8"]
AXIS = [400.0 + 10 * k for k in range(11)]
HEADER = "ENVI\nsamples = 7\nlines = 13\nbands = 11\ndata type = 2\ninterleave = bsq\nbyte order = 0\n"


def numbers(dtype="i2", shape=(13, 7, 11)):
    return (np.arange(np.prod(shape)).reshape(shape) % 120 + 1).astype(dtype)


def write(folder, values, name="scene", interleave="bsq", order=0, **metadata):
    path = folder / f"{name}.hdr"
    metadata = {"wavelength": AXIS, "wavelength units": "Nanometers"} | metadata
    metadata = {key: value for key, value in metadata.items() if value is not None}
    spectral.io.envi.save_image(
        str(path), values, dtype=values.dtype, interleave=interleave, byteorder=order, ext=".img", metadata=metadata
    )
    return path


def raw(folder, header, values):
    (folder / "raw.hdr").write_text(header)
    (folder / "raw.img").write_bytes(values if isinstance(values, bytes) else values.tobytes())
    return folder / "raw.hdr"


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_layout_gives_what_spectral_wrote(tmp_path, interleave, order, dtype):
    values = numbers(dtype)
    path = write(tmp_path, values, interleave=interleave, order=order)
    cube = open_cube(path)
    oracle = spectral.io.envi.open(str(path)).load(dtype=dtype)
    assert cube["spectra"].dtype == np.dtype(dtype).newbyteorder("<>"[order])
    np.testing.assert_array_equal(cube["spectra"].values, values)
    np.testing.assert_array_equal(cube["spectra"].values, np.asarray(oracle))
    assert cube["channel"].attrs == {"units": "nm", "long_name": "wavelength"}
    np.testing.assert_array_equal(cube["channel"], AXIS)


def test_reading_is_lazy_in_tiles(tmp_path):
    cube = open_envi(write(tmp_path, numbers(shape=(130, 67, 11))))
    assert cube["spectra"].chunks == ((64, 64, 2), (64, 3), (11,))


def test_promises(tmp_path):
    path = write(tmp_path, numbers())
    check_reader(reader, path)
    check_reader(reader, path.with_suffix(".img"))


@pytest.mark.parametrize(
    ("data", "header"), [("a.img", "a.hdr"), ("a.dat", "a.dat.hdr"), ("a", "a.hdr"), ("a.b.raw", "a.b.HDR")]
)
def test_either_of_the_pair_opens(tmp_path, data, header):
    values = numbers()
    (tmp_path / header).write_text(HEADER + "wavelength = {" + ", ".join(map(str, AXIS)) + "}\nwavelength units = um\n")
    (tmp_path / data).write_bytes(np.moveaxis(values, 2, 0).tobytes())
    for name in (data, header):
        np.testing.assert_array_equal(open_cube(tmp_path / name)["spectra"], values)


def test_half_a_pair_says_what_is_missing(tmp_path):
    path = write(tmp_path, numbers())
    path.with_suffix(".img").unlink()
    with pytest.raises(NotFound, match=r"scene\.img"):
        open_cube(path)
    lonely = tmp_path / "lonely.img"
    lonely.write_bytes(b"\0" * 100)
    with pytest.raises(NotFound, match=r"no ENVI header beside it\. Try"):
        open_envi(lonely)


def test_header_offset_is_skipped_and_extra_bytes_are_told(tmp_path):
    values = numbers()
    data = b"x" * 5 + np.moveaxis(values, 2, 0).tobytes() + b"more"
    cube = open_envi(raw(tmp_path, HEADER + "header offset = 5\n", data), channel=AXIS, units="nm")
    np.testing.assert_array_equal(cube["spectra"], values)
    assert any("4 bytes more" in line for line in cube.attrs["history"])


@pytest.mark.parametrize("lines", [13, 10**15])
def test_a_short_file_is_refused_with_both_sizes(tmp_path, lines):
    path = raw(tmp_path, HEADER.replace("lines = 13", f"lines = {lines}"), numbers().tobytes()[:-1])
    with pytest.raises(ReadError, match=rf"truncated: it has {13 * 7 * 11 * 2 - 1} bytes, and {lines * 7 * 11 * 2}"):
        open_cube(path)


def test_the_offset_counts_when_sizes_are_compared(tmp_path):
    path = raw(tmp_path, HEADER + "header offset = 5\n", numbers())
    with pytest.raises(ReadError, match="truncated"):
        open_cube(path)


def test_a_file_that_shrinks_after_opening_is_an_error_not_a_crash(tmp_path):
    path = write(tmp_path, numbers())
    cube = open_envi(path)
    path.with_suffix(".img").write_bytes(b"\0" * 8)
    with pytest.raises(ReadError, match="truncated"):
        cube["spectra"].compute()


def test_no_wavelengths_is_a_guess_that_names_the_option(tmp_path):
    path = write(tmp_path, numbers(), **{"wavelength": None, "wavelength units": None})
    with pytest.warns(GuessWarning, match=r"11 channels are numbered\. Option channel"):
        cube = open_cube(path)
    assert cube["channel"].attrs["units"] == "index"
    assert len(cube.attrs["guesses"]) == 1
    assert open_cube(path, channel="index").attrs["guesses"] == []
    assert open_cube(path, channel=AXIS, units="nanometer")["channel"].attrs["units"] == "nm"
    with pytest.raises(AxisError, match="gives 2 values"):
        open_cube(path, channel=[1, 2])


def with_list(folder, lines, values=None):
    return raw(folder, HEADER + lines + "\n", np.moveaxis(numbers() if values is None else values, 2, 0))


@pytest.mark.parametrize(
    ("lines", "unit"),
    [
        ("wavelength = {" + "; ".join(f"{v + 0.5:g}".replace(".", ",") for v in AXIS) + "}", "nm"),
        ("wavelength = {" + ", ".join(f"{v + 0.5:g}".replace(".", ",") for v in AXIS) + "}", "nm"),
        ("wavelength = {" + ",\n".join(f"{v + 0.5:g}".replace(".", ",") for v in AXIS) + "}", "nm"),
        ("Wavelengths  =  {\n" + ",\n".join(f"{v + 0.5:g}" for v in AXIS) + " }\nWavelength Units = Nanometers", "nm"),
        ("band names = {" + ", ".join(f"Band {k} ({v + 0.5:g} nm)" for k, v in enumerate(AXIS, 1)) + "}", "nm"),
        ("band names = {" + ", ".join(f"Band {k} ({v + 0.5:g} Nanometers)" for k, v in enumerate(AXIS, 1)) + "}", "nm"),
        ("band names = {" + ", ".join(f"{v + 0.5:g} nm" for v in AXIS) + "}", "nm"),
        ("band names = {" + ", ".join(f"{v + 0.5:g}" for v in AXIS) + "}", "nm"),
        ("band names = {" + ", ".join(f"R{k}: {v + 0.5:g} cm-1 shift" for k, v in enumerate(AXIS)) + "}", "1/cm"),
    ],
)
@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_every_way_to_write_wavelengths(tmp_path, lines, unit):
    cube = open_cube(with_list(tmp_path, lines))
    np.testing.assert_allclose(cube["channel"], np.array(AXIS) + 0.5)
    assert cube["channel"].attrs["units"] == unit


def test_a_list_of_whole_numbers_without_blanks_is_no_list_of_decimals(tmp_path):
    cube = open_cube(
        with_list(tmp_path, "wavelength units = nm\nwavelength = {400,410, 420,430, 440,450,460,470,480,490,500}")
    )
    np.testing.assert_array_equal(cube["channel"], AXIS)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("wavelength = {1, two}", "something else than numbers"),
        ("wavelength = {0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1}", "2 different values for 11 channels"),
        ("wavelength = {1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3}", "4 different values"),
        ("wavelength = {1, 2, 3, nan, 5, 6, 7, 8, 9, 10, 11}", "NaN"),
        ("band names = {" + ", ".join(f"Band {k}" for k in range(11)) + "}", "no spectral axis"),
    ],
)
def test_a_list_that_is_no_axis_numbers_the_channels_and_refuses_nothing(tmp_path, lines, said):
    with pytest.warns(GuessWarning, match=rf"{said}.* channels are numbered\. Option channel decides"):
        cube = open_cube(with_list(tmp_path, lines + "\nbbl = {a}\nfwhm = {b}"))
    np.testing.assert_array_equal(cube["channel"], np.arange(11))


def test_detectors_that_overlap_are_sorted_and_every_channel_kept(tmp_path):
    axis = [400, 410, 420, 430, 440, 450, 430, 445, 460, 470, 480]
    lines = "wavelength units = nm\nwavelength = {" + ", ".join(map(str, axis)) + "}"
    with pytest.warns(GuessWarning, match="not in order .* sorted, and 1 of them occurs more than once"):
        cube = open_cube(with_list(tmp_path, lines + "\nfwhm = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}"))
    found, order = cube["channel"].values, cube["fwhm"].values.astype(int)
    assert (np.diff(found) > 0).all()
    np.testing.assert_allclose(found, np.array(axis)[order], atol=2.6)
    np.testing.assert_array_equal(cube["spectra"], numbers()[..., order])


def test_units_are_guessed_from_the_range_where_the_header_is_silent(tmp_path):
    path = write(tmp_path, numbers(), **{"wavelength units": "Unknown"})
    with pytest.warns(GuessWarning, match="took nm from its range 400 to 500. Option units"):
        assert open_cube(path)["channel"].attrs["units"] == "nm"
    assert open_cube(path, units="um")["channel"].attrs["units"] == "um"


def test_falling_wavelengths_turn_everything_on_them(tmp_path):
    path = write(tmp_path, numbers(), wavelength=AXIS[::-1], bbl=[0, *[1] * 10], fwhm=[float(k) for k in range(11)])
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], numbers()[..., ::-1])
    assert cube["good_channel"].values.tolist() == [True] * 10 + [False]
    assert cube["fwhm"].values.tolist() == list(range(10, -1, -1))
    assert any("1 channels as bad" in line for line in cube.attrs["history"])
    assert cube.isel(channel=slice(3))["good_channel"].sizes == {"channel": 3}


@pytest.mark.parametrize(("dtype", "ignored"), [("i2", -9999), ("f4", -9999.0), ("f4", "nan")])
def test_the_ignored_value_is_no_data_where_all_channels_hold_it(tmp_path, dtype, ignored):
    values = numbers(dtype)
    values[3, 2], values[5, 6, 4] = float(ignored), float(ignored)
    cube = open_cube(write(tmp_path, values, **{"data ignore value": ignored}))
    assert np.argwhere(~cube["valid"].values).tolist() == [[3, 2]]


def test_an_ignored_value_that_the_type_cannot_hold_ignores_nothing(tmp_path):
    assert open_cube(write(tmp_path, numbers("u1"), **{"data ignore value": -9999}))["valid"].all()


def test_all_zero_pixels_are_no_data(tmp_path):
    values = numbers()
    values[0, 1] = 0
    assert np.argwhere(~open_cube(write(tmp_path, values))["valid"].values).tolist() == [[0, 1]]


def test_place_on_earth(tmp_path):
    info = ["UTM", 2, 3, 500000.0, 4.0e6, 30.0, 20.0, 33, "South", "WGS-84", "units=Meters"]
    attrs = open_cube(write(tmp_path, numbers(), **{"map info": info})).attrs
    assert attrs["transform"] == [500000.0 - 30, 30.0, 0.0, 4.0e6 + 40, 0.0, -20.0]
    assert attrs["crs"] == "EPSG:32733"
    turned = open_cube(write(tmp_path, numbers(), "turned", **{"map info": [*info, "rotation=30"]})).attrs
    assert "transform" not in turned
    assert "rotation=30" in turned["map_info"]
    wkt = open_cube(
        write(tmp_path, numbers(), "wkt", **{"map info": info, "coordinate system string": ['PROJCS["x"]']})
    )
    assert wkt.attrs["crs"] == 'PROJCS["x"]'


def test_spectral_library_is_a_list_of_spectra(tmp_path):
    values = numbers("f4", (3, 11))
    header = (
        HEADER.replace("samples = 7", "samples = 11").replace("lines = 13", "lines = 3").replace("= 11\nd", "= 1\nd")
    )
    path = raw(tmp_path, header.replace("type = 2", "type = 4") + "file type = ENVI Spectral Library\n", values)
    cube = open_envi(path, channel=AXIS, units="nm")
    np.testing.assert_array_equal(cube["spectra"].values[:, 0], values)


@pytest.mark.parametrize("size", [(1, 1, 11), (13, 7, 1)])
@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_one_pixel_and_one_channel(tmp_path, size):
    values = numbers(shape=size)
    path = write(tmp_path, values, **{"wavelength": None, "wavelength units": None})
    np.testing.assert_array_equal(open_cube(path)["spectra"], values)


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ("type = 2", "type = 6", CubeError, "complex"),
        ("type = 2", "type = 7", ReadError, "data type = 7"),
        ("lines = 13", "lines = 0", ReadError, "at least 1"),
        ("lines = 13", "lines = many", ReadError, "no integer"),
        ("lines = 13\n", "", ReadError, "no field 'lines'"),
        ("bsq", "spiral", ReadError, "interleave = 'spiral'"),
        ("bands", "wavelength = {1, 2", ReadError, "never closed"),
        ("bands", "file compression = 1\nbands", ReadError, "compressed"),
        ("bands", "major frame offsets = {4, 4}\nbands", ReadError, "frame offsets"),
    ],
)
def test_bad_headers_are_explained(tmp_path, old, new, kind, message):
    path = raw(tmp_path, HEADER.replace(old, new, 1), numbers())
    with pytest.raises(kind, match=message):
        open_cube(path)


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_damage_never_raises_a_stranger(tmp_path):
    rng = np.random.default_rng(3)
    good = (
        HEADER + "wavelength = {1,2,3,4,5,6,7,8,9,10,11}\nmap info = {UTM, 1, 1, 0, 0, 1, 1, 3, North}\nbbl = {1}\n"
    ).encode()
    for _ in range(200):
        bad = bytearray(good)
        bad[rng.integers(4, len(bad))] = rng.integers(32, 127)
        path = raw(tmp_path, bytes(bad).decode(), numbers())
        with suppress(SpaxelError):
            open_cube(path)


def test_nan_stays_and_is_no_data_alone(tmp_path):
    values = numbers("f4")
    values[2, 3], values[4, 4, 5] = np.nan, np.nan
    cube = open_cube(write(tmp_path, values))
    np.testing.assert_array_equal(cube["spectra"], values)
    assert np.argwhere(~cube["valid"].values).tolist() == [[2, 3]]
