"""What all methods of unmixing share."""

import numpy as np
import pytest
import xarray as xr

from spaxel.methods.ebgmcr.estimator import EnergyMCR
from spaxel.methods.mcr.estimator import MCR
from spaxel.methods.mixtures.base import is_signed
from spaxel.methods.mixtures.baselines import MCRALS, NMF
from spaxel.synth.mixture import mixture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def noisy_counts():
    """Counts with the mean of a dark measurement taken off: every third value is below zero, and none by nature."""
    cube = mixture(
        60, n_components=4, most_mixed=2, n_channels=64, spectra="peaks", noise="poisson", counts=300, seed=3
    )
    X = cube["spectra"].values[:, 0].astype(float)
    return X + np.random.default_rng(0).poisson(9, X.shape) - 9.0


def derivatives():
    """First derivatives of the same mixtures."""
    cube = mixture(60, n_components=4, most_mixed=2, n_channels=65, spectra="peaks", snr_db=40, seed=3)
    return np.diff(cube["spectra"].values[:, 0].astype(float), axis=1)


def test_noise_around_zero_is_not_signed_and_derivatives_are():
    X = noisy_counts()
    assert (X < 0).mean() > 0.2
    assert not is_signed(X)
    assert is_signed(derivatives())
    X[::7, 3] = np.nan
    assert not is_signed(X)
    assert not is_signed(np.zeros((3, 4)))


@pytest.mark.parametrize("method", [MCR(kind="table"), EnergyMCR(kind="table", epochs=0)], ids=["mcr", "ebgmcr"])
def test_both_methods_decide_by_the_same_rule(method):
    assert (method.fit(noisy_counts()).components_ >= 0).all()
    assert (method.fit(derivatives()).components_ < 0).any()


@pytest.mark.parametrize(
    "method",
    [
        MCR(n_components=4),
        EnergyMCR(n_components=4, epochs=0),
        NMF(n_components=4),
        MCRALS(n_components=4),
    ],
    ids=lambda m: m.method,
)
def test_cubes_are_fitted_and_transformed_in_one_call(method):
    if method.method == "mcr-als":
        pytest.importorskip("pymcr")
    cube = mixture(60, n_components=4, most_mixed=2, n_channels=64, seed=3)
    cubes = [cube.isel(y=slice(0, 30)), cube.isel(y=slice(30, 60))]
    assert method.fit_transform(cube.load())["abundances"].shape == (60, 1, 4)
    results = method.fit_transform(cubes)
    for one, result in zip(cubes, results, strict=True):
        xr.testing.assert_identical(result, method.transform(one))
    assert method.fit_transform(cube["spectra"].values[:, 0]).shape == (60, 4)


def test_the_start_of_one_method_is_the_fit_of_the_other():
    cube = mixture(60, n_components=4, most_mixed=2, n_channels=64, seed=3)
    plain, energy = MCR().fit(cube), EnergyMCR(epochs=0).fit(cube)
    np.testing.assert_array_equal(energy.components_, plain.components_)
    assert energy.info_["evidence"] == plain.info_["evidence"]


def test_the_warnings_of_the_start_are_those_of_the_model():
    rng = np.random.default_rng(0)
    dense = rng.uniform(0.2, 1, (30, 4)) @ rng.random((4, 60)) + rng.normal(0, 1e-3, (30, 60))
    plain, energy = MCR(n_components=4).fit(dense), EnergyMCR(n_components=4, epochs=0).fit(dense)
    assert energy.info_["warnings"]
    assert set(energy.info_["warnings"]) <= set(plain.info_["warnings"])
