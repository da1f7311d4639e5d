"""Counts that are stored one by one: the sum of all detectors, the same tile by tile as whole; anything else is left alone."""

import operator
from functools import reduce

import dask.array as da
import numpy as np
import pytest

from spaxel.readers.parts.events import events_in

sparse = pytest.importorskip("sparse")
readers = pytest.importorskip("rsciio.utils._fei_stream_readers")


def detectors(n, shape=(13, 7, 11)):
    rng = np.random.default_rng(n)
    return [readers.DenseSliceCOO(sparse.COO.from_numpy(rng.poisson(0.05, shape))) for _ in range(n)]


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("chunks", [-1, 5])
def test_the_sum_of_all_detectors(n, chunks):
    lazy = reduce(operator.add, [da.from_array(each, chunks=chunks) for each in detectors(n)]).astype("u2")
    events, whole = events_in(lazy), lazy.compute()
    assert events.dtype == np.uint16
    np.testing.assert_array_equal(events[:, :, :], whole)
    np.testing.assert_array_equal(events[3:9, 2:5, 4:11], whole[3:9, 2:5, 4:11])


def test_no_counts_at_all():
    empty = readers.DenseSliceCOO(sparse.COO.from_numpy(np.zeros((3, 4, 5), int)))
    assert events_in(da.from_array(empty, chunks=-1))[:, :, :].sum() == 0


def test_what_is_more_than_a_sum_is_left_alone():
    (held,) = detectors(1)
    lazy = da.from_array(held, chunks=-1)
    assert events_in(lazy * 2) is None
    assert events_in(lazy[::2]) is None
    assert events_in(lazy + lazy) is None
    assert events_in(da.ones((3, 4, 5))) is None
