import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.cube.blocks import pick_channels, read_blocks, recipe_of, says_the_same
from spaxel.cube.sampling import judged_tile, sample_spectra
from spaxel.cube.tiles import Tile
from spaxel.preprocess import crop, mask_channels, normalise
from spaxel.readers.parts.lazy import Explained, lazy_array

TILE = Tile(3, 70, 40, 75)


class Counted:
    """An array that counts how often it is read, and how many numbers."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.ndim = values, values.shape, values.dtype, values.ndim
        self.reads, self.numbers = 0, 0

    def __getitem__(self, key):
        self.reads, self.numbers = self.reads + 1, self.numbers + self.values[key].size
        return self.values[key]


def _source(dtype=np.uint16, shape=(80, 90, 12), axis=2):
    values = np.random.default_rng(0).integers(0, 50, shape).astype(dtype)
    values[10:12, 45:50] = 0
    if values.dtype.kind == "f":
        values[20:23, 40:48] = np.nan
        values[30, 41, 3] = np.nan
    return Counted(np.moveaxis(values, 2, axis))


def _cube(tmp_path, source, axis=2, **attrs):
    (tmp_path / "file").touch()
    cube = spaxel.make_cube(lazy_array(source, path=tmp_path / "file", channel_axis=axis), **attrs)
    return spaxel.open_cube(cube)


def _plain(cube):
    """The same cube, of which only graphs are known."""
    return cube.assign(
        {n: (v.dims, v.data.map_blocks(np.copy), v.attrs) for n, v in cube.data_vars.items() if v.chunks}
    )


STEPS = {
    "as it is": lambda cube: cube,
    "channels in runs": lambda cube: mask_channels(cube, drop=[0, 4, 5, 9]),
    "cropped": lambda cube: crop(cube, 2, 9),
    "corrected": lambda cube: normalise(mask_channels(cube, drop=[3]), "peak"),
    "rows of it": lambda cube: cube.isel(y=slice(2, None)),
}


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, ">f8"])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_a_tile_by_recipe_is_the_tile_by_graph(tmp_path, dtype, axis, step):
    cube = STEPS[step](_cube(tmp_path, _source(dtype, axis=axis), axis))
    assert (recipe_of(cube["spectra"].data) is None) == (step == "rows of it")
    for own, other in zip(judged_tile(cube, TILE, "keep"), judged_tile(_plain(cube), TILE, "keep"), strict=True):
        assert own.dtype == other.dtype
        assert np.array_equal(own, other, equal_nan=own.dtype.kind == "f")


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_sample_by_recipe_is_the_sample_by_graph(tmp_path, dtype):
    cube = mask_channels(_cube(tmp_path, _source(dtype, (200, 150, 12))), drop=[0, 6])
    for own, other in zip(sample_spectra(cube, 900, 1, 2**22), sample_spectra(_plain(cube), 900, 1), strict=True):
        assert np.array_equal(own, other)


def test_a_tile_is_one_read_whatever_is_asked_of_it(tmp_path):
    source = _source()
    cube = _cube(tmp_path, source)
    cube = cube.assign(saturated=cube["valid"])
    source.reads = source.numbers = 0
    read_blocks([cube[name].data for name in ("spectra", "valid", "saturated")], TILE)
    assert (source.reads, source.numbers) == (1, TILE.n_pixels * 12)


def test_a_sample_reads_each_number_once(tmp_path):
    source = _source(shape=(200, 150, 12))
    cube = _cube(tmp_path, source)
    source.reads = source.numbers = 0
    sample_spectra(cube, 500)
    assert source.numbers == source.values.size
    assert source.reads == 4  # a row of cells together


def test_only_what_the_values_say_themselves_is_not_looked_at(tmp_path):
    cube = _cube(tmp_path, _source())
    valid = cube["valid"].data
    assert says_the_same(valid, cube["spectra"].data)
    assert says_the_same(valid, mask_channels(cube, drop=[2])["spectra"].data)
    assert not says_the_same(valid, normalise(cube, "peak")["spectra"].data)
    marked = spaxel.open_cube(cube, mask=np.arange(90)[None] + np.zeros((80, 1)) < 60)
    assert not says_the_same(marked["valid"].data, marked["spectra"].data)


def test_a_recipe_travels_to_another_process(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((40, 50, 9)))
    cube = mask_channels(spaxel.open_cube(tmp_path / "a.npy", channel_axis=2, channel="index"), drop=[1, 4])
    sent = pickle.loads(pickle.dumps(cube))
    assert recipe_of(sent["spectra"].data) is not None
    assert np.array_equal(judged_tile(sent, Tile(0, 9, 0, 9))[0], cube["spectra"].values[:9, :9])


def test_channels_are_picked_as_by_their_numbers():
    values = np.random.default_rng(0).random((5, 6, 20))
    for kept in ([0], [3, 4, 5], [0, 1, 7, 9, 10, 19], list(range(20))):
        assert np.array_equal(pick_channels(values, np.array(kept)), values[:, :, kept])


def test_an_axis_that_falls_is_turned_without_a_graph(tmp_path):
    cube = _cube(tmp_path, _source(), channel=np.arange(12)[::-1])
    plain = xr.DataArray(cube["spectra"].data).values
    assert recipe_of(cube["spectra"].data) is not None
    assert np.array_equal(read_blocks([cube["spectra"].data], TILE)[0], plain[3:70, 40:75])


def test_damage_is_told_with_the_file(tmp_path):
    class Broken(Counted):
        def __getitem__(self, key):
            raise OSError("bad block")

    (tmp_path / "scan.dat").touch()
    lazy = lazy_array(Broken(np.ones((9, 9, 3))), path=tmp_path / "scan.dat")
    assert isinstance(recipe_of(lazy).held, Explained)
    with pytest.raises(spaxel.errors.ReadError, match=r"scan\.dat"):
        read_blocks([lazy], Tile(0, 2, 0, 2))
    assert Path(tmp_path / "scan.dat").exists()


def test_an_array_that_is_written_into_forgets_its_recipe(tmp_path):
    data = _cube(tmp_path, _source())["spectra"].data
    assert recipe_of(data) is not None
    data[0, 0, 0] = 7
    assert recipe_of(data) is None
    assert read_blocks([data], Tile(0, 2, 0, 2))[0][0, 0, 0] == 7
