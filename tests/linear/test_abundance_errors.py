"""Laws of the standard errors of abundances, and how often they hold."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from spaxel.cube import make_cube
from spaxel.linear.abundance_errors import CURRIE, abundance_errors, detection_limits, rotation_errors
from spaxel.linear.abundances import nnls
from spaxel.methods.mcr.errors import Certain, table_errors
from spaxel.methods.mcr.estimator import MCR
from spaxel.synth.mixture import add_noise, mixture


def peaks(k=4, channels=120, seed=0):
    options = {"n_components": k, "n_channels": channels, "most_mixed": 1, "spectra": "peaks", "noise": "none"}
    return mixture(4, seed=seed, **options)["truth_spectra"].values


def test_known_components_give_the_scatter_of_repeated_noise():
    rng, S = np.random.default_rng(0), peaks()
    c = np.array([2.0, 1.0, 0.0, 3.0])
    sigma = 0.05
    held = [0, 1, 3]
    found = nnls(c @ S + sigma * rng.standard_normal((4000, 120)), S[held])
    error = abundance_errors(c[None], S, np.array([sigma]))[0]
    np.testing.assert_allclose(found.std(0), error[held], rtol=0.05)
    assert error[2] > 0  # of one that is not there: that which it would have


def test_units_and_order_follow():
    S, c, sigma = peaks(), np.random.default_rng(1).uniform(0, 3, (6, 4)) * (np.arange(4) != 2), np.full(6, 0.1)
    error = abundance_errors(c, S, sigma)
    np.testing.assert_allclose(abundance_errors(5 * c, S, 5 * sigma), 5 * error)
    np.testing.assert_allclose(abundance_errors(c / 7, 7 * S, sigma), error / 7)
    order = [3, 0, 2, 1]
    np.testing.assert_allclose(abundance_errors(c[:, order], S[order], sigma), error[:, order])
    assert (abundance_errors(c, S, sigma, np.full(4, 0.02)) > error).all()


def test_components_that_are_mixtures_of_each_other_have_no_error():
    S = np.vstack([peaks(2), peaks(2).sum(0)])
    assert np.isnan(abundance_errors(np.ones((1, 3)), S, np.ones(1))).all()
    assert np.isnan(abundance_errors(np.array([[1.0, 1.0, 0.0]]), S, np.ones(1))[0, 2])
    assert np.isnan(abundance_errors(np.full((1, 2), np.nan), S[:2], np.ones(1))).all()


def test_rotation_is_open_where_no_zero_holds_it():
    rng, S = np.random.default_rng(2), peaks(3)
    dense = rng.uniform(1, 2, (20, 3))
    assert np.isnan(rotation_errors(dense, S, np.ones(20))).all()
    sparse = dense * (rng.random((20, 3)) < 0.6)
    few, many = (rotation_errors(np.tile(sparse, (n, 1)), S, np.full(20 * n, 0.1)) for n in (1, 4))
    np.testing.assert_allclose(many, few / 4)  # four times as many samples, half the error
    twice = rotation_errors(sparse, 2 * S, np.full(20, 0.1))
    np.testing.assert_allclose(twice, few / 4)  # twice the signal over the same noise
    assert (few[np.arange(3), np.arange(3)] == 0).all()  # its own size is free: components have norm 1


def test_limits_are_those_of_spectra_without():
    amounts = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [4.0, 5.0]])
    errors = np.array([[0.1, 1.0], [0.2, 2.0], [0.3, 3.0], [9.0, np.nan]])
    np.testing.assert_allclose(detection_limits(amounts, errors), [CURRIE * 0.2, CURRIE * 2.0])


def deviations(seed, k=5, times=12, most=2):
    """Of abundances from the true ones, in standard errors; a table whose noise is not cut at zero."""
    rng = np.random.default_rng([seed, 5])
    pure = peaks(k, 256, seed)
    amounts = mixture(times * k, seed=seed, n_components=k, most_mixed=most)["truth_abundances"].values[:, 0]
    table = add_noise(rng, amounts @ pure, "even", 25)
    model = MCR().fit(table)
    assert model.n_components_ == k
    result = model.transform(make_cube(table[:, None]))
    found, error = (result[name].values[:, 0].astype(float) for name in ("abundances", "abundance_error"))
    rows, columns = linear_sum_assignment(-(pure @ model.components_.T))
    true = amounts[:, rows] * np.linalg.norm(pure, axis=1)[rows]
    found, error = found[:, columns], error[:, columns]
    there = (true > 0) & (found > 0)
    return ((found - true) / error)[there]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_two_of_three_abundances_are_within_one_standard_error():
    far = np.abs(np.concatenate([deviations(seed) for seed in range(200, 205)]))
    assert 0.60 <= (far < 1).mean() <= 0.76
    assert (far < 1.96).mean() >= 0.90


def test_where_rotation_is_open_and_no_bands_are_known_there_is_no_error():
    kept = {"component_error": np.zeros(2), "rotation": np.zeros((2, 2, 2))}
    kept["rotation"][1] = np.nan
    x, c = np.ones((3, 4)), np.ones((3, 2))
    components = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    known = Certain(kept, components, (0.1, 0.0), np.zeros(2))
    assert np.isfinite(table_errors(known, x, c)).tolist() == [[True, False]] * 3
    assert np.isfinite(table_errors(known._replace(open_by=np.full(2, 0.2)), x, c)).all()
    assert not np.isfinite(table_errors(known._replace(kept={"component_error": np.zeros(2)}), x, c)).any()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("wrong", [{"baseline": True}, {"noise": "coloured"}])
def test_errors_are_given_where_the_instrument_is_perfect_only(wrong):
    cube = mixture(24, seed=1, n_components=2, n_channels=60, most_mixed=1, spectra="peaks", noise="even")
    assert "abundance_error" in MCR(n_components=2).fit(cube).transform(cube)
    assert "abundance_error" not in MCR(n_components=2, **wrong).fit(cube).transform(cube)
