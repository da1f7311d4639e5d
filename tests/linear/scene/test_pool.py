"""Corners from several views: where one view alone fails, and what is said of spectra that starts do not agree on."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from spaxel.linear.scene import pool
from spaxel.linear.scene.components import scene_components, uncertain_words
from spaxel.linear.scene.light import light_of, pure_scale
from spaxel.metrics import matched_spectra


def land(seed, k=3, side=40, channels=80):
    """Bright materials that are alike, one ten times darker whose spectrum changes with the haze; light ± 15 %."""
    rng = np.random.default_rng([seed, k])

    def curves(n):
        bend = gaussian_filter1d(rng.standard_normal((n, channels)), channels / 12, axis=1, mode="nearest")
        return bend / bend.std(1, keepdims=True)

    def field(width):
        smooth = gaussian_filter(rng.standard_normal((side, side)), width, mode="reflect").ravel()
        return smooth / smooth.std()

    S = np.exp(0.5 * curves(1) + 0.25 * curves(k)) * rng.uniform(0.4, 1, (k, 1))
    S[0] = np.exp(0.5 * curves(1))[0] * S[0].mean() / 10
    A = np.exp(4 * np.stack([field(side / 12) for _ in range(k)]))
    A = (A / A.sum(0)).T
    X = np.exp(0.15 * field(side / 25))[:, None] * (A @ S)
    for width in (side / 8, 1.0):
        X = X + 0.02 * X.mean() * np.exp(0.7 * field(width))[:, None] * np.exp(0.7 * curves(1))
    return X + 0.01 * X.mean() * rng.standard_normal(X.shape), S, A


def test_views_reach_from_raw_to_unit_norm():
    X = np.random.default_rng(0).random((20, 5)) + 0.1
    np.testing.assert_array_equal(pool.view(X, np.inf), X)
    np.testing.assert_allclose(np.linalg.norm(pool.view(X, 0.0), axis=1), 1)
    between = np.linalg.norm(pool.view(X, 1.0), axis=1)
    assert (np.argsort(between) == np.argsort(np.linalg.norm(X, axis=1))).all()
    np.testing.assert_allclose(pool.view(7 * X, 0.3), pool.view(X, 0.3))


def test_a_dark_material_in_haze_takes_no_corner_from_a_bright_one(monkeypatch):
    angles, every = {"all": [], "unit": [], "raw": []}, pool.SOFTNESS
    for seed in range(5):
        X, S, _ = land(seed, 4)
        for name, softness in (("all", every), ("unit", (0.0,)), ("raw", (np.inf,))):
            monkeypatch.setattr(pool, "SOFTNESS", softness)
            angles[name].append(matched_spectra(pool.pooled_corners(X, 4, 0).spectra, S)["mean_angle"])
    assert np.mean(angles["all"]) < 0.8 * np.mean(angles["unit"])
    assert np.mean(angles["all"]) < np.mean(angles["raw"])


def test_what_starts_do_not_agree_on_is_said():
    X, S, _ = land(1)
    found = pool.pooled_corners(X, 3, 0)
    assert found.apart.shape == (3,)
    assert (found.apart >= 0).all()
    clean = np.repeat(S, 40, axis=0)  # three spectra, nothing between them: all starts agree
    assert (pool.pooled_corners(clean, 3, 0).apart == 0).all()
    assert uncertain_words([0.0, 0.31, 0.05]) == [
        "The spectrum of component 1 is uncertain: starts that fit as well differ by 0.3 rad in it."
    ]
    assert len(scene_components(X, 3).evidence["apart"]) == 3


@pytest.mark.parametrize("seed", range(2))
def test_the_light_is_judged_alike_whatever_spectra_are_drawn(seed):
    X, *_ = land(seed, side=28)
    order = np.random.default_rng(seed).permutation(len(X))
    assert all(light_of(some).uneven for some in (X, X[order[:500]], X[order[300:]]))
    even = X / (X @ np.ones(X.shape[1]))[:, None]
    assert not any(light_of(some).uneven for some in (even, even[order[:500]]))


def test_materials_that_too_few_components_do_not_tell_apart_are_no_light():
    """Six materials, bright and dark, under even light: at two and three components their brightness would pass for light."""
    rng = np.random.default_rng(0)
    S = (
        np.exp(0.5 * gaussian_filter1d(rng.standard_normal((6, 60)), 5, axis=1) / 0.24)
        * np.array([[1, 0.3, 0.8, 0.2, 0.6, 1]]).T
    )
    X = rng.dirichlet(np.full(6, 0.1), 600) @ S
    assert not light_of(X + 0.01 * X.mean() * rng.standard_normal(X.shape)).uneven


def test_each_start_has_one_spectrum_for_each_component():
    """Two spectra of the best cannot both be found again in one spectrum of another start."""
    best, other = np.array([[1.0, 0.0, 0.0], [0.9, 0.1, 0.0]]), np.array([[0.95, 0.05, 0.0], [0.0, 0.0, 1.0]])
    assert max(pool._apart(best, [other])) == pytest.approx(np.pi / 2)


def test_the_scale_of_components_is_their_brightness_where_they_are_alone():
    rng = np.random.default_rng(0)
    S = np.array([[1.0, 0, 0], [0, 0.1, 0], [0, 0, 3.0]])
    A = np.repeat(np.eye(3), 30, axis=0)
    X = rng.uniform(0.8, 1.2, (90, 1)) * (A @ S)
    scale, brightness, shares = pure_scale(X, S)
    np.testing.assert_allclose(scale, [1, 0.1, 3], rtol=0.2)
    np.testing.assert_allclose(shares, A, atol=1e-9)
    assert np.abs(brightness - 1).max() < 0.45
