import numpy as np
import pytest

from spaxel.errors import CubeError, ParameterError
from vca import vca


def separable(k=5, n=400, channels=40, seed=0):
    """Rows 0..k-1 are the corners, the rest mixtures of them."""
    rng = np.random.default_rng(seed)
    S = rng.random((k, channels))
    C = np.vstack([np.eye(k), rng.dirichlet(np.full(k, 0.7), n)])
    return C @ S


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_corners_of_a_separable_mixture_are_found_exactly(k):
    X = separable(k)
    if k == 1:
        X = X * np.linspace(1.0, 0.2, len(X))[:, None]
    assert sorted(vca(X, k, 3)) == list(range(k))


def test_neither_a_factor_nor_the_order_of_spectra_matters():
    X = separable(4, seed=1)
    np.testing.assert_array_equal(vca(X, 4, 3), vca(X * 1024.0, 4, 3))
    order = np.random.default_rng(0).permutation(len(X))
    assert sorted(order[vca(X[order], 4, 3)]) == list(range(4))


def test_under_noise_it_stays_near_the_corners():
    X = separable(3, n=2000)
    X = X + 0.02 * np.random.default_rng(1).standard_normal(X.shape)
    found = X[vca(X, 3, 0)]
    near = np.linalg.norm(found[:, None] - separable(3, n=2000)[None, :3], axis=2).min(0)
    assert (near < 1.0).all()


def test_refused():
    with pytest.raises(CubeError, match="Try"):
        vca(np.full((9, 4), np.nan), 2)
    with pytest.raises(ParameterError, match="whole number from 1"):
        vca(np.random.default_rng(0).random((9, 4)), 7)
