import warnings
from contextlib import suppress

import h5py
import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import CubeError, GuessWarning, LayoutWarning, NotFound, ReadError, SpaxelError
from spaxel.readers.hdf5 import reader
from spaxel.readers.parts.copied import lies_across
from spaxel.readers.parts.lazy import guess_channel_axis, tile_chunks, warn_layout
from spaxel.testing import check_reader

H, W, C = 13, 7, 11
AXIS = 1.0 + 0.5 * np.arange(C)
CUBE = (np.arange(H * W * C).reshape(H, W, C) % 250 + 1).astype("u2")
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


@pytest.fixture
def path(tmp_path):
    """A file with one cube in a group, its axis with a unit, and its labels."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["entry/data"] = np.moveaxis(CUBE, 2, 0)
        file["entry/energy"] = AXIS
        file["entry/energy"].attrs["units"] = "keV"
        file["labels"] = np.arange(H * W).reshape(H, W) % 3
        file["text"] = ["a", "b"]
    return path


def test_promises(path):
    cube = check_reader(reader, path)
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    assert cube["channel"].attrs["units"] == "keV"
    assert cube.attrs["guesses"] == []
    assert set(np.unique(cube["truth_labels"])) == {0, 1, 2}


def test_dataset_paths(path):
    for name in ("entry/data", "/entry/data"):
        np.testing.assert_array_equal(open_cube(path, dataset=name)["spectra"], CUBE)
    with pytest.raises(NotFound, match=r"no dataset 'entry/nothing'\. It holds: .*entry/data \(11, 13, 7\) uint16"):
        open_cube(path, dataset="entry/nothing")
    with pytest.raises(ReadError, match=r"entry is a group, not a dataset\. It holds: entry/data, entry/energy"):
        open_cube(path, dataset="entry")


def test_links(path):
    with h5py.File(path, "a") as file:
        file["far"] = h5py.ExternalLink("other.h5", "/x")
        file["near"] = h5py.SoftLink("/entry/data")
    with pytest.raises(ReadError, match=r"far is a link into the file other\.h5 \(/x\)\. Try to open that"):
        open_cube(path, dataset="far")
    assert open_cube(path, dataset="entry/data").sizes["channel"] == C


def test_chunks_follow_the_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (200, 150, C), "f4", chunks=(24, 100, 2), compression="gzip")[...] = 1
    cube = open_cube(tmp_path / "a.h5", channel=AXIS, channel_axis=2, units="keV")
    assert cube["spectra"].chunks == ((48,) * 4 + (8,), (100, 50), (C,))


@pytest.mark.parametrize("stored", [1, 3, 24, 63, 64, 65, 100, 128, 129, 1000])
def test_tiles_are_whole_storage_chunks_unless_those_are_large(stored):
    rows, columns, channels = tile_chunks((500, 7, 11), (stored, stored, 1))
    assert (rows % stored == 0) == (stored <= 128)
    assert rows <= 128
    assert columns >= min(7, stored)
    assert channels == 11


def test_a_slow_layout_is_told_only_where_it_matters(tmp_path):
    path = tmp_path / "big.h5"
    with pytest.warns(LayoutWarning, match=r"1000 x 1000 x 1 .* Try: spaxel convert big\.h5 big\.zarr"):
        warn_layout(path, (1000, 1000, 500), (1000, 1000, 1), 2)
    with pytest.warns(LayoutWarning, match="touches 1024"):
        warn_layout(path, (1000, 1000, 1024), (64, 64, 1), 2)
    with pytest.warns(LayoutWarning, match="slow|times its size"):
        warn_layout(path, (1000, 1000, 100), (1000, 1000, 1), 8)
    shape = (1000, 1000, 500)
    for chunks in ((256, 64, 500), (100, 100, 500), (128, 64, 500), (1000, 8, 9), (127, 64, 500), (65, 65, 500)):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", LayoutWarning)
            warn_layout(path, shape, chunks, 2)
        assert bool(said) == lies_across(chunks, shape), chunks
        assert all("is copied once" in str(one.message) for one in said)
    warn_layout(path, (1000, 1000, 500), (64, 64, 500), 2)
    warn_layout(path, (1000, 1000, 500), (8, 8, 500), 2)
    warn_layout(path, (100, 100, 500), (100, 100, 1), 2)


def test_open_warns_about_image_planes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("x", (1100, 1000, 300), "u1", chunks=(1100, 1000, 1), compression="gzip")
        data[..., 0] = 1
    with pytest.warns(LayoutWarning, match="reads 2.. times its size"):
        open_cube(tmp_path / "a.h5", channel_axis=2, channel="index")


def test_guess_of_the_channel_axis():
    assert guess_channel_axis((13, 7, 11), {11}) == (2, True)
    assert guess_channel_axis((11, 13, 7), {11}) == (0, True)
    assert guess_channel_axis((13, 11, 7), {11}) == (1, True)
    assert guess_channel_axis((13, 7, 11)) == (2, False)
    assert guess_channel_axis((11, 50, 50)) == (0, False)
    assert guess_channel_axis((50, 50, 11)) == (2, False)
    assert guess_channel_axis((50, 11, 50)) == (1, False)
    assert guess_channel_axis((5, 11, 11), {11}) == (2, False)
    assert guess_channel_axis((11, 11, 50), {11}) == (2, False)


def test_dimension_scales_are_the_axis(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["x"] = np.moveaxis(CUBE, 2, 1)
        file["b"] = AXIS
        file["b"].attrs["units"] = "keV"
        file["b"].make_scale("b")
        file["x"].dims[1].attach_scale(file["b"])
    cube = open_cube(tmp_path / "a.nc")
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_array_equal(cube["channel"], AXIS)


@pytest.mark.parametrize("shape", [None, (H, W)])
def test_a_matrix_is_read_lazily_row_by_row(tmp_path, shape):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = CUBE.reshape(H * W, C)
        file["energy_keV"] = AXIS
        file["labels"] = np.arange(H * W) % 3
    cube = open_cube(tmp_path / "a.h5", shape=shape, pixel_order=shape and "C")
    assert cube["spectra"].chunks is not None
    np.testing.assert_array_equal(cube["spectra"], CUBE.reshape(*(shape or (H * W, 1)), C))
    np.testing.assert_array_equal(cube["truth_labels"].values.ravel(), np.arange(H * W) % 3)


def test_lazy_matrix_column_by_column(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = CUBE.reshape(H * W, C, order="F").T
        file["energy_keV"] = AXIS
    cube = open_cube(tmp_path / "a.h5", shape=(H, W), pixel_order="F")
    np.testing.assert_array_equal(cube["spectra"], CUBE)


def test_several_cubes_are_listed(path):
    with h5py.File(path, "a") as file:
        file["other"] = CUBE
    with pytest.raises(
        ReadError, match=r"several .*entry/data \(11, 13, 7\) uint16, other \(13, 7, 11\) uint16.*dataset="
    ):
        open_cube(path)
    assert open_cube(path, dataset="other", channel="entry/energy").sizes == {"y": H, "x": W, "channel": C}


@quiet
@pytest.mark.parametrize("dtype", [">i2", ">f8", "<u4", "i1", "?"])
def test_any_number_type_in_any_byte_order(tmp_path, dtype):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = CUBE.astype(dtype)
    np.testing.assert_array_equal(open_cube(tmp_path / "a.h5")["spectra"], CUBE.astype(dtype))


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda f: f.create_dataset("x", data=CUBE * 1j), CubeError, "complex"),
        (lambda f: f.create_dataset("x", data=np.zeros((3, 4), [("a", "i4"), ("b", "f4")])), ReadError, "compound"),
        (lambda f: f.create_dataset("x", data=h5py.Empty("f4")), ReadError, "empty"),
        (lambda f: f.create_dataset("x", (5, 4, 3), "f4", chunks=(2, 2, 2)), ReadError, "never written"),
        (lambda f: f.create_dataset("x", (10**6, 10**6, 10**3), "f4"), ReadError, "announces 4000000000000000 bytes"),
        (lambda f: f.create_dataset("x", (10**6, 10**6, 10**3), "f4", chunks=(9, 9, 9)), ReadError, "never written"),
        (lambda f: f.create_dataset("x", data=np.ones((0, 3, 4))), CubeError, "empty"),
        (lambda f: f.create_dataset("x", data=["a", "b"]), CubeError, "dtype"),
    ],
)
@quiet
def test_what_cannot_be_a_cube_is_explained(tmp_path, make, kind, message):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        make(file)
    with pytest.raises(kind, match=message):
        open_cube(tmp_path / "a.h5", dataset="x", channel_axis=0 if message == "dtype" else None)
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(ReadError, match="It holds: nothing"):
        open_cube(tmp_path / "empty.h5")


@quiet
@pytest.mark.parametrize("size", [(1, 1, 11), (13, 7, 1), (1, 1, 1)])
def test_one_pixel_and_one_channel(tmp_path, size):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = CUBE[: size[0], : size[1], : size[2]]
    assert open_cube(tmp_path / "a.h5")["spectra"].shape == size


@quiet
def test_content_decides_and_damage_never_raises_a_stranger(path, tmp_path):
    whole, rng = path.read_bytes(), np.random.default_rng(6)
    broken = tmp_path / "broken.txt"
    for size in (20, 600, len(whole) // 2, len(whole) - 1):
        broken.write_bytes(whole[:size])
        with pytest.raises(ReadError, match=r"broken\.txt"):
            open_cube(broken)
    for _ in range(80):
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] ^= 1 << rng.integers(8)
        broken.write_bytes(bad)
        with suppress(SpaxelError):
            open_cube(broken)


def test_guesses_warn(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = CUBE
    with (
        pytest.warns(GuessWarning, match="which axis of x .* Option channel_axis"),
        pytest.warns(GuessWarning, match=r"no spectral axis.* Option channel decides"),
    ):
        open_cube(tmp_path / "a.h5")
