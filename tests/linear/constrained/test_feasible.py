import numpy as np
import pytest

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.constrained.feasible import feasible_bands


def _two(seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 1, (15, 2)), rng.uniform(0.1, 1, (2, 40))


def _lawton_sylvestre(c, s):
    """Least and most signal of both components: s1 + a s2 and s2 + b s1 at the ends of the intervals of a and b."""
    (c1, c2), (s1, s2) = c.T, s
    a = (-(s1 / s2).min(), (c2 / c1).min())
    b = (-(s2 / s1).min(), (c1 / c2).min())

    def share(a, b, first):
        c_new, s_new = (c1 - b * c2, s1 + a * s2) if first else (c2 - a * c1, s2 + b * s1)
        return np.linalg.norm(c_new) * np.linalg.norm(s_new) / (1 - a * b) / np.linalg.norm(c @ s)

    least = [share(a[0], b[1], True), share(a[1], b[0], False)]
    most = [share(a[1], b[0], True), share(a[0], b[1], False)]
    return np.array([least, most])


@pytest.mark.parametrize("seed", range(5))
def test_two_components_have_the_band_of_lawton_and_sylvestre(seed):
    c, s = _two(seed)
    bands = feasible_bands(c, s)
    np.testing.assert_allclose(bands.share, _lawton_sylvestre(c, s), rtol=1e-4)


def _three(seed=0, n=20):
    rng = np.random.default_rng(seed)
    axis = np.linspace(0, 1, 60)
    return rng.dirichlet(np.ones(3), n), np.exp(-((axis - np.array([[0.25], [0.5], [0.75]])) ** 2) / 0.03)


@pytest.mark.parametrize("options", [{}, {"closure": True}, {"known": 1}])
def test_every_band_is_a_solution_and_holds_the_one_given(options):
    c, s = _three()
    bands = feasible_bands(c, s, **options)
    assert (bands.spectra >= 0).all()
    assert (bands.profiles >= 0).all()
    scale = 1.0 if options.get("closure") else np.linalg.norm(s, axis=1, keepdims=True)
    assert (bands.lower <= s / scale + 1e-12).all()
    assert (bands.upper >= s / scale - 1e-12).all()
    own = np.linalg.norm(c, axis=0) * np.linalg.norm(s, axis=1) / np.linalg.norm(c @ s)
    assert (bands.share[0] <= own + 1e-9).all()
    assert (bands.share[1] >= own - 1e-9).all()
    for end in (
        0,
        1,
    ):  # c_j s_j is part of a factorisation of the same table: what is left has rank 2 and is not negative
        for j in range(3):
            rest = c @ s - np.outer(bands.profiles[end][:, j], bands.spectra[end][j])
            assert rest.min() > -1e-4
            assert np.linalg.svd(rest)[1][2] < 1e-4


def test_pure_samples_and_pure_channels_leave_no_freedom():
    rng = np.random.default_rng(0)
    c = np.vstack([np.eye(3), rng.dirichlet(np.ones(3), 10)])
    s = np.hstack([np.eye(3), rng.random((3, 20))])
    assert feasible_bands(c, s).ambiguity.max() < 1e-3
    assert feasible_bands(*_three()).ambiguity.max() > 0.01


def test_noise_and_fewer_constraints_widen_known_spectra_narrow():
    c, s = _three()
    plain = feasible_bands(c, s).ambiguity.sum()
    assert feasible_bands(c, s, noise=0.01).ambiguity.sum() > plain
    assert feasible_bands(c, s, known=1).ambiguity.sum() < plain
    assert feasible_bands(c, s, known=3).ambiguity.max() == 0


def test_brightness_of_components_is_no_matter():
    c, s = _three()
    scale = np.array([1.0, 50.0, 0.01])
    np.testing.assert_allclose(
        feasible_bands(c / scale, s * scale[:, None]).share, feasible_bands(c, s).share, rtol=1e-4
    )


def test_what_is_too_large_or_empty_is_not_computed_and_says_so():
    rng = np.random.default_rng(0)
    bands = feasible_bands(rng.random((9, 5)), rng.random((5, 12)))
    assert np.isnan(bands.ambiguity).all()
    assert "more than 4 components" in bands.sentence
    empty = feasible_bands(rng.random((9, 2)), np.vstack([np.zeros(12), rng.random(12)]))
    assert "empty" in empty.sentence
    assert feasible_bands(rng.random((9, 1)), rng.random((1, 12))).ambiguity == [0.0]


def test_wrong_input_is_explained():
    with pytest.raises(ParameterError, match="non-negative"):
        feasible_bands(-np.ones((4, 2)), np.ones((2, 5)))
    with pytest.raises(CubeError, match="NaN"):
        feasible_bands(np.full((4, 2), np.nan), np.ones((2, 5)))
