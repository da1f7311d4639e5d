"""How far spectra lie from what was fitted: as the definition says, whatever the scaling, the offset and the noise."""

import numpy as np
import pytest

from spaxel.methods.centers.familiar import Familiar, _left, _left_as_written, unlike
from spaxel.preprocess.affine import affine, weighted_squares
from spaxel.preprocess.scaling import SCALINGS, scale_rows

CHANNELS = 300  # more than are looked at together


def _made(name, offset=0.0, noise=1.0, n=128):
    """Spectra on a plane and noise, name and centre of a scaling, their scores, and what a fit knows of them."""
    rng = np.random.default_rng(3)
    plane = rng.gamma(2, 20, (3, CHANNELS))
    spectra = offset + rng.dirichlet(np.ones(3), n) @ plane + noise * rng.normal(size=(n, CHANNELS))
    spectra[5] = 0
    spectra[7] *= -1
    center = spectra.mean(0) / spectra.mean(0).sum() if name == "counts" else spectra.mean(0)
    rows = scale_rows(name, spectra, center)
    mean = rows.mean(0)
    back = np.linalg.svd(rows - mean, full_matrices=False)[2][:2]
    scores = (rows - mean) @ back.T
    sd = (rows - mean - scores @ back).std(0)
    sd[4] = np.inf
    one = np.ones(1)
    known = Familiar(mean, back, sd, one, one, np.zeros(2), np.zeros(1), np.ones(2), np.ones(3))
    return spectra, (name, center), scores, known


@pytest.mark.parametrize("name", SCALINGS)
def test_a_scaling_is_a_multiple_of_the_spectrum_and_of_the_centre(name):
    spectra, (_, center), _, _ = _made(name)
    form = affine(name, spectra, center, np.linalg.norm(spectra, axis=1))
    if form is not None:
        found = form.times[:, None] * form.spectra + form.beside[:, None] * center
        assert np.allclose(found, scale_rows(name, spectra, center), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.parametrize(("offset", "noise"), [(0, 1), (1e6, 1), (1e3, 1e-9), (0, 0)])
def test_what_is_left_is_as_written(name, offset, noise):
    spectra, alone, scores, known = _made(name, offset, noise)
    squares = weighted_squares(spectra, np.stack([1 / known.sd**2, np.ones(CHANNELS)], axis=1))
    found = _left(spectra, alone, scores, known, squares[:, 0], np.sqrt(squares[:, 1]))
    assert np.allclose(found, _left_as_written(spectra, alone, scores, known), rtol=1e-5)


def test_squares_are_weighted():
    spectra = np.random.default_rng(0).normal(size=(9, CHANNELS))
    weights = np.random.default_rng(1).random((CHANNELS, 2))
    assert np.allclose(weighted_squares(spectra, weights), spectra**2 @ weights)


def test_a_foreign_spectrum_lies_far():
    spectra, alone, scores, known = _made("none")
    gaps = np.full((len(spectra), 1), 0.5)
    near = unlike(spectra, alone, scores, gaps, known)
    spectra[9, 100:120] += 50
    far = unlike(spectra, alone, scores, gaps, known)
    assert far[9] > near[9] + 50
    assert np.array_equal(np.delete(far, 9), np.delete(near, 9))
