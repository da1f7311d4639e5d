"""Scores of maps that lie on the disk: the same numbers as in memory, whatever the rectangles."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from spaxel.errors import CubeError
from spaxel.metrics import abundance_rmse, score
from spaxel.metrics.agreement import agreement
from spaxel.metrics.labels import truth_labels
from spaxel.metrics.pairs import DENSE, Pairs
from spaxel.metrics.shares import rmse_of_shares
from spaxel.results.walk import bounded

RNG = np.random.default_rng(3)
LABELS = RNG.integers(-1, 4, (50, 40)).astype(np.int32)
TRUTH = np.where(RNG.random(LABELS.shape) < 0.6, LABELS * 7 + 3, RNG.integers(-1, 3, LABELS.shape))


def on_disk(values, chunk=16):
    return da.from_array(values, chunks=(chunk, chunk, *values.shape[2:]))


def test_score_and_agreement():
    with bounded(2**13):
        lazy = xr.Dataset({"labels": (("y", "x"), on_disk(LABELS))})
        known = xr.Dataset({"truth_labels": (("y", "x"), on_disk(TRUTH, 20)), "valid": (("y", "x"), LABELS != 2)})
        assert score(lazy, known) == score(LABELS, np.where(LABELS != 2, TRUTH, -1))
        assert score(lazy, TRUTH) == score(LABELS, TRUTH)
        one, other = agreement(on_disk(LABELS), on_disk(TRUTH, 13), (9, 0)), agreement(LABELS, TRUTH, (9, 0))
    assert np.array_equal(one.table, other.table)
    assert one._replace(table=0) == other._replace(table=0)
    assert one.only_a == ((LABELS >= 0) & (TRUTH < 0)).sum()
    with pytest.raises(CubeError, match="shape"):
        score(lazy, TRUTH[1:])
    with pytest.raises(CubeError, match="no labelled pixel"):
        score(lazy, on_disk(TRUTH * 0 - 1))
    with pytest.raises(CubeError, match="whole numbers"):
        score(lazy, on_disk(TRUTH + 0.5))


def test_the_truth_of_abundances():
    true = RNG.random((50, 40, 3)).astype(np.float32)
    true[LABELS < 0] = 0
    cube = xr.Dataset({"truth_abundances": (("y", "x", "k"), true)})
    lazy = xr.Dataset({"truth_abundances": (("y", "x", "k"), on_disk(true))})
    assert np.array_equal(truth_labels(lazy).compute(), truth_labels(cube))
    assert score(on_disk(LABELS), lazy) == score(LABELS, true)
    found = (true[..., [2, 0, 1]] + RNG.random(true.shape) / 9).astype(np.float32)
    with np.errstate(invalid="ignore"):
        whole = [one.astype(float) / one.sum(-1, keepdims=True, dtype=float) for one in (found, true)]
    expected = rmse_of_shares(found, true)
    assert expected == pytest.approx(abundance_rmse(*whole)["mean_rmse"], rel=1e-9)
    with bounded(2**14):
        assert rmse_of_shares(on_disk(found), on_disk(true, 11)) == expected
    assert rmse_of_shares(true[..., [1, 2, 0]], true) == 0
    with pytest.raises(CubeError, match="No pixel"):
        rmse_of_shares(found * np.nan, true)


def test_pairs_of_few_and_of_far_labels():
    a, b = RNG.integers(0, 5, 500), RNG.integers(-1, 3, 500)
    near, far = Pairs(), Pairs()
    for part in (slice(0, 200), slice(200, 500)):
        near.add(a[part], b[part])
        far.add(a[part] * DENSE, b[part] * 1000 - 7)
    table = np.zeros((5, 4), int)
    np.add.at(table, (a, b + 1), 1)
    for pairs in (near, far):
        assert np.array_equal(pairs.table()[2], table)
    assert far.table()[0].tolist() == [k * DENSE for k in range(5)]
