"""Smooth spectra: is the noise shared by neighbouring channels, and where do the singular values break off."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from spaxel.errors import CubeError
from spaxel.linear.count.edge import scan_powers
from spaxel.linear.count.knee import knee, shares_noise, smoothness
from spaxel.linear.count.rank import count_components
from spaxel.linear.sparse.factorise import factorise
from spaxel.methods.mcr.estimator import MCR
from spaxel.synth import simulate


def smooth_table(seed, k=4, n=50, d=150, level=0.01, blur=2.0):
    """Dense mixtures of smooth spectra, noise blurred along the channels (0: white); level of the noise over the signal."""
    rng = np.random.default_rng(seed)
    centres = (np.arange(k) + 0.5 + rng.uniform(-0.2, 0.2, k)) / k
    pure = np.exp(-((np.linspace(0, 1, d) - centres[:, None]) ** 2) / 0.01) + 0.1
    clean = rng.uniform(0.2, 1, (n, k)) @ pure
    noise = rng.standard_normal((n, d))
    noise = gaussian_filter1d(noise, blur, axis=1) if blur else noise
    return clean + level * np.sqrt((clean**2).mean()) * noise / noise.std()


def shared(X):
    weights, found, _ = scan_powers(X)
    return shares_noise(weights.apply(X), found)


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("blur", [1.0, 4.0])
def test_shared_noise_is_seen_and_the_number_found(k, blur):
    X = smooth_table(k, k, blur=blur)
    assert shared(X)
    assert not shared(smooth_table(k, k, blur=0))
    found = knee(X)
    assert found.n == k
    assert found.sure >= 0.85
    count = count_components(X)
    assert (count.n, count.sure) == (k, found.sure)
    assert count.estimates["edge"] > 2 * k
    assert "share their noise" in count.sentence


def test_the_factorisation_takes_the_knee_and_says_so():
    X = smooth_table(7, 3)
    found = factorise(X)
    assert found.n == found.knee.n == 3
    assert found.n_edge > 10
    assert any("share their noise" in w for w in found.warnings)
    signed = gaussian_filter1d(X, 1.5, axis=1, order=1)
    assert factorise(signed, signed=True).n == 3
    assert factorise(X, 5).knee is None
    assert factorise(X, 5).n == 5


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mcr_names_the_other_counts():
    X = smooth_table(8, 4, level=0.3, blur=4.0)
    said = MCR().fit(X).info_["sentence"]
    assert "neighbouring channels share their noise" in said
    assert "right in about" in said
    assert "unsure" not in said
    assert "nearly as much after" in said


@pytest.mark.parametrize(
    ("k", "times", "most", "snr_db"), [(16, 4, 4, 20), (16, 8, 8, 30), (32, 4, 8, 20), (32, 8, 4, 30), (64, 4, 8, 30)]
)
def test_the_published_grid_never_takes_this_way(k, times, most, snr_db):
    cube = simulate("mixture", n_components=k, per_component=times, most_mixed=most, snr_db=snr_db, seed=3)
    X = cube["spectra"].values[:, 0]
    assert abs(smoothness(X)) < 0.1
    assert not shared(X)
    if k == 16:
        assert factorise(X).knee is None


@pytest.mark.parametrize("width", [0.01, 0.04])
@pytest.mark.parametrize("snr_db", [10, 20, 40])
def test_white_noise_on_smooth_spectra_leaves_the_edge_alone(width, snr_db):
    for seed in (1, 2):
        cube = simulate("mixture", spectra="peaks", peak_width=width, snr_db=snr_db, seed=seed)
        assert not shared(cube["spectra"].values[:, 0])


def test_scale_and_order_of_samples_do_not_matter():
    X = smooth_table(9)
    found = knee(X)
    for other in (1e5 * X, X[::-1], X[:, ::-1]):
        assert knee(other).n == found.n
        assert shared(other)


def test_a_rank_without_noise_is_no_shared_noise():
    X = smooth_table(10, 3, level=0.0)
    assert not shared(X)
    assert count_components(X).n == 3


def test_degenerate_tables():
    assert knee(np.ones((5, 4))).n == 1
    assert knee(np.zeros((5, 4))).sure == 0
    assert knee(np.arange(3.0)[None]).n == 1
    assert not shared(np.random.default_rng(0).random((3, 30)))
    flat = np.ones((40, 30)) + 0.01 * np.random.default_rng(0).standard_normal((40, 30))
    assert knee(flat).n == 1
    with pytest.raises(CubeError, match="NaN"):
        knee(np.full((4, 5), np.nan))
