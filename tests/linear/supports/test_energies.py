"""Sets of known spectra: the energy of many at once is that of each, the walk finds the best of all, sums are what they say."""

from itertools import combinations

import numpy as np
import pytest

from spaxel.linear.supports.energies import Energies, make_pool
from spaxel.linear.supports.presence import Groups, each_alone, presence_of, weighed
from spaxel.linear.supports.search import best, heat_of, search


def small(seed=0, m=9, d=60, db=15, most=3):
    """A small pool of alike spectra and one mixture of two of them."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, d)
    spectra = 0.3 + np.exp(-((x - rng.random((m, 1))) ** 2) / 0.01)
    pool = make_pool(spectra, most)
    clean = 3 * pool.spectra[2] + 1.5 * pool.spectra[5]
    return pool, clean + rng.standard_normal(d) * clean.std() * 10 ** (-db / 20)


@pytest.mark.parametrize("heat", [1.0, 2.5])
@pytest.mark.parametrize("base", [(), (2,), (1, 5)])
def test_all_larger_sets_at_once_have_the_energy_of_each(base, heat):
    pool, x = small()
    found = Energies(pool, x, heat)
    rows, values = found.with_one_more(base, -np.inf)
    assert len(rows) > 2
    for row, value in zip(rows, values, strict=True):
        assert value == pytest.approx(Energies(pool, x, heat).of(tuple(sorted((*base, int(row))))), rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_walk_finds_what_looking_at_all_sets_finds(seed):
    pool, x = small(seed)
    found, settled = search(pool, x)
    every = Energies(pool, x, found.heat)
    sets = [one for k in range(4) for one in combinations(range(pool.size), k)]
    values = np.array([every.of(one) for one in sets])
    assert settled
    assert best(found) == sets[int(values.argmax())]
    share = np.exp(values - values.max())
    share /= share.sum()
    whole = np.array([sum(s for s, one in zip(share, sets, strict=True) if i in one) for i in range(pool.size)])
    np.testing.assert_allclose(presence_of(pool, x, each_alone(pool.size)).probability, whole, atol=0.01)
    assert sum(share for share, _ in weighed(found)) == pytest.approx(1)


def test_units_of_the_spectrum_change_amounts_alone():
    pool, x = small()
    one, other = (presence_of(pool, f * x, each_alone(pool.size)) for f in (1.0, 1e6))
    np.testing.assert_allclose(other.probability, one.probability, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.amount, 1e6 * one.amount, rtol=1e-6)
    np.testing.assert_allclose(other.error, 1e6 * one.error, rtol=1e-6)


def test_a_group_is_as_probable_as_its_members_together():
    pool, x = small(3, db=8)
    alone = presence_of(pool, x, each_alone(pool.size))
    pair = np.array([0, 0, *range(1, pool.size - 1)])
    both = presence_of(pool, x, Groups(pair, pool.size - 1, np.full(pool.size, 2.0)))
    assert max(alone.probability[:2]) - 1e-9 <= both.probability[0] <= alone.probability[:2].sum() + 1e-9
    np.testing.assert_allclose(both.probability[1:], alone.probability[2:], atol=1e-9)
    np.testing.assert_allclose(both.amount[1:], 2 * alone.amount[2:], rtol=1e-9)


def test_the_error_is_that_of_least_squares_where_one_set_is_certain():
    pool, x = small(db=40)
    one = presence_of(pool, x, each_alone(pool.size))
    at = [2, 5]
    assert one.probability[at].min() > 0.99
    gram = pool.gram[np.ix_(at, at)]
    amounts = np.linalg.solve(gram, pool.spectra[at] @ x)
    noise = ((x - amounts @ pool.spectra[at]) ** 2).sum() / (len(x) - 2)
    np.testing.assert_allclose(one.amount[at], amounts, rtol=0.01)
    np.testing.assert_allclose(one.error[at], np.sqrt(np.diag(np.linalg.inv(gram)) * noise * one.heat), rtol=0.35)


def test_noise_that_neighbours_share_makes_less_sure():
    pool, x = small(db=10)
    rng = np.random.default_rng(1)
    clean = 3 * pool.spectra[2]
    shared = np.convolve(rng.standard_normal(80), np.ones(8) / 8, "valid")[: len(x)]
    assert heat_of(rng.standard_normal(400), 1.0) == 1.0
    assert heat_of(np.repeat(rng.standard_normal(100), 4), 1.0) == pytest.approx(4, rel=0.3)
    found, _ = search(pool, clean + shared * clean.std())
    assert found.heat > 1.5


def test_nothing_is_in_zeros_and_noise():
    pool, _ = small()
    assert not presence_of(pool, np.zeros(60), each_alone(pool.size)).probability.any()
    noise = np.random.default_rng(0).standard_normal(60)
    assert presence_of(pool, noise, each_alone(pool.size)).probability.max() < 0.9
    assert presence_of(pool, pool.spectra[4], each_alone(pool.size)).probability[4] > 0.99  # without noise


def test_what_a_pool_remembers_of_other_spectra_changes_nothing(monkeypatch):
    (once, x), others = small(), [small(seed)[1] for seed in range(1, 4)]
    alone = presence_of(make_pool(once.spectra, 3), x, each_alone(9))
    for most in (200_000, 0):  # 0: forgets at once
        monkeypatch.setattr("spaxel.linear.supports.energies.REMEMBERED", most)
        pool = make_pool(once.spectra, 3)
        for other in others:
            presence_of(pool, other, each_alone(9))
        assert len(pool.sets) > 1 if most else len(pool.larger) <= 1
        for mine, fresh in zip(presence_of(pool, x, each_alone(9)), alone, strict=True):
            np.testing.assert_array_equal(mine, fresh)
