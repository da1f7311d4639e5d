import pickle
import sys
from contextlib import suppress
from types import ModuleType

import cloudpickle
import dask
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.cube.mapping import BLOCK, Look, map_tiles
from spaxel.errors import MemoryBudgetError, MissingExtra
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

    map_tiles(spy, tiny_cube(70, 65), FILL, memory=2**17, scheduler="synchronous")
    assert seen == {BLOCK}


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
    maps, sums = map_tiles(_seen, make_cube(spectra), fill, memory=memory, workers=workers, look=LOOK)
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
    with suppress(MemoryBudgetError):
        map_tiles(_total, cube, FILL, memory=memory, workers=workers, scheduler="synchronous", look=Look(spy, halo, 1))
        assert max(read) * workers <= memory


@pytest.fixture
def cluster(monkeypatch):
    """A cluster in this process, in place of the package `distributed`: what it is given is sent as bytes, as to another."""
    told = []

    class Client:
        def __init__(self, address):
            told.append(address)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            told.append("closed")

        def compute(self, tasks):
            told.append(len(tasks))
            return [cloudpickle.dumps(task) for task in tasks]

        def gather(self, sent):
            tasks = [pickle.loads(task) for task in sent]
            return pickle.loads(pickle.dumps(list(dask.compute(*tasks, scheduler="synchronous"))))

    module = ModuleType("distributed")
    module.Client = Client
    monkeypatch.setitem(sys.modules, "distributed", module)
    return told


def test_a_cluster_gives_the_maps_of_one_machine(cluster):
    cube, done = tiny_cube(150, 131).chunk(y=64, x=64), []
    expected = map_tiles(_total, cube, FILL, scheduler="synchronous")
    with progress(lambda _, *at: done.append(at[:2]), every=0):
        maps, sums = map_tiles(_total, cube, FILL, memory=2**18, workers=1, scheduler="tcp://far:8786")
    assert np.array_equal(maps["total"], expected[0]["total"])
    assert np.array_equal(sums["sum"], expected[1]["sum"])
    assert sums["n"] == 150 * 131
    assert (cluster[0], cluster[-1]) == ("tcp://far:8786", "closed")
    assert len(cluster[1:-1]) > 1
    assert set(cluster[1:-2]) == {4}  # tiles that are on their way, four for each worker
    assert done[-1] == (150 * 131, 150 * 131)
    assert len(done) == len(cluster) - 1  # one for the begin, one for each batch


def test_a_cluster_is_left_where_a_tile_fails(cluster):
    def fail(spectra, n):
        raise ArithmeticError("far away")

    with pytest.raises(ArithmeticError, match="far away"):
        map_tiles(fail, tiny_cube(), FILL, scheduler="tcp://far:8786")
    assert cluster == ["tcp://far:8786", 1, "closed"]


def test_without_distributed_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"pip install 'spaxel\[cluster\]'"):
        map_tiles(_total, tiny_cube(), FILL, scheduler="tcp://far:8786")
