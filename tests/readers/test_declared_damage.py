"""What a header or attribute says of the stored numbers may be anything: the answer is a cube or an error of ours."""

import h5py
import numpy as np
import pytest
import zarr
from astropy.io import fits

from spaxel import open_cube
from spaxel.errors import SpaxelError

pytestmark = [
    pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning"),
    pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning"),
]

VALUES = np.random.default_rng(0).integers(1, 100, (6, 5, 4)).astype("i2")
WORDS = (
    "nan", "inf", "-inf", "1e999", "none", "", "{", "}", "0", "-9999", "1e-400", "1;2", "{1,2,3,4}", "{0,0,0,0}", "½", "0x10",
    "9" * 400,
)  # fmt: skip
ODD = (
    np.nan, np.inf, 0, -0.0, 1e308, -1e308, 1e-320, 10**30, True, "x", "", "1e4", b"\xff\xfe", [], [1, 2], [1, 2, 3, 4], ["a"],
    {"a": 1}, np.array([[1.0, 2.0]]), np.array(["1", "2"], "S1"), None,
)  # fmt: skip
NAMES = (
    "_FillValue", "missing_value", "scale_factor", "add_offset", "valid_range", "valid_min", "Scale_Factor",
    "Data_Ignore_Value",
)  # fmt: skip


def opens_or_refuses(path, **options):
    try:
        cube = open_cube(path, **options)
        cube["spectra"].values.sum()
        cube["valid"].values.sum()
    except SpaxelError:
        return
    assert cube["spectra"].shape == (6, 5, 4)


def test_fields_of_envi(tmp_path):
    names = ("data ignore value", "data gain values", "data offset values", "reflectance scale factor")
    (tmp_path / "a.img").write_bytes(VALUES.tobytes())
    rng, letters = np.random.default_rng(0), "0123456789.,-+eE {}\t;infa"
    texts = [*WORDS, *("".join(rng.choice(list(letters), rng.integers(1, 12))) for _ in range(60))]
    for name in names:
        for text in texts:
            (tmp_path / "a.hdr").write_text(
                "ENVI\nsamples = 5\nlines = 6\nbands = 4\ndata type = 2\ninterleave = bip\nbyte order = 0\n"
                f"{name} = {text}\n",
                "utf-8",
            )
            opens_or_refuses(tmp_path / "a.hdr")


@pytest.mark.parametrize("name", NAMES)
def test_attributes_of_hdf5_and_zarr(tmp_path, name):
    group = zarr.create_group(tmp_path / "a.zarr")
    array = group.create_array("data", data=VALUES)
    for number, value in enumerate(ODD):
        path = tmp_path / f"{number}.h5"
        with h5py.File(path, "w") as file:
            data = file.create_dataset("data", data=VALUES)
            try:
                data.attrs[name] = h5py.Empty("f4") if value is None else value
            except (TypeError, ValueError):
                continue
        opens_or_refuses(path, channel_axis=2)
        try:
            array.attrs[name] = value.tolist() if isinstance(value, np.ndarray) else value
        except (TypeError, ValueError):
            continue
        opens_or_refuses(tmp_path / "a.zarr", channel_axis=2)
        del array.attrs[name]


@pytest.mark.parametrize("name", ["BSCALE", "BZERO", "BLANK"])
def test_cards_of_fits(tmp_path, name):
    fits.PrimaryHDU(np.moveaxis(VALUES, -1, 0)).writeto(tmp_path / "a.fits")
    content = (tmp_path / "a.fits").read_bytes()
    end = content.index(b"END" + b" " * 77)
    for text in (
        "nan",
        "0",
        "1e400",
        "'x'",
        "T",
        "",
        "-32768",
        "32768.0",
        "1e308",
        "99999999999",
        "{",
        "1 2",
        "(1, 2)",
    ):
        card = f"{name:8}= {text:>20}".ljust(80)[:80].encode()
        (tmp_path / "a.fits").write_bytes(content[:end] + card + content[end : end + 80] + content[end + 160 :])
        opens_or_refuses(tmp_path / "a.fits", channel_axis=0)


@pytest.mark.parametrize("option", ["no_data", "saturated", "mask"])
def test_options_that_are_anything(option):
    for value in (*ODD, *WORDS, object()):
        try:
            open_cube(VALUES, **{option: value})["spectra"].values.sum()
        except SpaxelError:
            continue
