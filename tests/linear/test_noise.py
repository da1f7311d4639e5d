import numpy as np
import pytest

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.noise import (
    biwhiten,
    edge_noise,
    neighbour_noise,
    poisson_check,
    power_weights,
    regression_noise,
    spectral_noise,
)


@pytest.fixture
def low_rank():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 1, (200, 5)) @ rng.uniform(0, 1, (5, 80)), rng


def test_every_estimator_finds_the_level(low_rank):
    clean, rng = low_rank
    X = clean + 0.05 * rng.standard_normal(clean.shape)
    assert edge_noise(X, 5) == pytest.approx(0.05, rel=0.02)
    assert np.sqrt(regression_noise(X)).mean() == pytest.approx(0.05, rel=0.05)


def test_neighbours_give_the_covariance():
    rng = np.random.default_rng(1)
    root = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    y, x = np.mgrid[:80, :60]
    image = (0.01 * y + 0.02 * x)[..., None] + rng.standard_normal((80, 60, 3)) @ root
    np.testing.assert_allclose(neighbour_noise(image), root.T @ root, atol=0.05)
    run = rng.standard_normal((1, 4000, 3)) @ root
    np.testing.assert_allclose(neighbour_noise(run), root.T @ root, atol=0.12)


def test_smooth_spectra_leave_the_noise_in_their_differences():
    rng = np.random.default_rng(2)
    levels = np.array([0.01, 0.1, 1.0])
    smooth = np.sin(np.linspace(0, 6, 2000))
    found = spectral_noise(smooth + levels[:, None] * rng.standard_normal((3, 2000)))
    np.testing.assert_allclose(found, levels, rtol=0.1)


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
    assert edge_noise(Y, 5) == pytest.approx(1, abs=0.03)


def test_counts_are_told_from_even_noise(low_rank):
    clean, rng = low_rank
    clean = clean * np.geomspace(5, 500, 80)
    counts = poisson_check(rng.poisson(clean), 5)
    assert counts.counts
    assert counts.exponent == pytest.approx(1, abs=0.1)
    even = poisson_check(clean + rng.standard_normal(clean.shape), 5)
    assert not even.counts
    assert even.exponent == pytest.approx(0, abs=0.15)


def test_channels_without_counts_keep_weight_zero():
    weights = biwhiten(np.array([[1, 0, 3], [2, 0, 1], [0, 0, 0]]))
    assert weights.channel[1] == 0
    assert weights.row[2] == 0


def test_refused():
    with pytest.raises(CubeError, match="NaN"):
        edge_noise(np.array([[1.0, np.nan]]), 0)
    with pytest.raises(CubeError, match="shape"):
        edge_noise(np.ones(3), 0)
    with pytest.raises(CubeError, match="dtype"):
        edge_noise(np.ones((2, 2), complex), 0)
    with pytest.raises(ParameterError, match="n_components is 2"):
        edge_noise(np.ones((2, 5)), 2)
    with pytest.raises(ParameterError, match="n_components is 2"):
        poisson_check(np.ones((2, 5)), 2)
    with pytest.raises(CubeError, match="more samples than channels"):
        regression_noise(np.ones((3, 5)))
    with pytest.raises(CubeError, match="negative"):
        biwhiten(-np.ones((3, 5)))
    with pytest.raises(CubeError, match="two pixels"):
        neighbour_noise(np.ones((1, 1, 4)))
    with pytest.raises(CubeError, match="second differences"):
        spectral_noise(np.ones((4, 2)))
