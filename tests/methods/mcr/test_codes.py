"""Abundances of new spectra: what is missing, and what is taken off before."""

import numpy as np
import pytest

from spaxel.linear.abundances import fcls, nnls
from spaxel.methods.mcr.codes import by_holes, encode_constrained

CHANNELS = np.linspace(0, 1, 20)
PURE = 0.1 + np.exp(-((CHANNELS - np.array([[0.2], [0.5], [0.8]])) ** 2) / 0.02)
AMOUNTS = np.array([[0.6, 0.3, 0.1], [0.0, 0.5, 0.5], [0.2, 0.2, 0.6]])


@pytest.mark.parametrize("solve", [nnls, fcls])
def test_channels_that_are_left_must_tell_the_components_apart(solve):
    x = AMOUNTS @ PURE
    x[1, 1:], x[2, ::2] = np.nan, np.nan  # a single channel; every other one
    found = by_holes(x, PURE, solve)
    np.testing.assert_allclose(found[[0, 2]], AMOUNTS[[0, 2]], atol=1e-6)
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize("loss", ["gaussian", "poisson"])
@pytest.mark.parametrize("closure", [False, True])
def test_what_is_explained_holds_the_pedestal(loss, closure):
    x = 500 * AMOUNTS @ PURE if not closure else AMOUNTS @ PURE
    found, explained = encode_constrained(PURE, 7.0, x + 7.0, closure=closure, loss=loss)
    np.testing.assert_allclose(found, (1 if closure else 500) * AMOUNTS, atol=1e-2 * found.max())
    np.testing.assert_allclose(explained, x + 7.0, rtol=5e-3)
