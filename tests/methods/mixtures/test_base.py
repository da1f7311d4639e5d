"""What all methods of unmixing share."""

import numpy as np
import pytest

from spaxel.methods.ebgmcr.estimator import EnergyMCR
from spaxel.methods.mcr.estimator import MCR
from spaxel.methods.mixtures.base import is_signed
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
