"""Light on a grid at rest: its scale does not matter, what was simulated is told from what was not, a redshift is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spaxel
from spaxel.methods.learned.fields import IFU, onto
from spaxel.methods.learned.galaxies import pure_light
from spaxel.methods.learned.light import directions, unlike
from spaxel.methods.learned.redshift import redshift_of
from spaxel.methods.learned.sights import Light, sight_of
from spaxel.methods.learned.weights import read_weights

WIDTHS = np.diff(IFU.edges)
ALL = Light(WIDTHS, np.ones(len(WIDTHS), bool), 1.0)
RNG = np.random.default_rng(3)
PURE = np.concatenate([pure_light(RNG, IFU.edges) for _ in range(60)])
BASIS = directions(PURE, ALL)[1]


@settings(max_examples=15, deadline=None)
@given(st.floats(1.0, 7.9), st.floats(4000.0, 4700.0), st.floats(0.1, 1e3))
def test_even_light_is_even_on_the_grid_whatever_the_channels(step, start, level):
    edges = np.arange(start, 7000, step)
    laid = onto(edges, IFU.edges, counts=False) @ np.full(len(edges) - 1, level)
    np.testing.assert_allclose(laid / np.sqrt(WIDTHS), level, rtol=1e-9)


def test_bins_that_the_axis_does_not_reach_hold_nothing():
    edges = np.arange(6200.0, 7000.0, 2.0)
    sight = sight_of(edges, IFU.edges, counts=False)
    laid = onto(edges, IFU.edges, counts=False) @ np.ones(len(edges) - 1)
    assert not laid[~sight.covered].any()
    assert (laid[sight.covered] > 0).all()
    assert sight.covered.sum() == (IFU.edges[1:] > 6210).sum()


def test_all_bins_have_the_noise_of_channels_that_are_narrower():
    noise = np.random.default_rng(1).standard_normal((600, 2300))
    laid = (onto(np.linspace(4650, 6950, 2301), IFU.edges, counts=False) @ noise.T).T
    np.testing.assert_allclose(laid.std(0).mean(), 1, rtol=0.01)
    assert 0.85 < laid.std(0).min() < laid.std(0).max() < 1.15
    np.testing.assert_allclose(ALL.noise(laid).mean(), 1, rtol=0.03)


def test_the_scale_of_light_does_not_matter():
    own, around = np.random.default_rng(2).normal(3, 1, (2, 30, len(WIDTHS)))
    one, other = (ALL.referred(f * own, f * around).seen(f * own, f * around) for f in (1.0, 1e-18))
    np.testing.assert_allclose(one, other, rtol=1e-9)
    assert one.shape == (30, len(WIDTHS) + 2)
    dim = ALL.referred(own, around).seen(own / 10, around / 10)
    np.testing.assert_allclose(dim[:, :-2], one[:, :-2])
    assert (dim[:, -2] < one[:, -2]).all()


def test_an_empty_pixel_has_a_place():
    assert np.isfinite(ALL.seen(np.zeros((2, len(WIDTHS))), np.zeros((2, len(WIDTHS))))).all()


def mixtures(pure, n=400, noise=0.05, seed=4):
    rng = np.random.default_rng(seed)
    light = rng.uniform(0.2, 1, (n, len(pure))) @ pure
    return light / light.mean() * np.sqrt(WIDTHS) + rng.normal(0, noise, (n, len(WIDTHS)))


def test_what_was_simulated_is_known_and_what_was_not_is_not():
    stars_and_gas = pure_light(np.random.default_rng(5), IFU.edges)
    assert unlike(mixtures(stars_and_gas), ALL, BASIS) < 0.15
    foreign = np.exp(-(((IFU.edges[1:, None] - [4900.0, 5600.0, 6350.0, 6650.0]) / 9) ** 2) / 2).T + 0.05
    assert unlike(mixtures(foreign), ALL, BASIS) > 0.6
    assert unlike(mixtures(np.concatenate([stars_and_gas, 3 * foreign])), ALL, BASIS) > 0.3


def test_few_bins_do_not_fit_anything():
    """The more of the grid is seen the surer: in 90 bins 64 directions would explain most of any lines."""
    part = ALL._replace(covered=IFU.edges[1:] > 6420)
    found = mixtures(np.random.default_rng(9).uniform(0.7, 1.3, (4, len(WIDTHS))))
    found[:, ~part.covered] = 0
    assert unlike(found, part, BASIS) > 0.8
    known = mixtures(pure_light(np.random.default_rng(5), IFU.edges))
    known[:, ~part.covered] = 0
    assert unlike(known, part, BASIS) < 0.2


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_light_without_lines_is_unlike(noise):
    place = ((IFU.edges[1:] + IFU.edges[:-1]) / 2 - 5800) / 1100
    smooth = np.stack([1 + 0.3 * place, 1 - 0.4 * place**2])
    assert unlike(mixtures(smooth, noise=noise), ALL, BASIS) == 1


@pytest.mark.parametrize(("z", "wavelengths"), [(0.004, (4750.0, 7150.0)), (0.071, (4900.0, 7500.0))])
def test_a_redshift_is_found(z, wavelengths):
    cube = spaxel.simulate("ifu", height=24, width=24, seed=6, snr=8, channels=500, redshift=z, wavelengths=wavelengths)
    spectra = cube["spectra"].values.reshape(-1, 500).astype(float)
    found = redshift_of(spectra, cube["channel"].values, "Angstrom", IFU, read_weights("ifu")[0].double())
    assert found == pytest.approx(z, abs=0.001)


def test_no_redshift_of_what_is_no_galaxy():
    axis = np.linspace(480, 740, 600)
    rng = np.random.default_rng(7)
    lines = np.exp(-(((axis - rng.uniform(490, 730, (12, 1))) / 0.4) ** 2) / 2)
    spectra = rng.uniform(0, 1, (500, 12)) @ lines + 0.2 + rng.normal(0, 0.02, (500, 600))
    assert redshift_of(spectra, axis, "nm", IFU, read_weights("ifu")[0].double()) is None
