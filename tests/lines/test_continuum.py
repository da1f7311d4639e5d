import numpy as np

from spaxel.lines.continuum import continuum


def test_the_continuum_is_what_lies_below_the_lines():
    axis = np.linspace(4750, 7150, 960)
    below = 3 + np.sin(axis / 900)
    lines = [4909.0, 6628.0]
    peaks = sum(20 * np.exp(-(((axis - at) / 3) ** 2) / 2) for at in lines)
    noise = 0.02 * np.random.default_rng(0).normal(size=(2, len(axis)))
    spectra = np.stack([below + peaks, 2 * below]) + noise
    spectra[0, 500] = np.nan
    found = continuum(axis, spectra, lines)
    np.testing.assert_allclose(found, np.stack([below, 2 * below]), atol=0.05)
