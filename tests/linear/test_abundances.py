import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import nnls as one_by_one

from spaxel.errors import CubeError
from spaxel.linear.abundances import BLOCK, fcls, free_brightness, nnls


def mixed(k=4, n=200, channels=50, noise=0.2, seed=0):
    rng = np.random.default_rng(seed)
    S = rng.random((k, channels))
    return rng.dirichlet(np.full(k, 0.4), n) @ S + noise * rng.standard_normal((n, channels)), S


def closed_oracle(x, S):
    """The best of all supports: least squares with a sum of one on each."""
    k, best = len(S), (np.inf, None)
    for size in range(1, k + 1):
        for support in map(list, combinations(range(k), size)):
            P = S[support]
            K = np.block([[P @ P.T, np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
            c = np.linalg.solve(K, np.append(P @ x, 1.0))[:size]
            cost = ((x - c @ P) ** 2).sum()
            if (c >= 0).all() and cost < best[0]:
                best = (cost, np.zeros(k))
                best[1][support] = c
    return best[1]


@pytest.mark.parametrize("k", [1, 2, 4, 12, 40, 70])
def test_nnls_is_that_of_scipy(k):
    X, S = mixed(k, n=80, channels=90)
    expected = np.array([one_by_one(S.T, x)[0] for x in X])
    np.testing.assert_allclose(nnls(X, S), expected, atol=1e-9)


def test_nnls_of_nearly_dependent_components_of_unequal_size():
    X, S = mixed(4)
    S = np.vstack([S, S[0] + 1e-3 * np.sin(np.arange(50))]) * np.array([1e-3, 1.0, 1e3, 1.0, 5.0])[:, None]
    expected = np.array([one_by_one(S.T, x)[0] for x in X])
    found = nnls(X, S)
    np.testing.assert_allclose(found @ S, expected @ S, atol=1e-8)


def test_nnls_meets_the_conditions_of_karush_kuhn_and_tucker():
    X, S = mixed(9, n=600)
    C = nnls(X, S)
    gradient = (C @ S - X) @ S.T
    assert (C >= 0).all()
    assert gradient.min() > -1e-9
    assert np.abs(gradient[C > 0]).max() < 1e-9


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_fcls_is_the_best_of_all_supports(k):
    X, S = mixed(k, n=60)
    np.testing.assert_allclose(fcls(X, S), [closed_oracle(x, S) for x in X], atol=1e-9)


def test_fcls_is_non_negative_and_sums_to_one():
    X, S = mixed(8, n=700)
    A = fcls(X, S)
    assert (A >= 0).all()
    np.testing.assert_allclose(A.sum(1), 1, atol=1e-12)


def test_fcls_far_from_the_simplex_is_a_corner():
    S = np.eye(3)
    np.testing.assert_allclose(fcls(np.array([[100.0, 0, 0], [-1, -1, 100]]), S), [[1, 0, 0], [0, 0, 1]], atol=1e-12)


def test_fcls_needs_only_affinely_independent_components():
    np.testing.assert_allclose(fcls(np.array([[1.5], [9.0]]), np.array([[1.0], [2.0]])), [[0.5, 0.5], [0, 1]])


@pytest.mark.parametrize("solve", [nnls, fcls, free_brightness])
def test_true_abundances_come_back(solve):
    S = mixed()[1]
    A = np.random.default_rng(0).dirichlet(np.ones(4), 100)
    np.testing.assert_allclose(solve(A @ S, S), A, atol=1e-10)


@pytest.mark.parametrize("solve", [nnls, fcls, free_brightness])
def test_an_answer_does_not_depend_on_its_neighbours(solve):
    X, S = mixed(6, n=2 * BLOCK + 77)
    whole = solve(X, S)
    np.testing.assert_array_equal(np.concatenate([solve(X[:BLOCK], S), solve(X[BLOCK:], S)]), whole)
    np.testing.assert_allclose(np.concatenate([solve(X[:13], S), solve(X[13:], S)]), whole, atol=1e-12)


@pytest.mark.parametrize("solve", [nnls, fcls])
def test_the_order_of_components_is_free(solve):
    X, S = mixed(5)
    order = [3, 0, 4, 1, 2]
    np.testing.assert_allclose(solve(X, S[order]), solve(X, S)[:, order], atol=1e-10)


def test_scale():
    X, S = mixed(4)
    np.testing.assert_allclose(nnls(7 * X, S), 7 * nnls(X, S), atol=1e-9)
    np.testing.assert_allclose(nnls(X, 1e6 * S), 1e-6 * nnls(X, S), atol=1e-14)
    np.testing.assert_allclose(fcls(1e-9 * X, 1e-9 * S), fcls(X, S), atol=1e-9)


def test_free_brightness_undoes_uneven_light():
    rng = np.random.default_rng(1)
    S = rng.random((3, 30))
    A = rng.dirichlet(np.ones(3), 300)
    X = rng.uniform(0.2, 3.0, (300, 1)) * (A @ S)
    np.testing.assert_allclose(free_brightness(X, S), A, atol=1e-10)
    closed = fcls(X, S)
    assert np.abs(fcls(X, S, unit_norm=True) - A).mean() < 0.5 * np.abs(closed - A).mean()


def test_unit_norm_warns_of_dark_pixels_and_gives_nan_for_none():
    X, S = mixed(3, noise=0.0)
    X[0], X[1] = 0.0, 1e-3 * X[1]
    with pytest.warns(UserWarning, match=r"1\.0% of the spectra are darker"):
        A = fcls(X, S, unit_norm=True)
    assert np.isnan(A[0]).all()
    assert np.isfinite(A[1:]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fcls(X[2:], S, unit_norm=True)
    assert np.isnan(free_brightness(X, S)[0]).all()


def test_no_spectra_no_abundances():
    with pytest.raises(CubeError):
        nnls(np.zeros((0, 4)), np.eye(4))


def test_components_that_determine_nothing():
    X, S = mixed(3)
    for bad in (np.vstack([S, S[:1]]), np.vstack([S, 0 * S[:1]]), np.vstack([S, 0.5 * S[:1] + 0.5 * S[1:2]])):
        with pytest.raises(CubeError, match="dependent"):
            nnls(X, bad)
    with pytest.raises(CubeError, match="dependent"):
        fcls(X, np.vstack([S, S[:1]]))
    with pytest.raises(CubeError, match="all zero"):
        fcls(X, np.vstack([S, 0 * S[:1]]), unit_norm=True)


@pytest.mark.parametrize("solve", [nnls, fcls, free_brightness])
def test_data_that_cannot_be(solve):
    X, S = mixed(3)
    with pytest.raises(CubeError, match="channels"):
        solve(X[:, 1:], S)
    with pytest.raises(CubeError, match="NaN"):
        solve(np.where(X > 0.5, np.nan, X), S)
