import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls as one_by_one

from spaxel.linear import abundances
from spaxel.linear.abundances import BLOCK, fcls, nnls
from spaxel.linear.pivoting import Problem, active_amounts


def sparse(k, n, held, noise, seed, channels=60):
    """Mixtures of about so many of k smooth, alike spectra."""
    rng = np.random.default_rng(seed)
    S = np.abs(np.cumsum(rng.normal(size=(k, channels)), 1)) + 0.1
    C = rng.exponential(size=(n, k)) * (rng.random((n, k)) < held / k)
    return C @ S + noise * rng.normal(size=(n, channels)) * S.std(), S


def parts(X, S, edge=None):
    """Products with unit components, and the problem."""
    unit = S / np.linalg.norm(S, axis=1, keepdims=True)
    return X @ unit.T, Problem(unit @ unit.T, edge, 1e-11)


@settings(max_examples=25)
@given(st.integers(1, 24), st.sampled_from([1.0, 3.0, 30.0]), st.sampled_from([0.0, 0.05, 1.0]), st.integers(0, 99))
def test_nnls_agrees_with_scipy(k, held, noise, seed):
    X, S = sparse(k, 24, held, noise, seed)
    expected = np.array([one_by_one(S.T, x)[0] for x in X])
    np.testing.assert_allclose(nnls(X, S), expected, atol=1e-6 * max(expected.max(), 1))


@settings(max_examples=15)
@given(st.integers(1, 24), st.sampled_from([0.0, 0.05, 1.0]), st.integers(0, 99))
def test_fcls_agrees_with_scipy_under_a_heavy_constraint(k, noise, seed):
    """The sum of one as a channel that weighs 10^5 times as much."""
    X, S = sparse(k, 24, 3.0, noise, seed)
    weight = 1e5 * np.abs(S).max()
    expected = [one_by_one(np.vstack([S.T, np.full(k, weight)]), np.append(x, weight))[0] for x in X]
    np.testing.assert_allclose(fcls(X, S), expected, atol=1e-5)


@pytest.mark.parametrize("edge", [None, np.linspace(0.5, 2, 15)])
def test_pivots_suffice_and_find_what_the_walk_finds(edge):
    X, S = sparse(15, BLOCK, 4.0, 0.05, 1)
    b, problem = parts(X, S, edge)
    c, exact = active_amounts(b, problem)
    assert exact.all()
    np.testing.assert_allclose(c, abundances._walk(b, problem.gram, edge), atol=1e-9)


@pytest.mark.same_bits
@pytest.mark.parametrize("solve", [nnls, fcls])
def test_a_row_gets_the_same_bits_in_any_company(solve):
    X, S = sparse(13, BLOCK, 4.0, 0.05, 2)
    whole, order = solve(X, S), np.random.default_rng(0).permutation(BLOCK)
    np.testing.assert_array_equal(solve(X[order], S), whole[order])
    for i in (0, 7, BLOCK - 1):
        np.testing.assert_array_equal(solve(X[i : i + 1], S)[0], whole[i])


def test_what_pivots_leave_open_is_walked(monkeypatch):
    X, S = sparse(9, 40, 4.0, 0.05, 3)
    right = nnls(X, S)

    def unsure(b, problem):
        c, exact = active_amounts(b, problem)
        exact[::3], c[::3] = False, -1
        return c, exact

    monkeypatch.setattr(abundances, "active_amounts", unsure)
    np.testing.assert_allclose(nnls(X, S), right, atol=1e-9)


def test_an_answer_that_breaks_a_condition_is_not_called_exact(monkeypatch):
    """After one pivot some rows are done, and the others, of which some components fit, are left to the walk."""
    X, S = sparse(9, 40, 4.0, 0.05, 3)
    monkeypatch.setattr("spaxel.linear.pivoting.PIVOTS", -1)
    b, problem = parts(X, S)
    c, exact = active_amounts(b, problem)
    assert 0 < exact.sum() < len(exact)
    np.testing.assert_allclose((c / np.linalg.norm(S, axis=1))[exact], nnls(X, S)[exact], atol=1e-9)
