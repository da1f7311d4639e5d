"""Corners move outwards where no spectrum is pure, little where variation is all that lies outside, hang little on where one
starts, and keep their scale."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from spaxel.linear.scene.refine import refined_corners
from spaxel.metrics import matched_spectra


def mixed(seed, *, purest=0.9, light=0.0, noise=0.002, vary=0.0, n=500, k=3):
    """Mixtures none of which holds more than `purest` of a material, their pure spectra, and the purest three."""
    rng = np.random.default_rng(seed)
    S = np.exp(0.5 * gaussian_filter1d(rng.standard_normal((k, 60)), 5, axis=1) / 0.24)
    A = purest * rng.dirichlet(np.full(k, 0.3), n) + (1 - purest) / k
    X = (A @ S) * np.exp(light * rng.standard_normal((n, 1)))
    shape = gaussian_filter1d(rng.standard_normal((n, 60)), 6, axis=1)
    X = X * np.exp(vary * shape / shape.std())
    inner = 0.97 * np.stack([X[A[:, j] > np.quantile(A[:, j], 0.95)].mean(0) for j in range(k)]) + 0.03 * X.mean(0)
    return X + noise * X.mean() * rng.standard_normal(X.shape), S, inner


def angle(found, S):
    return matched_spectra(found, S)["mean_angle"]


@pytest.mark.parametrize("light", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_corners_that_no_spectrum_shows_alone_are_nearer(seed, light):
    X, S, inner = mixed(seed, light=light)
    assert angle(refined_corners(X, inner), S) < 0.92 * angle(inner, S)


def test_what_varies_within_materials_does_not_carry_corners_away():
    for seed in range(3):
        X, S, inner = mixed(seed, purest=1.0, vary=0.1, noise=0.01)
        assert angle(refined_corners(X, inner), S) < angle(inner, S) + 0.02


@pytest.mark.parametrize("seed", range(3))
def test_other_starts_end_at_nearly_the_same_spectra(seed):
    X, _, inner = mixed(seed, vary=0.03)
    other = inner + 0.1 * (X.mean(0) - inner)
    ends = [refined_corners(X, start) for start in (inner, other)]
    assert angle(*ends) < 0.4 * angle(inner, other)  # half of the way from where one starts would leave half


def test_a_rare_material_is_not_drawn_to_the_others():
    """Fewer spectra show it than one in a hundred."""
    X, S, _ = mixed(1, purest=1.0, n=2000)
    rng = np.random.default_rng(0)
    rare = np.exp(0.5 * gaussian_filter1d(rng.standard_normal(60), 5) / 0.24)
    few = rare + 0.002 * X.mean() * rng.standard_normal((12, 60))
    found = refined_corners(np.vstack([X, few]), np.vstack([S, rare]))
    assert angle(found[3:], rare[None]) < 0.02
    assert angle(found[3:], rare[None]) < 0.1 * min(angle(one[None], rare[None]) for one in S)


def test_brightness_and_sign_stay():
    X, _, inner = mixed(5)
    found = refined_corners(X, inner)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(inner, axis=1))
    assert (found >= 0).all()
    np.testing.assert_allclose(refined_corners(7 * X, 7 * inner), 7 * found, rtol=1e-6)
    order = [2, 0, 1]
    np.testing.assert_allclose(refined_corners(X, inner[order]), found[order], rtol=1e-6)


@pytest.mark.parametrize(
    ("X", "corners"),
    [
        (np.random.default_rng(0).random((30, 5)), np.ones((1, 5))),
        (np.array([[1.0, -1.0], [-1.0, 1.0]]), np.eye(2)),
        (np.random.default_rng(0).random((30, 5)), np.ones((3, 5))),
        (np.array([[1.0, 0.1], [0.1, 1.0], [2.0, 2.0]]), np.array([[1.0, 0.0], [-3.0, 1.0]])),
    ],
    ids=["one", "no mean", "dependent", "against the mean"],
)
def test_where_nothing_can_be_said_they_stay(X, corners):
    np.testing.assert_array_equal(refined_corners(X, corners), corners)
