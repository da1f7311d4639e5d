from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.cube.executing import executing
from spaxel.cube.mapping import BLOCK, TOGETHER, Look, map_tiles
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
