"""Dense tables: pure samples and variables are found, the order of samples does not matter, and the spectra are better."""

import numpy as np
import pytest

from spaxel.linear.constrained.dense import dense_components, purest, purest_samples, purest_variables
from spaxel.linear.sparse.factorise import factorise
from spaxel.metrics import matched_spectra
from spaxel.synth.mixture import mixture


def _dense(seed, k=3, n=60):
    rng = np.random.default_rng([seed, 99])
    cube = mixture(4, seed=seed, n_components=k, most_mixed=2, spectra="absorption", n_channels=100, noise="none")
    pure = cube["truth_spectra"].values
    X = (rng.dirichlet(np.ones(k), n) * rng.uniform(0.5, 2, (n, 1))) @ pure
    return X + 0.015 * np.sqrt((X**2).mean()) * rng.standard_normal(X.shape), pure


def test_pure_samples_and_variables_are_chosen():
    rng = np.random.default_rng(0)
    pure = np.eye(4, 30) + 0.2 * rng.random((4, 30))
    pure[:, :4] = np.eye(4)
    amounts = rng.dirichlet(np.ones(4), 40)
    amounts[[3, 9, 20, 31]] = np.eye(4)
    X = amounts @ pure
    assert sorted(purest(X.T, 4)) == [3, 9, 20, 31]
    assert sorted(purest(X, 4)) == [0, 1, 2, 3]
    assert min(matched_spectra(purest_samples(X, 4), pure)["cosine"]) == pytest.approx(1)
    assert min(matched_spectra(purest_variables(X, 4), pure)["cosine"]) == pytest.approx(1)


@pytest.mark.parametrize("seed", [20, 21])
def test_spectra_come_nearer_than_those_of_the_sparse_solver(seed):
    X, pure = _dense(seed)
    found = dense_components(X, 3)
    angle = matched_spectra(found.components, pure)["mean_angle"]
    assert angle < 0.06
    assert angle < matched_spectra(factorise(np.maximum(X, 1e-9), 3).components, pure)["mean_angle"]
    assert found.apart.shape == (3,)
    assert np.linalg.norm(X - found.concentrations @ found.components) < 0.03 * np.linalg.norm(X)


def test_the_order_of_samples_does_not_matter():
    X, _ = _dense(22)
    turned = dense_components(X[::-1], 3)
    assert matched_spectra(turned.components, dense_components(X, 3).components)["mean_angle"] < 0.01
