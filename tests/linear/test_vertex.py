import numpy as np
import pytest

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.vertex import nfindr, spa


def separable(k=5, n=400, channels=40, seed=0):
    """Rows 0..k-1 are the corners, the rest mixtures of them."""
    rng = np.random.default_rng(seed)
    S = rng.random((k, channels))
    C = np.vstack([np.eye(k), rng.dirichlet(np.full(k, 0.7), n)])
    return C @ S


def search(name, X, k):
    return {"spa": lambda: spa(X, k), "nfindr": lambda: nfindr(X, k).indices}[name]()


@pytest.mark.parametrize("name", ["spa", "nfindr"])
@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_corners_of_a_separable_mixture_are_found_exactly(name, k):
    X = separable(k)
    if k == 1:
        X = X * np.linspace(1.0, 0.2, len(X))[:, None]
    assert sorted(search(name, X, k)) == list(range(k))


@pytest.mark.parametrize("name", ["spa", "nfindr"])
def test_a_factor_on_all_spectra_changes_nothing(name):
    X = separable(4, seed=1)
    np.testing.assert_array_equal(search(name, X, 4), search(name, X * 1024.0, 4))


@pytest.mark.parametrize("name", ["spa", "nfindr"])
def test_the_order_of_spectra_changes_only_their_indices(name):
    X = separable(5, seed=2)
    order = np.random.default_rng(0).permutation(len(X))
    assert sorted(order[search(name, X[order], 5)]) == list(range(5))


def test_signed_spectra_have_corners_too():
    X = separable(4) - 0.5
    assert sorted(nfindr(X, 4).indices) == [0, 1, 2, 3]


def test_wide_spectra_take_the_randomised_path():
    X = separable(4, n=700, channels=900)
    assert sorted(nfindr(X, 4).indices) == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_the_volume_never_falls_and_no_swap_is_left(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((200, 12))
    simplex = nfindr(X, 5, start=rng.permutation(200)[:5])
    assert simplex.converged
    assert (np.diff(simplex.log_volume) > 0).all()
    again = nfindr(X, 5, start=simplex.indices)
    np.testing.assert_array_equal(again.indices, simplex.indices)
    assert len(again.log_volume) == 1


def test_the_largest_triangle_is_the_one_of_all_triples():
    from itertools import combinations

    X = np.random.default_rng(4).standard_normal((14, 2))
    areas = {t: abs(np.linalg.det(np.column_stack([np.ones(3), X[list(t)]]))) for t in combinations(range(14), 3)}
    found = areas[tuple(sorted(int(i) for i in nfindr(X, 3).indices))]
    assert found >= 0.9 * max(areas.values())


def test_a_flat_start_is_replaced():
    X = np.vstack([separable(3), separable(3)[:1]])
    simplex = nfindr(X, 3, start=np.array([0, len(X) - 1, 1]))
    assert np.isfinite(simplex.log_volume).all()


@pytest.mark.parametrize("name", ["spa", "nfindr"])
@pytest.mark.parametrize(
    "X",
    [np.full((9, 4), np.nan), np.zeros((9, 4)), np.zeros((0, 4)), np.ones(9), np.ones((9, 4)) * 1j],
    ids=["nan", "zero", "empty", "one spectrum", "complex"],
)
def test_data_that_cannot_be_mixed(name, X):
    with pytest.raises(CubeError, match="Try"):
        search(name, X, 2)


@pytest.mark.parametrize("name", ["spa", "nfindr"])
@pytest.mark.parametrize("k", [0, -1, 7, 2.5])
def test_numbers_that_cannot_be(name, k):
    with pytest.raises(ParameterError, match="whole number from 1"):
        search(name, np.random.default_rng(0).random((9, 4)), k)


def test_more_corners_than_directions():
    X = separable(2)
    with pytest.raises(ParameterError, match="span only 2 directions"):
        spa(X, 3)
    with pytest.raises(ParameterError, match="span only 2 directions"):
        nfindr(X, 3)


def test_one_channel_has_two_ends():
    X = np.array([[3.0], [1.0], [2.0], [5.0]])
    assert spa(X, 1) == [3]
    assert sorted(nfindr(X, 2).indices) == [1, 3]


@pytest.mark.parametrize("start", [[0, 1], [0, 1, 999], [0.0, 1.0, 2.0], [-1, 0, 1]])
def test_starts_that_are_no_rows(start):
    with pytest.raises(ParameterError, match="row indices"):
        nfindr(separable(3), 3, start=np.array(start))
