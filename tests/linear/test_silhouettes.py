"""Silhouettes of many partitions at once are those of scikit-learn, one by one."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from spaxel.linear.silhouettes import ROWS, silhouettes

SCORES = np.random.default_rng(3).normal(size=(ROWS + 90, 3)) + 3 * np.arange(ROWS + 90)[:, None] % 4


def test_each_is_the_one_of_scikit_learn():
    rng = np.random.default_rng(4)
    some = [rng.integers(0, k, len(SCORES)) for k in (2, 5)]
    alone = np.where(np.arange(len(SCORES)) == 7, 1, 0)  # a group of one point
    skipped = 3 * some[0]  # numbers without a point
    partitions = [*some, alone, skipped]
    expected = [silhouette_score(SCORES, labels) for labels in partitions]
    assert silhouettes(SCORES, partitions) == pytest.approx(expected, abs=1e-9)
    assert silhouettes(SCORES, partitions[1:])[0] == pytest.approx(expected[1], abs=1e-12)


def test_one_group_and_as_many_as_points_have_none():
    found = silhouettes(SCORES[:9], [np.zeros(9, int), np.arange(9), np.arange(9) // 5])
    assert np.isnan(found).tolist() == [True, True, False]
