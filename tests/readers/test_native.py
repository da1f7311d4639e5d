"""Zarr: what is written is read, nothing is left half written, and other people's arrays are understood."""

import json
import shutil
import tracemalloc

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr

from spaxel.cube import make_cube, note
from spaxel.errors import CubeError, Exists, GuessWarning, ParameterError, ReadError
from spaxel.readers import open_cube
from spaxel.readers.native import convert, write_cube
from spaxel.testing import tiny_cube


def rich_cube():
    """A cube with everything that a cube may carry."""
    cube = tiny_cube(67, 130, 11, counts=False)
    rng = np.random.default_rng(1)
    cube = make_cube(
        cube["spectra"].values,
        cube["channel"].values,
        "nm",
        long_name="air wavelength",
        valid=rng.random((67, 130)) > 0.2,
        variance=rng.random((67, 130, 11), dtype=np.float32),
        truth_labels=cube["truth_labels"].values,
        truth_abundances=rng.random((67, 130, 3)),
        truth_spectra=rng.random((3, 11)),
        crs="EPSG:25832",
        transform=(0.5, 0, 3, 0, -0.5, 7),
        origin="lower",
        elements=np.array(["Fe", "Ca"]),
        scale=np.float32(2),
    )
    cube = cube.assign(
        good_channel=("channel", np.arange(11) != 3, {"note": "x"}),
        target_sum=(("y", "x"), rng.random((67, 130))),
        scalar=((), np.int16(4)),
    ).assign_coords(truth_component=["oak", "linde", "säule"], y=("y", 0.5 * np.arange(67), {"units": "um"}))
    return note(cube, "cropped", "crop", low=1, high=2).assign_attrs(guesses=["took it"])


def test_everything_comes_back(tmp_path):
    cube = rich_cube()
    write_cube(cube, tmp_path / "a.zarr")
    read = open_cube(tmp_path / "a.zarr")
    assert read["spectra"].chunks == ((64, 3), (64, 64, 2), (11,))
    expected = dict(cube.attrs) | {"elements": ["Fe", "Ca"], "transform": [0.5, 0, 3, 0, -0.5, 7]}
    assert read.attrs == expected | {"source": str(tmp_path / "a.zarr"), "reader": "native"}
    xr.testing.assert_equal(read, cube)
    assert {n: v.dtype.kind for n, v in read.variables.items()} == {n: v.dtype.kind for n, v in cube.variables.items()}
    for name in cube.variables:
        assert read[name].attrs == cube[name].attrs


def test_writing_what_was_read_changes_nothing(tmp_path):
    write_cube(rich_cube(), tmp_path / "a.zarr")
    first = open_cube(tmp_path / "a.zarr")
    write_cube(first, tmp_path / "a.zarr", overwrite=True)
    second = open_cube(tmp_path / "a.zarr")
    xr.testing.assert_identical(second, first)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("shape", [(1, 1, 11), (13, 7, 1), (1, 97, 2), (65, 1, 3)])
@pytest.mark.parametrize("dtype", [">f8", "<u2", "?", "f2", ">i4"])
def test_any_size_and_dtype(tmp_path, shape, dtype):
    spectra = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    write_cube(make_cube(spectra, truth_labels=np.zeros(shape[:2], np.int32)), tmp_path / "a.zarr")
    read = open_cube(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read["spectra"], spectra)
    assert read["spectra"].dtype == np.dtype(dtype).newbyteorder("=")


def test_xarray_reads_it_too(tmp_path):
    cube = tiny_cube()
    write_cube(cube, tmp_path / "a.zarr")
    with xr.open_zarr(tmp_path / "a.zarr", consolidated=False) as other:
        xr.testing.assert_equal(other[["spectra", "channel"]], cube[["spectra", "channel"]])
        assert other["channel"].attrs["units"] == "keV"


@pytest.mark.parametrize("chunks", [(1, 300, 100), (300, 300, 1), (37, 53, 100), (300, 300, 100)])
def test_any_chunks_of_the_source(tmp_path, chunks, monkeypatch):
    monkeypatch.setattr("spaxel.readers.native.LARGE", 2**20)
    spectra = np.random.default_rng(0).integers(0, 99, (150, 300, 11)).astype("u1")
    lazy = da.from_array(spectra, chunks=chunks)
    write_cube(make_cube(lazy), tmp_path / "a.zarr")
    np.testing.assert_array_equal(open_cube(tmp_path / "a.zarr")["spectra"], spectra)


def test_writing_stays_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("spaxel.readers.native.LARGE", 2**21)
    lazy = da.random.default_rng(0).integers(0, 9, (512, 512, 32), dtype="u2", chunks=(64, 64, 32))  # 16 MiB
    tracemalloc.start()
    with dask.config.set(scheduler="synchronous"):
        write_cube(make_cube(lazy), tmp_path / "a.zarr")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_interrupted_write_leaves_the_old_one(tmp_path, error):
    write_cube(tiny_cube(), tmp_path / "a.zarr")

    def fails(block):
        raise error

    broken = da.zeros((130, 7, 11), chunks=(64, 7, 11)).map_blocks(fails, meta=np.zeros((0, 0, 0)))
    with pytest.raises(error), dask.config.set(scheduler="synchronous"):
        write_cube(make_cube(broken), tmp_path / "a.zarr", overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
    np.testing.assert_array_equal(open_cube(tmp_path / "a.zarr")["spectra"], tiny_cube()["spectra"])


def test_what_is_there_is_kept(tmp_path):
    write_cube(tiny_cube(), tmp_path / "a.zarr")
    with pytest.raises(Exists, match="overwrite"):
        write_cube(tiny_cube(), tmp_path / "a.zarr")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"meow")
    (tmp_path / "file").write_bytes(b"meow")
    for precious in ("photos", "file"):
        with pytest.raises(Exists, match="not written by spaxel"):
            write_cube(tiny_cube(), tmp_path / precious, overwrite=True)
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == (tmp_path / "file").read_bytes() == b"meow"


def test_what_cannot_be_stored_is_explained(tmp_path):
    with pytest.raises(CubeError, match="attributes of the cube"):
        write_cube(tiny_cube().assign_attrs(x=object()), tmp_path / "a.zarr")
    dated = tiny_cube().assign(when=("y", np.zeros(13, "M8[s]")))
    with pytest.raises(CubeError, match="datetime64"):
        write_cube(dated, tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())


def test_convert(tmp_path):
    np.save(tmp_path / "a.npy", tiny_cube()["spectra"].values)
    out = convert(tmp_path / "a.npy", tmp_path / "b.zarr", channel_axis=2, channel="index")
    read = open_cube(out)
    np.testing.assert_array_equal(read["spectra"], tiny_cube()["spectra"])
    assert read.attrs["history"][-1] == f"converted from {tmp_path / 'a.npy'}"


# Damage


@pytest.fixture
def store(tmp_path):
    return write_cube(tiny_cube(67, 7), tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"zarr_format": 3}', '{"zarr_format": 7, "node_type": "group"}']
)
@pytest.mark.parametrize("part", ["", "spectra", "channel"])
def test_damaged_metadata(store, part, text):
    (store / part / "zarr.json").write_text(text)
    with pytest.raises(ReadError):
        open_cube(store)


@pytest.mark.parametrize("lost", ["spectra", "channel", "spectra/c/0", "spectra/c/1/0/0", "channel/c/0"])
def test_incomplete_folder(store, lost):
    if (store / lost).is_dir():
        shutil.rmtree(store / lost)
    else:
        (store / lost).unlink()
    if lost == "channel/c/0":
        with pytest.raises(ReadError, match="1 of 1 chunks of channel are missing"):
            open_cube(store)
    else:
        with pytest.raises(ReadError, match="complete"):
            open_cube(store)


def test_damaged_axis(store):
    (store / "channel" / "c" / "0").write_bytes(b"\x28\xb5")
    with pytest.raises(ReadError, match="channel is damaged"):
        open_cube(store)


def test_newer_version(store):
    metadata = json.loads((store / "zarr.json").read_text())
    metadata["attributes"]["version"] = 2
    (store / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(ReadError, match="update spaxel"):
        open_cube(store)


def test_native_takes_no_options(store):
    with pytest.raises(ParameterError, match="without options"):
        open_cube(store, channel_axis=0)


@pytest.mark.parametrize("native", [True, False])
def test_petabytes_are_not_believed(tmp_path, store, native):
    path = store if native else tmp_path / "b.zarr"
    if native:
        metadata = json.loads((path / "spectra" / "zarr.json").read_text())
        metadata["shape"] = [10**7, 10**7, 11]
        (path / "spectra" / "zarr.json").write_text(json.dumps(metadata))
    else:
        zarr.create_array(path, shape=(10**7, 10**7, 10**3), dtype="f4", chunks=(64, 64, 1000))
    with pytest.raises(ReadError, match=r"which cannot be|missing"):
        open_cube(path)


def test_folder_that_is_no_store(tmp_path):
    with pytest.raises(ReadError, match="not a Zarr store"):
        open_cube(tmp_path)


# Other people's arrays


@pytest.mark.parametrize("version", [2, 3])
def test_bare_array(tmp_path, version):
    spectra = tiny_cube()["spectra"].values
    zarr.create_array(tmp_path / "a", data=spectra, chunks=(5, 3, 4), zarr_format=version)
    with pytest.warns(GuessWarning):
        read = open_cube(tmp_path / "a")
    np.testing.assert_array_equal(read["spectra"], spectra)
    assert read["channel"].attrs["units"] == "index"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dims", [("wavelength", "y", "x"), ("lat", "wavelength", "lon"), ("y", "x", "wavelength")])
def test_xarray_group(tmp_path, version, dims):
    cube = tiny_cube(counts=False)
    at = dims.index("wavelength")
    data = xr.Dataset(
        {"reflectance": (dims, np.moveaxis(cube["spectra"].values, -1, at))},
        coords={"wavelength": ("wavelength", cube["channel"].values, {"units": "nanometers"})},
    )
    data.to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=False)
    read = open_cube(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read["spectra"], cube["spectra"])
    np.testing.assert_array_equal(read["channel"], cube["channel"])
    assert read["channel"].attrs["units"] == "nm"


def test_named_axis_without_values(tmp_path):
    data = xr.Dataset({"dn": (("band", "y", "x"), np.ones((11, 13, 11)))})
    data.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    with pytest.warns(GuessWarning, match=r"numbered.*Option channel decides"):
        read = open_cube(tmp_path / "a.zarr")
    assert read["spectra"].shape == (13, 11, 11)


def test_several_arrays_are_listed(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    for name in ("one", "deep/two"):
        group.create_array(name, data=np.ones((13, 7, 11)))
    with pytest.raises(ReadError, match=r"deep/two.*one.*dataset"):
        open_cube(tmp_path / "a.zarr")
    with pytest.warns(GuessWarning):
        read = open_cube(tmp_path / "a.zarr", dataset="deep/two")
    assert read["spectra"].shape == (13, 7, 11)


def test_complex_numbers_are_refused(tmp_path):
    zarr.create_array(tmp_path / "a", data=np.ones((13, 7, 11), "c8"))
    with pytest.raises(CubeError, match="complex64"):
        open_cube(tmp_path / "a", channel="index", channel_axis=2)
