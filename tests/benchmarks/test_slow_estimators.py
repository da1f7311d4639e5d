import numpy as np
import pytest

from slow_estimators import bi_cross_validation, parallel_analysis
from spaxel.errors import CubeError


def test_both_count_an_easy_table():
    rng = np.random.default_rng(2)
    X = rng.exponential(1, (300, 4)) @ rng.uniform(0, 1, (4, 60)) + 0.05 * rng.standard_normal((300, 60))
    assert parallel_analysis(X) == 4
    found, error = bi_cross_validation(X)
    assert found == error.argmin() == 4


def test_refused():
    with pytest.raises(CubeError, match="cross-validation"):
        bi_cross_validation(np.ones((3, 9)))
