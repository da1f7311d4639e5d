import os
import pickle
import shutil
import subprocess
import sys
from collections import namedtuple

import h5py
import numpy as np
import pytest

import spaxel
from spaxel.cube.blocks import recipe_of
from spaxel.cube.sampling import read_tile
from spaxel.cube.tiles import Tile, grid
from spaxel.errors import LayoutWarning
from spaxel.readers.parts import copied
from spaxel.readers.parts.copied import Copied, lies_across
from spaxel.readers.parts.lazy import lazy_array


class Chunked:
    """An array that counts how many numbers were unpacked: whole chunks."""

    def __init__(self, values, chunks):
        self.values, self.chunks, self.shape, self.dtype, self.ndim = values, chunks, values.shape, values.dtype, 3
        self.unpacked = 0

    def __getitem__(self, key):
        parts = [
            (-(-s.indices(n)[1] // c) - s.indices(n)[0] // c) * c
            for s, n, c in zip(key, self.shape, self.chunks, strict=True)
        ]
        self.unpacked += int(np.prod(parts))
        return self.values[key]


LAYOUTS = {  # where the channels lie, and chunks in the order of the file
    "planes": (0, (1, 140, 150)),
    "planes, channels last": (2, (140, 150, 1)),
    "some planes": (0, (4, 140, 150)),
    "blocks": (1, (70, 3, 150)),
    "columns": (2, (140, 10, 5)),
    "one chunk": (2, (140, 150, 12)),
}


def _source(layout, dtype="<u2"):
    axis, chunks = LAYOUTS[layout]
    values = np.random.default_rng(0).integers(1, 900, (140, 150, 12)).astype(dtype)
    return Chunked(np.moveaxis(values, 2, axis), chunks), axis, values


@pytest.fixture(autouse=True)
def place(tmp_path_factory, monkeypatch):
    """Where copies are made."""
    folder = tmp_path_factory.mktemp("place")
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("box", [1, 2**12, 2**26])
def test_each_number_is_unpacked_about_twice_and_no_bit_changes(tmp_path, monkeypatch, layout, box):
    monkeypatch.setattr(copied, "BOX", box)
    source, axis, values = _source(layout, ">i2" if box == 1 else "<u2")
    (tmp_path / "file").touch()
    lazy = lazy_array(source, path=tmp_path / "file", channel_axis=axis, storage_chunks=source.chunks)
    cube = spaxel.make_cube(lazy)
    for _ in range(3):
        for tile in grid(140, 150):
            part = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
            found = read_tile(cube, tile)[0]
            assert found.dtype == values.dtype
            assert np.array_equal(found, values[part])
    stored = np.prod([-(-n // chunk) * chunk for n, chunk in zip(source.shape, source.chunks, strict=True)])
    assert source.unpacked <= 2.2 * stored
    assert np.array_equal(lazy.compute(), values)


def test_only_what_lies_across_tiles_is_copied():
    shape = (2000, 3000, 200)
    assert lies_across((2000, 3000, 1), shape)
    assert lies_across((1, 3000, 200), shape)
    assert not any(lies_across(chunks, shape) for chunks in ((64, 64, 200), (64, 64, 1), (1, 1, 200), (32, 80, 10)))


def test_nothing_is_left_where_the_copy_lay(place):
    source, axis, _ = _source("planes")
    array = Copied(source, source.chunks, axis, "scan.h5")
    for _ in range(3):
        array[:, :9, :9]
    assert array._copy is not None
    assert not list(place.iterdir()) or sys.platform != "linux"
    array._copy.close()
    assert not list(place.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the copy has a name")
def test_a_kill_leaves_nothing(place):
    code = """
import os, signal, numpy as np
from spaxel.readers.parts import copied
array = copied.Copied(np.zeros((9, 300, 300)), (1, 300, 300), 0, "scan")
for _ in range(3): array[:, :9, :9]
assert array._copy is not None
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert not list(place.iterdir())


def test_without_room_it_is_read_as_it_lies_and_that_is_said(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 0, 10))
    source, axis, values = _source("planes")
    array = Copied(source, source.chunks, axis, "scan.h5")
    assert np.array_equal(array[:, :9, :9], np.moveaxis(values[:9, :9], 2, 0))
    with pytest.warns(LayoutWarning, match=r"scan\.h5 .* as it lies, which is slow\. Try TMPDIR"):
        assert np.array_equal(array[:, 5:9, :9], np.moveaxis(values[5:9, :9], 2, 0))
    assert np.array_equal(array[:, 7:9, :9], np.moveaxis(values[7:9, :9], 2, 0))


def test_a_disk_that_fills_up_meanwhile_ends_the_copy(monkeypatch, place):
    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    source, axis, values = _source("planes")
    array = Copied(source, source.chunks, axis, "scan.h5")
    array[:, :9, :9]
    monkeypatch.setattr(os, "write", full)
    with pytest.warns(LayoutWarning, match="as it lies"):
        assert np.array_equal(array[:, 5:9, :9], np.moveaxis(values[5:9, :9], 2, 0))
    assert not list(place.iterdir())


def test_damage_inside_is_told_and_no_copy_remains(place):
    class Broken(Chunked):
        def __getitem__(self, key):
            if key[0].start == 7:
                raise OSError("bad block")
            return super().__getitem__(key)

    array = Copied(Broken(np.zeros((9, 300, 300)), (1, 300, 300)), (1, 300, 300), 0, "scan")
    copied_box, copied.BOX = copied.BOX, 1
    try:
        array[:1, :9, :9]
        array.unpacked = array.source.values.size
        with pytest.raises(OSError, match="bad block"):
            array[:1, :9, :9]
    finally:
        copied.BOX = copied_box
    assert not list(place.iterdir())


def test_another_process_reads_the_same_copy():
    source, axis, _ = _source("planes")
    array = Copied(source, source.chunks, axis, "scan.h5")
    for _ in range(2):
        array[:, :9, :9]
    sent = pickle.loads(pickle.dumps(array))
    before = sent.source.unpacked
    assert np.array_equal(sent[:, :5, :5], source.values[:, :5, :5])
    assert sent.source.unpacked == before
    far = pickle.dumps(array)
    array._copy.close()
    assert pickle.loads(far)._copy is None


def test_hdf5_in_compressed_planes_through_the_door(tmp_path):
    values = np.random.default_rng(0).integers(1, 900, (20, 200, 210)).astype("u2")
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file.create_dataset("cube", data=values, chunks=(1, 200, 210), compression="gzip")
    cube = spaxel.open_cube(tmp_path / "scan.h5", channel_axis=0, channel="index")
    held = recipe_of(cube["spectra"].data).held.source
    assert isinstance(held, Copied)
    assert held._copy is not None  # the door has looked at several pieces
    assert np.array_equal(read_tile(cube, Tile(0, 70, 100, 170))[0], values.transpose(1, 2, 0)[:70, 100:170])
