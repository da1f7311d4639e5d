from functools import cache

import numpy as np
import pytest
import torch

from spaxel.errors import CubeError, ParameterError
from spaxel.methods.ebgmcr.net.cold import REHEATS, better, cold_pool, merged
from spaxel.methods.ebgmcr.net.cooling import State, shared
from spaxel.metrics.spectra import matched_spectra
from spaxel.synth.mixture import mixture


def table(seed=3, n=60):
    cube = mixture(n, seed=seed, n_components=6, most_mixed=3, n_channels=64, snr_db=20)
    X, C = cube["spectra"].values[:, 0], cube["truth_abundances"].values[:, 0]
    return X, np.linalg.norm(X, axis=1) * 0.1 / 8, C, cube["truth_spectra"].values


@cache
def solved():
    X, noise, *_ = table()
    return cold_pool(X, noise, n_pool=64, epochs=300, seed=1)


def state(k, residual):
    return State(torch.eye(k), torch.zeros(k, k + 1), torch.zeros(k, k + 1), torch.ones(2, k), residual)


def test_a_random_pool_finds_the_number_and_the_spectra():
    X, noise, C, S = table()
    found = solved()
    assert found.reached
    assert found.sentence.startswith("6 of 64 random candidates")
    match = matched_spectra(found.components, S)
    assert min(match["cosine"]) > 0.995
    amounts = found.codes[:, match["matching"]]
    assert 1 - ((amounts - C) ** 2).sum() / ((C - C.mean(0)) ** 2).sum() > 0.99
    rest = (X - found.codes @ found.components) / noise[:, None]
    assert 0.7 < (rest**2).mean() < 1.05


def test_the_pool_that_is_returned_gives_the_same_codes():
    X, noise, *_ = table()
    found = solved()
    with torch.no_grad():
        codes = found.pool(torch.tensor(X, dtype=torch.float32), torch.tensor(noise, dtype=torch.float32)[:, None])
    np.testing.assert_allclose((codes.amounts * codes.gate).numpy(), found.codes, atol=2e-3)
    np.testing.assert_allclose(found.pool.spectra().detach().numpy(), found.components, atol=1e-6)


def test_the_pool_codes_samples_that_it_has_not_seen():
    X, noise, *_ = table(n=160)
    found = cold_pool(X[:100], noise[:100], n_pool=64, epochs=300, seed=0)
    new, sigma = X[100:], noise[100:, None]
    with torch.no_grad():
        codes = found.pool(torch.tensor(new, dtype=torch.float32), torch.tensor(sigma, dtype=torch.float32))
    fit = (codes.amounts * codes.gate).double().numpy() @ found.components
    assert np.median((((new - fit) / sigma) ** 2).mean(1)) < 1.5
    assert ((new - fit) ** 2).sum() < 0.1 * ((new - new.mean(0)) ** 2).sum()


def test_same_seed_same_bits_and_another_seed_other_bits():
    X, noise, *_ = table(n=30)
    first, again, other = (cold_pool(X, noise, n_pool=40, epochs=40, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.components, again.components)
    np.testing.assert_array_equal(first.codes, again.codes)
    assert first.history == again.history
    assert first.components.shape != other.components.shape or (first.components != other.components).any()


def test_the_unit_of_the_samples_does_not_matter():
    X, noise, *_ = table(n=30)
    one = cold_pool(X, noise, n_pool=40, epochs=40)
    many = cold_pool(1024 * X, 1024 * noise, n_pool=40, epochs=40)
    np.testing.assert_array_equal(one.components, many.components)
    np.testing.assert_allclose(1024 * one.codes, many.codes)


def test_too_little_training_is_said():
    X, noise, *_ = table()
    found = cold_pool(X, noise, n_pool=64, epochs=1)
    assert not found.reached
    assert "not to be trusted" in found.sentence


def test_signed_spectra_keep_their_signs():
    X, _, *_ = table(n=30)
    X = X - X.mean(0)
    found = cold_pool(X, 0.05, n_pool=40, epochs=40, nonnegative=False)
    assert (found.components < 0).any()
    assert (found.codes >= 0).all()
    assert (cold_pool(np.abs(X), 0.05, n_pool=40, epochs=40).components >= 0).all()


def test_few_candidates_used_often_cost_less_than_many_used_seldom():
    few, many = torch.tensor([30.0, 30, 0, 0]), torch.tensor([15.0, 15, 15, 15])
    uneven = torch.tensor([45.0, 5, 5, 5])
    assert shared(few) < shared(uneven) < shared(many)
    assert shared(torch.zeros(4)) == 0


def test_the_state_with_the_fewest_candidates_wins_only_if_the_noise_is_reached():
    assert better(state(3, 1.05), state(4, 1.0))
    assert not better(state(3, 1.2), state(4, 1.0))
    assert better(state(5, 1.0), state(4, 1.2))
    assert not better(state(4, 0.999), state(4, 1.0))
    assert better(state(4, 0.9), state(4, 1.0))


def test_candidates_that_are_alike_become_one():
    s = torch.nn.functional.normalize(torch.tensor([[1.0, 0, 0], [1, 0.1, 0], [0, 1, 0]]), dim=1)
    codes = torch.tensor([[1.0, 0, 1], [1, 0, 1], [0, 2, 1], [1, 0, 0]])
    left = merged(State(s, s, s, codes, 1.0), nonnegative=True)
    assert len(left) == 2
    torch.testing.assert_close(left.norm(dim=1), torch.ones(2))
    assert 0 < left[:, 1].min() < 0.1  # nearer to the one used three times


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"X": np.full((4, 5), np.nan)}, CubeError, "finite"),
        ({"X": np.zeros((4, 5))}, CubeError, "all zero"),
        ({"X": np.ones((1, 5))}, CubeError, "at least 2"),
        ({"noise": 0.0}, ParameterError, "noise"),
        ({"noise": np.array([1, np.nan, 1, 1])}, ParameterError, "noise"),
        ({"n_pool": 1}, ParameterError, "n_pool"),
        ({"epochs": 0.5}, ParameterError, "epochs"),
    ],
)
def test_bad_input_is_explained(change, error, says):
    given = {"X": np.ones((4, 5)), "noise": 0.1, "n_pool": 8, "epochs": 2} | change
    with pytest.raises(error, match=says):
        cold_pool(given.pop("X"), given.pop("noise"), **given)


def test_reheatings_are_distinct_and_hot():
    assert all(heat.db < 20 and 0 < heat.open < 1 for heat in REHEATS)
    assert len(set(REHEATS)) > 2
