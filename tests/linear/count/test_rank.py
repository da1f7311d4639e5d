import numpy as np
import pytest

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.count.edge import edge, scan_powers, tail
from spaxel.linear.count.rank import count_components
from spaxel.linear.noise import eigenvalues
from spaxel.synth import simulate


def samples(**options):
    return simulate("mixture", **options)["spectra"].values[:, 0]


@pytest.mark.parametrize(
    ("k", "seed", "snr_db", "most"), [(16, 1, 20, 4), (16, 2, 30, 8), (32, 3, 20, 8), (64, 4, 30, 4)]
)
def test_the_edge_counts_the_benchmark(k, seed, snr_db, most):
    found = count_components(samples(n_components=k, seed=seed, snr_db=snr_db, most_mixed=most))
    assert found.n == k
    assert found.sure >= 0.9
    assert found.fits
    assert f"{k} components" in found.sentence
    assert found.weights.p >= 0.75


@pytest.mark.parametrize("noise", ["even", "poisson"])
def test_the_scan_finds_the_noise_law(noise):
    X = samples(noise=noise, seed=3).astype(float)
    weights, found, scan = scan_powers(X)
    assert found.n == 16
    assert weights.p == {"even": 0.0, "poisson": 0.5}[noise]
    assert max(scan.values()) > 16


def test_counts_after_biwhitening():
    found = count_components(samples(noise="poisson", counts=20, seed=3), power="counts")
    assert found.n == 16
    assert found.noise == pytest.approx(1, abs=0.05)


def test_false_alarms_of_noise_alone_are_rare():
    rng = np.random.default_rng(0)
    alarms = sum(edge(eigenvalues(rng.standard_normal((40, 60))), 40, 60).n > 0 for _ in range(300))
    assert alarms <= 3
    assert tail(3.27) == pytest.approx(0.001, rel=0.1)
    assert tail(0.98) == pytest.approx(0.05, rel=0.05)


def test_noise_that_is_not_white_is_said():
    found = count_components(samples(spikes=0.01, seed=4))
    assert not found.fits
    assert found.sure < 0.85
    assert "not even and white" in found.sentence
    assert found.n <= found.estimates["edge"]


def test_voices_on_an_easy_table():
    rng = np.random.default_rng(2)
    X = rng.exponential(1, (300, 4)) @ rng.uniform(0, 1, (4, 60)) + 0.05 * rng.standard_normal((300, 60))
    found = count_components(X, power=0.0)
    for name in ("edge", "mdl", "hard threshold", "gap"):
        assert found.estimates[name] == 4, name
    assert found.curves["singular"].shape == (60,)
    assert found.curves["mdl"].argmin() == 4


def test_without_noise_the_rank_is_counted():
    rng = np.random.default_rng(3)
    X = rng.uniform(0, 1, (30, 3)) @ rng.uniform(0, 1, (3, 50))
    assert count_components(X).n == 3


def test_the_same_seed_gives_the_same_answer_and_scale_does_not_matter():
    X = samples(seed=5)
    one, two, large = count_components(X), count_components(X), count_components(1e6 * X)
    assert one.sentence == two.sentence
    assert one.estimates == large.estimates


def test_degenerate_tables():
    X = samples(seed=5)
    assert count_components(np.vstack([X, np.zeros((3, 512))])).n == count_components(X).n
    assert count_components(X[:1]).sure == 0
    assert count_components(X[:, :1]).sure == 0
    with pytest.raises(CubeError, match="zero"):
        count_components(np.zeros((4, 5)))
    with pytest.raises(CubeError, match="NaN"):
        count_components(np.full((4, 5), np.nan))
    with pytest.raises(ParameterError, match="power"):
        count_components(X, power="loud")
