import numpy as np
import pytest

import spaxel
from spaxel.cube.mapping import map_tiles
from spaxel.cube.remembered import Cells, Passing, forget, remembering
from spaxel.cube.sampling import ordered_cubes, sample_cubes, sample_spectra
from spaxel.cube.tiles import CELL, Tile, shifted, with_halo
from spaxel.preprocess import mask_channels
from spaxel.readers.parts.lazy import lazy_array
from spaxel.workflow.runs import segment


class Counted:
    """An array that counts how many numbers are read of it."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.ndim, self.numbers = values, values.shape, values.dtype, 3, 0

    def __getitem__(self, key):
        self.numbers += self.values[key].size
        return self.values[key]


@pytest.fixture
def counted(tmp_path):
    """An array that counts, and a lazy cube of it."""
    (tmp_path / "file").touch()
    values = np.random.default_rng(0).integers(0, 9, (150, 210, 6)).astype("u2")
    values[..., 2] = 0
    source = Counted(values)
    cube = spaxel.open_cube(spaxel.make_cube(lazy_array(source, path=tmp_path / "file")))
    source.numbers = 0
    return source, cube


def _drawn(cube):
    return sample_cubes([mask_channels(cube)], 700, 3)


@pytest.mark.parametrize(("share", "passes"), [(0, 2), (0.5, 1.5), (1, 1)])
def test_what_is_held_is_read_once_and_no_bit_changes(counted, share, passes):
    source, cube = counted
    plain = _drawn(cube)
    assert source.numbers == 2 * source.values.size
    source.numbers = 0
    with remembering(int(share * source.values.nbytes)):
        held = _drawn(cube)
    assert source.numbers == pytest.approx(passes * source.values.size, rel=0.2 * (0 < share < 1))
    for one, other in zip(plain[:2], held[:2], strict=True):
        assert np.array_equal(one, other)


def test_after_the_sample_of_the_fit_nothing_is_held(counted):
    source, cube = counted
    with remembering(2**30):
        _drawn(cube)
        source.numbers = 0
        sample_spectra(cube, 9)
        sample_spectra(cube, 9)
        forget()
    assert source.numbers == 2 * source.values.size


def test_nor_after_all_spectra_were_taken_in_their_order(counted):
    source, cube = counted
    with remembering(2**30):
        sample_spectra(cube, 9)
        ordered_cubes([cube], 10**6)
        source.numbers = 0
        sample_spectra(cube, 9)
    assert source.numbers == source.values.size


@pytest.mark.parametrize("most", [0, 200_000, 2**30])
def test_less_may_be_held_from_some_time_on(counted, most):
    _, cube = counted
    with remembering(2**30) as cells:
        mask_channels(cube)
        held = cells.nbytes
        cells.limit(most)
        assert cells.nbytes <= min(most, held)
        assert most < 2**30 or cells.nbytes == held
        sample_spectra(cube, 9)
        assert cells.nbytes <= most


@pytest.mark.parametrize("tile", [Tile(0, 64, 0, 150), Tile(64, 100, 64, 130), Tile(3, 9, 0, 64), Tile(0, 128, 0, 64)])
@pytest.mark.parametrize("before", [Tile(0, 64, 64, 128), Tile(64, 100, 0, 192), Tile(0, 64, 0, 256)])
def test_any_tile_after_any_other(tile, before):
    values, cells = np.random.default_rng(0).random((200, 300, 2)), Cells(2**20)

    def read(part):
        return values[part.y0 : part.y1, part.x0 : part.x1]

    for one in (before, tile, before, tile):
        assert np.array_equal(cells.read("it", one, read), read(one))


@pytest.mark.parametrize("edge", [None, 2, 9, 70])
@pytest.mark.parametrize("room", [0, 150_000, 2**20])
def test_any_overlapping_tile_of_an_image_that_is_gone_through(room, edge):
    values, cells = np.random.default_rng(0).random((200, 300, 2)), Passing(room, (200, 300), edge=edge)

    def read(part):
        return values[part.y0 : part.y1, part.x0 : part.x1]

    tiles = [Tile(0, 66, 0, 130), Tile(62, 130, 126, 260), Tile(190, 200, 299, 300), Tile(1, 2, 63, 65)]
    for tile in (*tiles, *tiles[::-1]):
        for source, factor in (("it", 1), ("other", 2)):
            found = cells.read(source, tile, lambda part, factor=factor: factor * read(part))
            assert np.array_equal(found, factor * read(tile))
        assert cells.nbytes <= room


def test_a_sample_with_its_surroundings_takes_them_from_what_is_held(counted):
    source, cube = counted
    plain = sample_cubes([cube], 700, 3, context=3)
    with remembering(2**30):
        mask_channels(cube)
        source.numbers = 0
        held = sample_cubes([cube], 700, 3, context=3)
    assert source.numbers == 0
    assert np.array_equal(plain.spectra, held.spectra)
    assert np.array_equal(plain.pairs, held.pairs)


@pytest.mark.parametrize(("memory", "passes"), [(None, 1), (1_500_000, 1), (900_000, 1.35), (400_000, 2)])
def test_a_map_with_surroundings_reads_each_cell_about_once_where_there_is_room(counted, memory, passes):
    source, cube = counted

    def first(block, n):
        return {"first": block[:, 7].astype(np.float32)}, {}

    found = map_tiles(first, cube, {"first": np.float32(0)}, memory=memory, context=3)[0]["first"]
    assert source.numbers <= passes * 1.01 * source.values.size
    around = np.pad(source.values[..., 1].astype(float), 1)
    inside = sum(around[y : y + 150, x : x + 210] for y in range(3) for x in range(3)) - source.values[..., 1]
    assert np.allclose(found[1:-1, 1:-1], inside[1:-1, 1:-1] / 8)


@pytest.mark.parametrize("halo", [1, 2, 16])
def test_edges_of_cells_are_enough_for_shifted_tiles(halo):
    values, numbers = np.random.default_rng(0).random((200, 300, 2)), []

    def read(part):
        numbers.append(part.n_pixels)
        return values[part.y0 : part.y1, part.x0 : part.x1]

    cells = Passing(2**20, (200, 300), edge=2 * halo)
    for tile in shifted(200, 300, 64, 128, halo):
        around, _ = with_halo(tile, (200, 300), halo)
        assert np.array_equal(cells.read("it", around, read), values[around.y0 : around.y1, around.x0 : around.x1])
    assert sum(numbers) == 200 * 300
    assert cells.nbytes < values.nbytes * 2 * 2 * halo / CELL * 1.3


def test_a_thread_that_is_ahead_makes_nobody_read_a_cell_twice():
    values, numbers = np.random.default_rng(0).random((200, 300, 2)), []

    def read(part):
        numbers.append(part.n_pixels)
        return values[part.y0 : part.y1, part.x0 : part.x1]

    cells, tiles = Passing(2**20, (200, 300), edge=4), shifted(200, 300, 64, 64, 2)
    for i in np.arange(len(tiles)) ^ 1:  # the second before the first, the fourth before the third, …
        around, _ = with_halo(tiles[i], (200, 300), 2)
        assert np.array_equal(cells.read("it", around, read), values[around.y0 : around.y1, around.x0 : around.x1])
    assert sum(numbers) == 200 * 300
    assert cells.nbytes < values.nbytes / 4


@pytest.mark.parametrize("keep", [0, 300_000, 2**30])
def test_cells_that_are_kept_serve_a_map_of_the_same_bits(counted, keep):
    source, cube = counted

    def mean(block, n):
        return {"mean": block.mean(1, dtype=np.float32)}, {}

    fill = {"mean": np.float32(np.nan)}
    plain = [map_tiles(mean, cube, fill, context=context)[0]["mean"] for context in (0, 3)]
    with remembering(2**30) as cells:
        cells.keep = keep
        _drawn(cube)
        assert cells.nbytes <= keep
        source.numbers = 0
        held = [map_tiles(mean, cube, fill, context=context)[0]["mean"] for context in (0, 3)]
        assert source.numbers == pytest.approx(2 * (source.values.size - cells.nbytes / 2), rel=0.5 if keep else 0.01)
        assert source.numbers < 2 * source.values.size or not keep
        cells.forget()
        assert cells.nbytes == 0
    for one, other in zip(plain, held, strict=True):
        assert np.array_equal(one, other, equal_nan=True)


def test_segment_reads_a_small_file_once_and_a_little(tmp_path, monkeypatch):
    from spaxel.readers.parts import lazy

    cube = spaxel.write_cube(spaxel.simulate("maxrf", height=200, width=140, channels=12), tmp_path / "a.zarr")
    seen, plain = [], lazy.Explained.__getitem__

    def counting(self, key):
        found = plain(self, key)
        seen.append(found.size if found.ndim == 3 else 0)
        return found

    monkeypatch.setattr(lazy.Explained, "__getitem__", counting)
    segment([cube], tmp_path / "run", method="kmeans", parameters={"n_clusters": "3"}, despike="none")
    looked = 9 * 64 * 64 * 12  # for marks of no data
    assert sum(seen) <= 200 * 140 * 12 + 2 * looked
