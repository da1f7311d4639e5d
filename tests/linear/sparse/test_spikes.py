"""Spikes in a table of mixtures are found, left out, and do not count as components."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from spaxel.errors import CubeError
from spaxel.linear.sparse.factorise import factorise
from spaxel.linear.sparse.spikes import counts_noise, despiked, has_spikes
from spaxel.methods.mcr.estimator import MCR
from spaxel.synth import simulate


def table(share, seed=1, **options):
    """Spectra, which values are spiked, and the true spectra."""
    cube = simulate("mixture", seed=seed, **options)
    X, rng = cube["spectra"].values[:, 0], np.random.default_rng(seed)
    where = rng.random(X.shape) < share
    return X + where * rng.uniform(2, 5, X.shape) * X.std(), where, cube["truth_spectra"].values


def painting(size, counts, seed):
    """Counts under X-rays: nearly dark channels beside bright lines."""
    cube = simulate("maxrf", height=size, width=size, channels=128, counts=counts, seed=seed)
    X = cube["spectra"].values.reshape(-1, 128).astype(float)
    return X[X.any(1)]


def cosine(found, S):
    match = S @ found.T
    return match[linear_sum_assignment(-match)].mean()


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_spikes_are_found_and_do_not_count(share):
    X, where, S = table(share, n_components=8, n_channels=256, per_component=6)
    first = factorise(X)
    assert has_spikes(X, first)
    found, spikes, _ = despiked(X, first)
    assert found.n == 8
    assert cosine(found.components, S) > max(0.99, cosine(first.components, S))
    assert (spikes & where).sum() > 0.97 * where.sum()
    assert (spikes & ~where).sum() < 0.003 * X.size


@pytest.mark.parametrize(("times", "most", "snr_db"), [(4, 4, 20), (4, 8, 30), (8, 8, 20)])
def test_the_clean_grid_has_none_and_is_left_as_it_is(times, most, snr_db):
    X, *_ = table(0, per_component=times, most_mixed=most, snr_db=snr_db)
    auto, off = MCR().fit(X), MCR(despike=False).fit(X)
    np.testing.assert_array_equal(auto.components_, off.components_)
    assert auto.info_["evidence"]["spikes"] == 0
    assert auto.info_["warnings"] == []


@pytest.mark.parametrize(
    "options", [{"noise": "poisson", "counts": 20}, {"outliers": 0.05}, {"spectra": "peaks"}, {"snr_db": 8}]
)
def test_other_troubles_are_no_spikes(options):
    X, *_ = table(0, seed=4, **options)
    assert not has_spikes(X, factorise(X, n_starts=1))


@pytest.mark.parametrize(
    ("size", "counts", "seed"), [(16, 200, 0), (16, 200, 1), (24, 200, 0), (24, 200, 1), (16, 2000, 0), (16, 20000, 1)]
)
def test_the_noise_of_counts_is_no_spike(size, counts, seed):
    X = painting(size, counts, seed)
    assert not has_spikes(X, factorise(X))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_is_taken_from_a_painting():
    model = MCR().fit(painting(16, 200, 1))
    assert model.info_["evidence"]["spikes"] == 0
    assert not any("spikes" in w for w in model.info_["warnings"])


@pytest.mark.parametrize("seed", [1, 2])
def test_spikes_in_counts_are_found(seed):
    X, where, _ = table(0.01, seed, n_components=8, n_channels=256, per_component=6, noise="poisson", counts=200)
    X = np.round(X)
    first = factorise(X)
    assert has_spikes(X, first)
    found, spikes, share = despiked(X, first)
    assert abs(found.n - 8) <= 1 < first.n - 8
    assert (spikes & where).sum() > 0.97 * where.sum()
    assert (spikes & ~where).mean() < 0.005
    assert share == spikes.mean()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_more_than_a_tenth_of_the_values_is_left_as_it_is():
    X, *_ = table(0.01, n_components=8, n_channels=256, per_component=6, noise="poisson", counts=20_000)
    first = factorise(X)
    found, spikes, share = despiked(X, first)
    assert share > 0.1  # a poor first fit: most of what lies far from it are no spikes
    assert found is first
    assert not spikes.any()
    model = MCR(despike=True).fit(X)
    np.testing.assert_array_equal(model.components_, MCR(despike=False).fit(X).components_)
    assert model.info_["evidence"]["spikes"] == 0
    assert any("too many for spikes: none was left out" in w for w in model.info_["warnings"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mcr_leaves_them_out_and_says_so():
    X, where, _ = table(0.01, n_components=8, n_channels=256, per_component=6)
    model = MCR().fit(X)
    assert model.n_components_ == 8
    assert model.info_["evidence"]["spikes"] == pytest.approx(where.mean(), rel=0.2)
    assert any("are spikes and were left out" in w for w in model.info_["warnings"])


def test_units_do_not_matter():
    X, *_ = table(0.01, n_components=8, n_channels=256, per_component=6)
    first = factorise(X)
    one, large = despiked(X, first), despiked(1e4 * X, factorise(1e4 * X))
    assert (one.spikes != large.spikes).mean() < 1e-3
    assert one.factors.n == large.factors.n


def test_small_tables_and_missing_values():
    X = np.random.default_rng(0).random((5, 12))
    found = factorise(X)
    assert not has_spikes(X, found)
    assert despiked(X, found).spikes.shape == X.shape
    X[0, 0] = np.nan
    with pytest.raises(CubeError, match="NaN"):
        despiked(X, found)


def test_only_whole_numbers_of_which_none_is_negative_have_the_noise_of_counts():
    fit = np.array([[3.0, -1.0], [0.0, 8.0]])
    counts = np.array([[2.0, 0.0], [1.0, 9.0]])
    np.testing.assert_array_equal(counts_noise(counts, fit), [[2, 1], [1, 3]])
    assert counts_noise(counts - 1, fit) == 0
    assert counts_noise(counts + 0.5, fit) == 0
