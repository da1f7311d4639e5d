import numpy as np
import pytest

from spaxel.errors import CubeError
from spaxel.linear.noise import biwhiten, check_table, eigenvalues, power_weights


@pytest.fixture
def low_rank():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 1, (200, 5)) @ rng.uniform(0, 1, (5, 80)), rng


def test_powers_scale_with_the_sample():
    X = np.array([[1.0, 0], [0, 10.0], [0, 0], [3, 4]])
    np.testing.assert_allclose(np.linalg.norm(power_weights(X, 1.0).apply(X), axis=1), [5, 5, 0, 5])
    np.testing.assert_allclose(power_weights(X, 0.0).apply(X), X)


def test_biwhitening_makes_poisson_noise_even(low_rank):
    clean, rng = low_rank
    clean = clean * np.geomspace(1, 50, 80) * np.geomspace(0.5, 20, 200)[:, None]
    X = rng.poisson(clean)
    weights = biwhiten(X)
    Y = weights.apply(X)
    noise = weights.apply(X - clean)
    assert noise.std() == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose((noise**2).mean(0), 1, atol=0.4)
    squares = X * np.outer(weights.row**2, weights.channel**2)
    np.testing.assert_allclose(squares.sum(1), 80, rtol=1e-4)
    np.testing.assert_allclose(squares.sum(0), 200, rtol=1e-4)
    rest = eigenvalues(Y)[5:].sum() / ((200 - 5) * (80 - 5))
    assert np.sqrt(rest) == pytest.approx(1, abs=0.03)


def test_channels_without_counts_keep_weight_zero():
    weights = biwhiten(np.array([[1, 0, 3], [2, 0, 1], [0, 0, 0]]))
    assert weights.channel[1] == 0
    assert weights.row[2] == 0


def test_refused():
    with pytest.raises(CubeError, match="NaN"):
        check_table(np.array([[1.0, np.nan]]))
    with pytest.raises(CubeError, match="shape"):
        check_table(np.ones(3))
    with pytest.raises(CubeError, match="dtype"):
        check_table(np.ones((2, 2), complex))
    with pytest.raises(CubeError, match="negative"):
        biwhiten(-np.ones((3, 5)))
