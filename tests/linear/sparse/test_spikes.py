"""Spikes in a table of mixtures are found, left out, and do not count as components."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from spaxel.errors import CubeError
from spaxel.linear.sparse.factorise import factorise
from spaxel.linear.sparse.spikes import despiked, has_spikes
from spaxel.methods.mcr.estimator import MCR
from spaxel.synth import simulate


def table(share, seed=1, **options):
    """Spectra, which values are spiked, and the true spectra."""
    cube = simulate("mixture", seed=seed, **options)
    X, rng = cube["spectra"].values[:, 0], np.random.default_rng(seed)
    where = rng.random(X.shape) < share
    return X + where * rng.uniform(2, 5, X.shape) * X.std(), where, cube["truth_spectra"].values


def cosine(found, S):
    match = S @ found.T
    return match[linear_sum_assignment(-match)].mean()


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_spikes_are_found_and_do_not_count(share):
    X, where, S = table(share, n_components=8, n_channels=256, per_component=6)
    first = factorise(X)
    assert has_spikes(X, first)
    found, spikes = despiked(X, first)
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
