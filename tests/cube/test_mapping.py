import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube, stored
from spaxel.cube.executing import executing
from spaxel.cube.kept import keeping
from spaxel.cube.mapping import BLOCK, TOGETHER, Look, Need, _shared_out, map_tiles
from spaxel.cube.tiles import CELL
from spaxel.cube.workers import Threads
from spaxel.errors import MemoryBudgetError
from spaxel.pace import progress
from spaxel.testing import tiny_cube

FILL = {"total": np.float64(np.nan)}


def _total(spectra, n):
    return {"total": spectra.sum(1, dtype=float)}, {"sum": spectra[:n].sum(0, dtype=float), "n": np.array(n)}


def test_each_usable_pixel_is_mapped_once():
    cube = tiny_cube(70, 65)
    spectra = cube["spectra"].values.copy()
    spectra[:20, :5] = 0
    maps, sums = map_tiles(_total, make_cube(spectra), FILL)
    assert np.array_equal(maps["total"][20:], spectra[20:].sum(2))
    assert np.isnan(maps["total"][:20, :5]).all()
    assert sums["n"] == 70 * 65 - 100
    assert np.array_equal(sums["sum"], spectra.sum((0, 1)))


def test_every_call_sees_the_same_number_of_rows():
    seen = set()

    def spy(spectra, n):
        seen.add(len(spectra))
        return _total(spectra, n)

    with executing("synchronous"):
        map_tiles(spy, tiny_cube(70, 65), FILL, memory=2**17)
    assert seen == {BLOCK}


def test_what_is_done_afterwards_sees_each_pixel_once_whatever_the_tiles():
    cube, seen = tiny_cube(150, 131), []

    def twice(pixels):
        seen.append(len(pixels["total"]))
        return {"double": 2 * pixels["total"]}

    with executing("synchronous"):
        for memory in (2**18, 2**30):
            seen.clear()
            maps, _ = map_tiles(_total, cube, {"double": np.float64(0)}, memory=memory, after=twice)
            assert np.array_equal(maps["double"], 2 * cube["spectra"].values.sum(2, dtype=float))
            assert sum(seen) == 150 * 131
            assert max(seen) <= TOGETHER * BLOCK


def test_nothing_to_map_gives_empty_maps():
    maps, sums = map_tiles(_total, make_cube(np.zeros((3, 4, 5))), FILL)
    assert np.isnan(maps["total"]).all()
    assert sums.keys() == {"why"}
    assert sums["why"].tolist() == [0, 0, 0, 12, 0, 0, 0]


def test_progress_ends_at_all():
    told = []
    with progress(lambda *now: told.append(now[:3]), every=0):
        map_tiles(_total, tiny_cube(70, 65), FILL, memory=2**17)
    assert told[0] == ("pixels", 0, 70 * 65)
    assert told[-1] == ("pixels", 70 * 65, 70 * 65)
    assert len(told) > 2
    assert sorted(told) == told


def test_too_small_a_budget_is_refused():
    with pytest.raises(MemoryBudgetError, match="Try a larger memory"):
        map_tiles(_total, tiny_cube(), FILL, memory=10)


def _neighbours(spectra, usable):
    """Sum of channel 0 over usable pixels at most two away, and whether the pixel is usable."""
    held = np.pad(np.where(usable, spectra[..., 0], 0), 2).astype(np.float32)
    height, width = usable.shape
    total = sum(held[i : i + height, j : j + width] for i in range(5) for j in range(5))
    return np.stack([total, usable.astype(np.float32)], axis=2)


LOOK = Look(_neighbours, halo=2, n_features=2)


def _seen(both, n):
    return {"seen": both[:, -2].astype(float), "own": both[:, 0].astype(float)}, {"n": np.array(n)}


@pytest.mark.same_bits
@settings(max_examples=12)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from([2**16, 2**17, 2**18, None]),
    st.integers(1, 3),
    st.integers(0, 9),
)
def test_a_look_sees_the_surroundings_across_tiles(height, width, memory, workers, seed):
    rng = np.random.default_rng(seed)
    spectra = rng.integers(1, 1000, (height, width, 3)).astype(">u2")
    spectra[rng.random((height, width)) < 0.2] = 0  # no data
    good = spectra.any(2)
    fill = {"seen": np.float64(np.nan), "own": np.float64(np.nan)}
    with executing("threads", workers):
        maps, sums = map_tiles(_seen, make_cube(spectra), fill, memory=memory, look=LOOK)
    assert np.array_equal(maps["seen"][good], _neighbours(spectra, good)[good][:, 0])
    assert np.array_equal(maps["own"][good], spectra[good][:, 0])
    assert np.isnan(maps["seen"][~good]).all()
    assert sums.get("n", 0) == good.sum()


def test_a_look_counts_towards_the_budget():
    wide = LOOK._replace(n_features=10_000)
    with pytest.raises(MemoryBudgetError, match="Try a larger memory"):
        map_tiles(_seen, tiny_cube(), FILL, memory=2**17, look=wide)


@settings(max_examples=30)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(2**17, 2**22), st.integers(1, 4), st.integers(0, 9))
def test_what_is_read_with_its_surroundings_fits_into_the_budget(height, width, memory, workers, halo):
    read = []

    def spy(spectra, usable):
        read.append(2 * spectra.nbytes)  # read, and put together
        return np.zeros((*usable.shape, 1), np.float32)

    cube = tiny_cube(height, width)
    with suppress(MemoryBudgetError), executing("threads", workers):
        map_tiles(_total, cube, FILL, memory=memory, look=Look(spy, halo, 1))
        assert max(read) * workers <= memory


@pytest.mark.same_bits
@settings(max_examples=12, deadline=None)
@given(
    st.integers(60, 200),
    st.integers(60, 200),
    st.sampled_from([3, 5]),
    st.sampled_from([2**20, 2**21, None]),
    st.integers(1, 3),
    st.integers(0, 9),
)
def test_what_is_kept_on_the_disk_in_shifted_tiles_is_what_one_tile_says(
    tmp_path_factory, height, width, context, memory, workers, seed
):
    rng = np.random.default_rng(seed)
    spectra = rng.integers(0, 9, (height, width, 3)).astype("u2")
    spectra[rng.random((height, width)) < 0.1] = 0
    cube, fill = make_cube(spectra), {"seen": np.float64(np.nan), "two": np.zeros(2, np.float32)}

    def seen(both, n):
        return {"seen": both.sum(1, dtype=float), "two": both[:, 2:4].astype(np.float32)}, {"n": np.array(n)}

    with executing("synchronous"):
        plain, _ = map_tiles(seen, cube, fill, context=context, memory=2**30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "LARGE", 0)
        with keeping(tmp_path_factory.mktemp("maps")), executing("threads", workers):
            maps, sums = map_tiles(seen, cube, fill, context=context, memory=memory)
        for name in fill:
            assert np.array_equal(np.asarray(maps[name]), plain[name], equal_nan=True)
            assert np.array_equal(np.asarray(maps[name][5:60:7, 3]), plain[name][5:60:7, 3], equal_nan=True)
    assert sums["n"] == spectra.any(2).sum()


def test_tiles_with_means_of_neighbours_keep_their_budget():
    """Counted as numpy counts what is allocated, beside the rows of a block."""
    cube = make_cube(np.ones((260, 700, 100), "u2"))
    with executing("synchronous"):
        for memory in (2**23, 2**24, 2**25):
            tracemalloc.start()
            map_tiles(_total, cube, FILL, memory=memory, context=3)
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert most < memory + 2**22


def test_where_cells_overlap_by_little_nearly_all_memory_is_for_tiles():
    cube = make_cube(np.broadcast_to(np.ones(1, "u2"), (512, 3072, 1024)))
    need = Need(cube, 3, None)
    (rows, columns), spare = _shared_out(need, 2**29, Threads(2), None)
    assert rows * columns >= 3 * CELL * CELL
    assert 0 < need.passing((rows, columns)) <= spare < 2**27
    assert need.shift((rows, columns)) == 1
