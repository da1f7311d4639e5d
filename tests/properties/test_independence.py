"""The answer depends on the seed and the data alone: not on memory, chunks, workers or scheduler, bit by bit."""

from functools import cache

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube.executing import executing
from spaxel.cube.mapping import DEFAULT_MEMORY, map_tiles
from spaxel.methods.centers import maps
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.testing import tiny_cube

pytestmark = pytest.mark.same_bits

CUBE = tiny_cube(150, 131, counts=False)


@cache
def fitted():
    return KMeans(n_clusters="auto", n_sample=3000, n_init=2, max_clusters=6).fit(CUBE)


@cache
def expected():
    return fitted().predict(CUBE)


@settings(deadline=None, max_examples=8)
@given(st.sampled_from([2**19, 2**21, 2**23, 2**30]), st.integers(16, 150), st.integers(16, 131), st.integers(3, 11))
def test_memory_and_chunks_do_not_matter_to_predict(memory, rows, columns, channels):
    model = KMeans(**{**fitted().get_params(), "memory": memory})
    model.state_, model.info_, model.n_features_in_ = fitted().state_, fitted().info_, 11
    xr.testing.assert_identical(model.predict(CUBE.chunk(y=rows, x=columns, channel=channels)), expected())


@settings(deadline=None, max_examples=4)
@given(st.sampled_from([2**20, 2**30]), st.integers(20, 150), st.integers(20, 131))
def test_memory_and_chunks_do_not_matter_to_fit(memory, rows, columns):
    model = KMeans(**{**fitted().get_params(), "memory": memory}).fit(CUBE.chunk(y=rows, x=columns))
    assert model.info_ == fitted().info_
    for name, array in fitted().state_.items():
        assert np.array_equal(array, model.state_[name], equal_nan=True), name


@pytest.mark.parametrize(
    ("scheduler", "workers"), [("synchronous", None), ("threads", 1), ("threads", 5), ("processes", 2)]
)
def test_scheduler_and_workers_do_not_matter(monkeypatch, scheduler, workers):
    used = []
    wanted = expected()  # before the patch: this test may be the first of its process

    def mapped(function, cube, fill, *, memory, **reading):
        used.append(scheduler)
        return map_tiles(function, cube, fill, memory=2**22, **reading)

    monkeypatch.setattr(maps, "map_tiles", mapped)
    with executing(scheduler, workers):
        xr.testing.assert_identical(fitted().predict(CUBE), wanted)
    assert used == [scheduler]
    assert DEFAULT_MEMORY > 2**22


def test_one_pixel_alone_gets_what_it_gets_in_company():
    for y, x in ((0, 0), (75, 66), (149, 130)):
        alone = fitted().predict(CUBE.isel(y=[y], x=[x]))
        for name in ("labels", "confidence", "picture", "micro_labels"):
            assert np.array_equal(alone[name].values[0, 0], expected()[name].values[y, x])
