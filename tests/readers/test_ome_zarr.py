"""OME-Zarr of all versions: the finest level, axes by name, wavelengths from labels, sizes of pixels; lazily."""

import numpy as np
import pytest

from spaxel.errors import GuessWarning, NotFound, ReadError, SpaxelError
from spaxel.readers import open_cube

zarr = pytest.importorskip("zarr")
DATA = np.random.default_rng(0).integers(1, 99, (11, 13, 7)).astype("u2")  # c, y, x
UNITS = {"t": "second", "c": None, "z": "micrometer", "y": "micrometer", "x": "micrometer"}
KINDS = {"t": "time", "c": "channel"}


def write(path, data=None, axes="tczyx", *, version="0.4", labels=None, scale=None, chunks=None, group=None):
    data = DATA[None, :, None] if data is None else data
    root = zarr.open_group(str(path), mode="w" if group is None else "a", zarr_format=3 if version == "0.5" else 2)
    group = root if group is None else root.require_group(group)
    for level in (0, 1):
        part = data[..., :: 2**level, :: 2**level]
        array = group.create_array(str(level), shape=part.shape, dtype=part.dtype, chunks=chunks or part.shape)
        array[:] = part
    scale = scale or [1.0] * (len(axes) - 2) + [0.5, 0.25]
    listed = [{"name": a, "type": KINDS.get(a, "space")} | ({"unit": UNITS[a]} if UNITS.get(a) else {}) for a in axes]
    steps = [{"type": "scale", "scale": scale}]
    about = {
        "multiscales": [
            {"version": version, "axes": listed if version >= "0.4" else list(axes),
             "datasets": [{"path": "0", "coordinateTransformations": steps}, {"path": "1"}]}
        ],
        "omero": {"channels": [{"label": label} for label in labels or [f"{400 + 10 * k} nm" for k in range(11)]]},
    }  # fmt: skip
    if version < "0.3":
        del about["multiscales"][0]["axes"]
    group.attrs.update({"ome": about} if version == "0.5" else about)
    return path


@pytest.mark.parametrize("version", ["0.2", "0.3", "0.4", "0.5"])
def test_every_version(tmp_path, version):
    cube = open_cube(write(tmp_path / "a.ome.zarr", version=version, chunks=(1, 1, 1, 13, 7)))
    np.testing.assert_array_equal(cube["spectra"], np.moveaxis(DATA, 0, -1))
    assert cube["spectra"].chunks is not None
    np.testing.assert_allclose(cube["channel"], 400 + 10 * np.arange(11))
    assert cube["channel"].attrs["units"] == "nm"
    if version >= "0.4":
        assert (cube.attrs["pixel_size"], cube.attrs["pixel_units"]) == ([0.5, 0.25], "um")
    assert cube.attrs["guesses"] == []


@pytest.mark.parametrize("axes", ["cyx", "yxc", "xyc"])
def test_axes_by_name_and_not_by_order(tmp_path, axes):
    data = DATA.transpose(["cyx".index(a) for a in axes])
    cube = open_cube(write(tmp_path / "a.zarr", data, axes, scale=[1.0, 1.0, 1.0]))
    np.testing.assert_array_equal(cube["spectra"], np.moveaxis(DATA, 0, -1))


def test_several_times_are_stacked_or_picked(tmp_path):
    data = np.stack([DATA, DATA + 1])[:, :, None]
    path = write(tmp_path / "a.zarr", data)
    with pytest.warns(GuessWarning, match="2 maps are stacked"):
        assert open_cube(path)["spectra"].shape == (26, 7, 11)
    np.testing.assert_array_equal(open_cube(path, index="t=1")["spectra"], np.moveaxis(DATA + 1, 0, -1))


@pytest.mark.parametrize("labels", [["DAPI", *"abcdefghij"], [str(k) for k in range(11)]])
def test_names_that_are_no_wavelengths(tmp_path, labels):
    with pytest.warns(GuessWarning, match="numbered"):
        cube = open_cube(write(tmp_path / "a.zarr", labels=labels))
    assert cube["channel"].attrs["units"] == "index"


def test_words_around_the_wavelength(tmp_path):
    cube = open_cube(write(tmp_path / "a.zarr", labels=[f"Em {500 + 5 * k}nm band {k}" for k in range(11)]))
    np.testing.assert_allclose(cube["channel"], 500 + 5 * np.arange(11))


def test_several_images_of_bioformats(tmp_path):
    path = tmp_path / "a.zarr"
    zarr.open_group(str(path), mode="w", zarr_format=2).attrs["bioformats2raw.layout"] = 3
    write(path, group="0")
    assert open_cube(path)["spectra"].shape == (13, 7, 11)
    write(path, DATA[None, :, None] + 1, group="1")
    with pytest.raises(ReadError, match="several images: 0, 1"):
        open_cube(path)
    np.testing.assert_array_equal(open_cube(path, dataset="1")["spectra"], np.moveaxis(DATA + 1, 0, -1))
    with pytest.raises(NotFound, match="It has: 0, 1"):
        open_cube(path, dataset="2")


def test_a_finest_level_that_is_not_there(tmp_path):
    path = write(tmp_path / "a.zarr")
    (path / "0" / ".zarray").unlink()
    with pytest.raises(ReadError, match="no such array"):
        open_cube(path)


@pytest.mark.filterwarnings("ignore")
def test_mutants_end_in_an_error_of_ours(tmp_path):
    path, rng = write(tmp_path / "a.zarr"), np.random.default_rng(0)
    files = [path / ".zattrs", path / "0" / ".zarray", next((path / "0").rglob("*0"))]
    for number in range(300):
        file = files[number % 3]
        whole = file.read_bytes()
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] = rng.integers(256)
        file.write_bytes(bad[: rng.integers(len(bad))] if number % 5 == 0 else bad)
        try:
            open_cube(path)["spectra"].values.sum()
        except SpaxelError:
            pass
        finally:
            file.write_bytes(whole)
