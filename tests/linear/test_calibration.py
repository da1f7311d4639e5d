"""Laws of a calibration: exact lines, honest errors of left-out samples, components that say nothing."""

import numpy as np
import pytest

from spaxel.errors import CubeError
from spaxel.linear.calibration import calibration


def table(n=40, k=3, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    c = rng.uniform(0, 2, (n, k))
    return c, 3 + 4 * c[:, 1] + noise * rng.standard_normal(n)


def test_an_exact_line_is_found_and_only_its_component_used():
    c, y = table()
    y[5:9] = np.nan
    found = calibration(c, y)
    assert found.line.offset == pytest.approx(3)
    np.testing.assert_allclose(found.line.slopes[1], 4)
    values, error = found.line.values(c)
    np.testing.assert_allclose(values, 3 + 4 * c[:, 1])
    assert (error < 1e-9).all()
    assert np.isnan(found.left_out[5:9]).all()
    np.testing.assert_allclose(found.left_out[10:], y[10:])


def test_a_value_made_of_several_components_needs_all():
    c, _ = table(seed=3)
    found = calibration(c, c @ [1.0, 2.0, -3.0] + 1)
    np.testing.assert_allclose(found.line.slopes, [1, 2, -3], atol=1e-9)


def test_left_out_is_what_is_fitted_without_the_sample():
    c, y = table(12, noise=0.5)
    found = calibration(c[:, [1]], y)
    for i in range(12):
        others = np.arange(12) != i
        slope, offset = np.polyfit(c[others, 1], y[others], 1)
        assert found.left_out[i] == pytest.approx(offset + slope * c[i, 1])


def test_values_without_any_relation_are_not_praised():
    """The choice among 20 components is made anew without each sample: R² of left-out samples is not above zero."""
    rng = np.random.default_rng(1)
    r2 = []
    for _ in range(10):
        c, y = rng.standard_normal((25, 20)), rng.standard_normal(25)
        rest = calibration(c, y).left_out - y
        r2.append(1 - (rest**2).sum() / ((y - y.mean()) ** 2).sum())
    assert np.mean(r2) < 0


def test_new_samples_are_off_by_the_stated_error_in_two_of_three():
    inside = []
    for seed in range(30):
        c, y = table(20, noise=0.5, seed=seed)
        new, truth = table(30, noise=0.5, seed=seed + 100)
        values, error = calibration(c, y).line.values(new)
        inside.append(np.abs(values - truth) < error)
    assert 0.60 < np.mean(inside) < 0.76


def test_the_limit_is_told_from_none():
    """Samples at the limit lie above what 95 % of samples without it reach, in about 95 %."""
    c, y = table(60, noise=0.5)
    line = calibration(c, y - 3).line
    assert line.limit == pytest.approx(3.29 * 0.5, rel=0.3)


def test_the_limit_is_that_of_a_sample_without_it_not_of_no_abundance_at_all():
    """One component far from 0: 5 % of samples without it pass half the limit. Moving the abundances moves nothing."""
    rng = np.random.default_rng(2)
    above, limits = [], []
    for _ in range(100):
        c = rng.uniform(10, 12, 8)
        line = calibration(c[:, None], 4 * (c - 10) + 0.5 * rng.standard_normal(8)).line
        blank = 10 + 0.5 / 4 * rng.standard_normal((20, 1))  # its noise is that of a value
        above.append((line.values(blank)[0] > line.limit / 2).mean())
        limits.append(line.limit)
    assert 0.03 < np.mean(above) < 0.1
    c, y = table(60, noise=0.5)
    assert calibration(c + 50, y - 3).line.limit == pytest.approx(calibration(c, y - 3).line.limit, rel=1e-6)


def test_the_limit_of_several_components_holds_for_samples_without_the_value():
    """Leverage by hand: the sample of value 0 that is nearest to the known ones, in their own spread."""
    c, _ = table(seed=3)
    y = c @ [1.0, 2.0, -3.0] + 1 + 0.1 * np.random.default_rng(0).standard_normal(len(c))
    line = calibration(c, y).line
    A = np.column_stack([np.ones(len(c)), c])
    t = np.linalg.pinv(np.cov(c.T))
    many = c.mean(0) + np.random.default_rng(1).standard_normal((4000, 3)) @ np.linalg.cholesky(np.linalg.inv(t)).T
    many -= ((line.offset + many @ line.slopes) / (line.slopes @ line.slopes))[:, None] * line.slopes  # of value 0
    many = np.column_stack([np.ones(len(many)), many])
    least = np.einsum("ij,jk,ik->i", many, np.linalg.inv(A.T @ A), many).min()
    assert line.limit == pytest.approx(3.29 * line.spread * np.sqrt(1 + least), rel=0.01)


def test_the_error_is_that_of_samples_that_were_not_seen():
    """20 components without meaning, 25 samples: the choice among them follows noise, and the stated error knows."""
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(12):
        c, y = rng.standard_normal((25, 20)), rng.standard_normal(25)
        new, truth = rng.standard_normal((100, 20)), rng.standard_normal(100)
        values, error = calibration(c, y).line.values(new)
        inside.append(np.abs(values - truth) < error)
    assert 0.58 < np.mean(inside) < 0.8


@pytest.mark.parametrize("known", [[1, 2, 3, np.nan, np.nan], [2, 2, 2, 2, 2]])
def test_refused(known):
    with pytest.raises(CubeError, match="known value"):
        calibration(np.random.default_rng(0).random((5, 1)), np.array(known, float))


def test_components_that_never_vary_are_refused():
    with pytest.raises(CubeError, match="No component varies"):
        calibration(np.ones((6, 2)), np.arange(6.0))
