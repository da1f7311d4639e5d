"""The linear start: the noise that it takes the features to have."""

import numpy as np
import pytest

from spaxel.linear.pca import fit_pca
from spaxel.methods.dsc.start import _outside


@pytest.mark.parametrize(("n", "noise"), [(132, 0.02), (132, 0.2), (2000, 0.002)])
def test_few_spectra_of_a_strong_signal_have_noise_too(n, noise):
    """A noise of 0 would switch denoising off without a word."""
    rng = np.random.default_rng(5)
    signal = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 64))
    features = signal + noise * rng.normal(size=signal.shape)
    assert _outside(features, fit_pca(features, 10)) == pytest.approx(noise, rel=0.15)
