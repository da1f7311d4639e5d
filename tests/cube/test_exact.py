import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube.exact import fit_grid, group_moments, group_sums, totals


def _spectra(seed, counts):
    rng = np.random.default_rng(seed)
    return (
        rng.poisson(50, (500, 7)).astype(np.uint16) if counts else rng.normal(1e-3, 1e-5, (500, 7)).astype(np.float32)
    )


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 5), st.booleans(), st.permutations(range(5)))
def test_the_order_of_addition_does_not_matter(seed, counts, order):
    spectra, groups = _spectra(seed, counts), np.arange(500) % 3
    grid = fit_grid(spectra)
    parts = [group_sums(spectra[i::5], groups[i::5], 3, grid) for i in order]
    whole = group_sums(spectra, groups, 3, grid)
    for name in whole:
        assert np.array_equal(sum(p[name] for p in parts), whole[name])


@pytest.mark.parametrize("n_groups", [5, 40])  # by a plain product, by a sparse one
@pytest.mark.parametrize("most", [60, 65_535])  # values whose squares are summed whole, and in steps
def test_whole_numbers_are_summed_as_they_are_to_the_same_bits(n_groups, most):
    rng = np.random.default_rng(0)
    spectra = rng.integers(0, most + 1, (500, 300)).astype(np.uint16)
    groups, grid = rng.integers(0, n_groups, 500), fit_grid(spectra)
    spectra[7] = 65_535  # larger than in the sample
    as_float = spectra.astype(float)
    plain = group_sums(as_float, groups, n_groups, grid)
    for values in (spectra, as_float):
        found = group_sums(values, groups, n_groups, grid, whole=True)
        assert all(np.array_equal(found[name], plain[name]) for name in plain)
    expected = np.stack([(spectra - grid.center)[groups == g].sum(0) for g in range(n_groups)])
    assert np.array_equal(plain["sum"], expected)


@pytest.mark.parametrize("counts", [True, False])
def test_moments_are_mean_and_standard_deviation(counts):
    spectra, groups = _spectra(1, counts), np.arange(500) % 3
    grid = fit_grid(spectra)
    mean, spread = group_moments(group_sums(spectra, groups, 4, grid), grid)
    for g in range(3):
        members = spectra[groups == g].astype(float)
        assert np.allclose(mean[g], members.mean(0), rtol=1e-6)
        assert np.allclose(spread[g], members.std(0), rtol=1e-3)
    assert np.isnan(mean[3]).all()


def test_constant_spectra_have_no_spread():
    spectra = np.full((10, 3), 4, np.uint8)
    grid = fit_grid(spectra)
    mean, spread = group_moments(group_sums(spectra, np.zeros(10, int), 1, grid), grid)
    assert mean.tolist() == [[4, 4, 4]]
    assert spread.tolist() == [[0, 0, 0]]


def test_a_channel_that_was_constant_may_hold_anything_elsewhere():
    spectra = np.random.default_rng(0).normal(5, 1, (40, 3))
    spectra[:, 1] = 0
    grid = fit_grid(spectra)
    spectra[:, 1] = 100 * spectra[:, 0]
    mean, spread = group_moments(group_sums(spectra, np.zeros(40, int), 1, grid), grid)
    assert np.allclose(mean[0], spectra.mean(0), rtol=1e-6)
    assert np.allclose(spread[0], spectra.std(0), rtol=1e-3)


def test_sums_of_no_rows_are_nothing():
    assert totals(np.zeros((0, 2)), np.zeros(0, int), 3).tolist() == [[0, 0]] * 3


@pytest.mark.parametrize("whole", [False, True])
def test_sums_are_the_same_whether_groups_are_few_or_many(monkeypatch, whole):
    rng = np.random.default_rng(5)
    spectra, groups = rng.integers(0, 60_000, (512, 150)).astype(float), rng.integers(0, 9, 512)
    grid = fit_grid(spectra.astype(np.uint16) if whole else spectra)
    one_by_one = group_sums(spectra, groups, 11, grid, whole=whole)
    monkeypatch.setattr("spaxel.cube.exact.FEW_GROUPS", 0)
    for name, values in group_sums(spectra, groups, 11, grid, whole=whole).items():
        assert np.array_equal(values, one_by_one[name]), name
