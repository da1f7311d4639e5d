"""k-means that tells its restarts has the bits of scikit-learn's own."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from spaxel.linear.lloyd import lloyd
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
