"""ESRI headers: every layout, padding and type against the numbers that were written, and damage."""

from contextlib import suppress

import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import GuessWarning, NotFound, ReadError, SpaxelError
from spaxel.readers.esri import reader
from spaxel.testing import check_reader

H, W, C = 13, 7, 11
CUBE = np.arange(H * W * C).reshape(H, W, C) % 250 + 1
AXIS = 400.0 + 10 * np.arange(C)
ORDERS = {"BIL": (0, 2, 1), "BIP": (0, 1, 2), "BSQ": (2, 0, 1)}
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def write(folder, *, layout="BIL", dtype="<u2", extra="", pads=((0, 0), (0, 0), (0, 0)), axis=AXIS, name="a"):
    stored = np.pad(CUBE.astype(dtype).transpose(ORDERS[layout]), pads, constant_values=99)
    (folder / f"{name}.bil").write_bytes(stored.tobytes())
    kind = np.dtype(dtype)
    pixel = {"u": "UNSIGNEDINT", "i": "SIGNEDINT", "f": "FLOAT"}[kind.kind]
    text = f"nrows {H}\nNCOLS  {W}\nNBANDS\t{C}\nNBITS {kind.itemsize * 8}\nPIXELTYPE {pixel}\nLAYOUT {layout}\n"
    text += f"BYTEORDER {'M' if dtype[0] == '>' else 'I'}\n{extra}"
    if axis is not None:
        text += "WAVELENGTHS\n" + "\n".join(map(str, axis)) + "\nWAVELENGTHS_END\n"
    (folder / f"{name}.hdr").write_text(text)
    return folder / f"{name}.hdr"


@quiet
@pytest.mark.parametrize("layout", ORDERS)
@pytest.mark.parametrize("dtype", ["<u1", "<i2", ">u2", "<i4", ">f4", "<f8"])
def test_every_layout_and_type(tmp_path, layout, dtype):
    path = write(tmp_path, layout=layout, dtype=dtype)
    for half in (path, path.with_suffix(".bil")):
        cube = open_cube(half)
        assert cube.attrs["reader"] == "esri"
        assert cube["spectra"].chunks is not None
        assert cube["spectra"].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(cube["spectra"], CUBE.astype(dtype))
        np.testing.assert_array_equal(cube["channel"], AXIS)
        assert cube["channel"].attrs["units"] == "nm"


@quiet
@pytest.mark.parametrize(
    ("layout", "pads", "extra"),
    [
        ("BIL", ((0, 0), (0, 0), (0, 3)), f"BANDROWBYTES {2 * (W + 3)}\nTOTALROWBYTES {2 * (W + 3) * C}\n"),
        ("BIL", ((0, 0), (0, 2), (0, 0)), f"TOTALROWBYTES {2 * W * (C + 2)}\n"),
        ("BIP", ((0, 0), (0, 4), (0, 0)), f"TOTALROWBYTES {2 * (W + 4) * C}\n"),
        ("BSQ", ((0, 0), (0, 2), (0, 0)), f"BANDGAPBYTES {2 * W * 2}\n"),
        ("BSQ", ((0, 0), (0, 0), (0, 1)), f"TOTALROWBYTES {2 * (W + 1)}\n"),
    ],
)
def test_padding_is_left_out(tmp_path, layout, pads, extra):
    if "BANDGAP" in extra:
        extra = extra.replace(str(2 * W * 2), str(2 * W * (H + 2) - 2 * W * H))
    path = write(tmp_path, layout=layout, pads=pads, extra=extra)
    np.testing.assert_array_equal(open_cube(path)["spectra"], CUBE)


@quiet
def test_no_data_place_and_promises(tmp_path):
    path = write(tmp_path, extra="NODATA 7\nULXMAP 100.5\nULYMAP 200.5\nXDIM 1\nYDIM 2\n")
    cube = open_cube(path)
    np.testing.assert_array_equal(np.isnan(cube["spectra"]), CUBE == 7)
    assert cube.attrs["transform"] == [100.0, 1.0, 0.0, 201.5, 0.0, -2.0]
    check_reader(reader, write(tmp_path, name="b"))


def test_without_wavelengths_the_channels_are_numbered(tmp_path):
    with pytest.warns(GuessWarning, match="numbered"):
        assert open_cube(write(tmp_path, axis=None))["channel"].attrs["units"] == "index"


@quiet
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("nrows 13", "nrows 14", "truncated"),
        ("nrows 13", "nrows 99999999999999", "truncated"),
        ("nrows 13", "nrows 0", "at least 1"),
        ("LAYOUT BIL", "LAYOUT SPIRAL", "LAYOUT 'SPIRAL'"),
        ("NBITS 16", "NBITS 12", "NBITS 12"),
        ("BYTEORDER I", "BYTEORDER X", "BYTEORDER 'X'"),
        ("NBANDS\t11", "NBANDS\tmany", "no whole number"),
        ("LAYOUT BIL", "LAYOUT BIL\nTOTALROWBYTES 155", "do not fit"),
    ],
)
def test_bad_headers_are_explained(tmp_path, old, new, message):
    path = write(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ReadError, match=message):
        open_cube(path)


def test_half_a_pair(tmp_path):
    path = write(tmp_path)
    path.with_suffix(".bil").unlink()
    with pytest.raises(NotFound, match="no data lie beside it"):
        open_cube(path)


@quiet
def test_damage_never_raises_a_stranger(tmp_path):
    path, rng = (
        write(tmp_path, extra="NODATA 7\nSKIPBYTES 0\nBANDROWBYTES 14\nTOTALROWBYTES 154\n"),
        np.random.default_rng(3),
    )
    whole = path.read_bytes()
    for _ in range(300):
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] = rng.integers(9, 127)
        path.write_bytes(bad)
        with suppress(SpaxelError):
            open_cube(path, reader="esri")["spectra"].compute()
