"""k-means that tells its restarts has the bits of scikit-learn's own."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from spaxel.linear.lloyd import growing, lloyd
from spaxel.pace import progress

SCORES = np.random.default_rng(5).normal(size=(600, 4)) + np.repeat(np.eye(4) * 4, 150, axis=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [1, 4, 11])
def test_the_same_bits_as_scikit_learn(k, dtype):
    scores = SCORES.astype(dtype)
    plain, told = KMeans(k, n_init=6, random_state=3).fit(scores), lloyd(scores, k, 6, 3)
    assert np.array_equal(plain.cluster_centers_, told.cluster_centers_)
    assert np.array_equal(plain.labels_, told.labels_)


def test_every_restart_is_told():
    heard = []
    with progress(lambda *now: heard.append(now[:3]), every=0):
        lloyd(SCORES, 3, 4, 0)
    assert heard == [("restarts", done, 4) for done in range(5)]


@pytest.mark.same_bits
def test_growing_is_as_low_as_many_restarts_and_ends_where_points_do():
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(9, 3))[rng.integers(0, 9, 700)] * 4 + rng.normal(size=(700, 3))
    found = growing(scores, 9, 1, np.arange(0, 700, 2))
    assert list(found) == list(range(2, 10))
    for k, centers in found.items():
        best = KMeans(k, n_init=10, random_state=0).fit(scores).inertia_
        assert ((scores[:, None] - centers) ** 2).sum(2).min(1).sum() < 1.1 * best
        assert np.array_equal(centers, growing(scores, 9, 1, np.arange(0, 700, 2))[k])
    assert list(growing(np.repeat(np.eye(3), 5, axis=0), 9, 0, np.arange(15))) == [2, 3]


def test_growing_hears_labels_where_they_are_lower():
    scores = np.random.default_rng(0).random((300, 2)) * [1, 8]
    labels = (np.arange(300) * 5 // 300)[np.argsort(np.argsort(scores[:, 1]))]
    low = [((scores[:, None] - growing(scores, 5, 0, np.arange(300), told)[5]) ** 2).sum(2).min(1).sum()
           for told in ({}, {5: labels})]  # fmt: skip
    assert low[1] <= low[0]
