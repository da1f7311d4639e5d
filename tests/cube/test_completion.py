import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spaxel.cube.completion import Completion, complete, fit_completion

CHANNELS = 40
U = np.linspace(0, 1, CHANNELS)
MATERIALS = 0.05 + np.exp(-((U - np.array([[0.1], [0.25], [0.4]])) ** 2) / 0.01)
MATERIALS[:, 24:] += np.array([[0.1], [0.9], [0.5]]) * np.abs(np.sin(9 * U[24:]))


def scene(n=900, noise=0.01, spread=0.0, seed=0):
    """Spectra as they are measured and as they are (n, channel): three materials, brightness over orders of magnitude."""
    rng = np.random.default_rng(seed)
    bright = np.exp(rng.normal(0, spread, (n, 1)))
    clean = (np.eye(3)[rng.integers(0, 3, n)] * 0.9 + 0.1 / 3) @ MATERIALS * bright
    return clean + rng.normal(0, noise, clean.shape), clean


def holes(shape, share, seed=1):
    return np.random.default_rng(seed).random(shape) < share


def error(spectra, clean, missing):
    """Median over spectra of the error of what is missing, over the size of the spectrum."""
    size = np.sqrt((clean**2).mean(1, keepdims=True))
    return float(np.median((np.abs(spectra - clean) / size)[missing]))


def test_what_is_there_stays_bit_for_bit():
    spectra, _ = scene()
    missing = holes(spectra.shape, 0.03)
    missing[:40] = False
    for dtype in (np.float32, np.float64):
        gaps = np.where(missing, np.nan, spectra).astype(dtype)
        whole = complete(gaps, fit_completion(gaps))
        assert whole.dtype == dtype
        assert np.isfinite(whole).all()
        assert np.array_equal(whole[~missing], gaps[~missing])
        assert np.isnan(gaps[missing]).all()
    assert complete(whole, fit_completion(gaps)) is whole


@pytest.mark.parametrize("share", [0.03, 0.1, 0.4])
def test_scattered_values_are_known_better_than_they_were_measured(share):
    spectra, clean = scene()
    missing = holes(spectra.shape, share)
    gaps = np.where(missing, np.nan, spectra)
    whole = complete(gaps, fit_completion(gaps))
    assert error(whole, clean, missing) < error(spectra, clean, missing) < 0.03


def test_a_block_that_a_fifth_of_the_spectra_lack():
    """Its brightness is that of the whole spectrum: from the channels that are there it would be another."""
    spectra, clean = scene()
    missing = np.zeros(spectra.shape, bool)
    missing[::5, 24:] = True
    gaps = np.where(missing, np.nan, spectra)
    assert error(complete(gaps, fit_completion(gaps)), clean, missing) < 0.04


def test_bright_and_dark_spectra_of_a_material_are_completed_alike():
    spectra, clean = scene(3000, noise=1e-4, spread=2.0)
    missing = holes(spectra.shape, 0.1)
    gaps = np.where(missing, np.nan, spectra)
    whole = complete(gaps, fit_completion(gaps))
    bright = clean.mean(1)
    assert np.quantile(bright, 0.95) > 300 * np.quantile(bright, 0.05)
    for chosen in (bright < np.quantile(bright, 0.1), bright > np.quantile(bright, 0.9)):
        assert error(whole[chosen], clean[chosen], missing[chosen]) < 0.02
    model = fit_completion(gaps)
    assert np.allclose(complete(1e5 * gaps, model), 1e5 * complete(gaps, model), rtol=1e-9)


def test_predict_completes_what_the_fit_never_missed():
    spectra, _ = scene()
    other, truth = scene(seed=5)
    missing = holes(other.shape, 0.1)
    whole = complete(np.where(missing, np.nan, other), fit_completion(spectra))
    assert error(whole, truth, missing) < error(other, truth, missing)


@settings(deadline=None, max_examples=5)
@example(1, 0, np.float64)
@example(2, 1, np.float64)
@example(7, 2, np.float64)
@example(513, 3, np.float32)
@given(st.integers(1, 900), st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]))
def test_a_spectrum_is_completed_by_itself(n, seed, dtype):
    rng = np.random.default_rng(seed)
    spectra, _ = scene()
    gaps = np.where(holes(spectra.shape, 0.1), np.nan, spectra).astype(dtype)
    model = fit_completion(gaps)
    expected = complete(gaps, model)
    chosen = rng.permutation(900)[:n]
    assert np.array_equal(complete(gaps[chosen], model), expected[chosen])


def test_what_is_missing_has_no_say():
    """NaN and infinity are the same, and a value that is hidden is not learned from."""
    spectra, _ = scene()
    missing = holes(spectra.shape, 0.05)
    one, other = (np.where(missing, hole, spectra) for hole in (np.nan, -np.inf))
    first, second = fit_completion(one), fit_completion(other)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert np.array_equal(complete(one, first), complete(other, first))


def test_counts_are_never_completed_below_zero_and_are_known_as_whole():
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.5 * MATERIALS[rng.integers(0, 3, 800)]).astype(np.float32)
    gaps = np.where(holes(counts.shape, 0.1), np.nan, counts)
    model = fit_completion(gaps)
    assert model.whole.all()
    assert complete(gaps, model).min() == 0
    assert not fit_completion(gaps + 0.5).whole.any()
    signed = fit_completion(gaps - 3)
    assert complete(gaps - 3, signed).min() < -3.0 + 0.2


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (1, 5), (2, 2), (3, 40), (9, 3), (40, 7), (700, 2)])
def test_small_tables(n, channels):
    rng = np.random.default_rng(0)
    spectra = rng.random((n, channels)) + 0.5
    spectra[0, 0] = np.nan if channels > 1 else 1.0
    spectra[-1, -1] = np.inf if channels > 1 and n > 1 else spectra[-1, -1]
    model = fit_completion(spectra)
    assert isinstance(model, Completion)
    assert np.isfinite(complete(spectra, model)).all()


def test_a_channel_that_nobody_has_and_values_without_noise():
    spectra, _ = scene(300, noise=0)
    spectra[:, 3] = np.nan
    spectra[::2, 7] = np.nan
    whole = complete(spectra, fit_completion(spectra))
    assert np.isfinite(whole).all()
    assert (whole[:, 3] == 0).all()
    flat = np.ones((50, 6))
    flat[4, 2] = np.nan
    assert complete(flat, fit_completion(flat))[4, 2] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("size", [1e-60, 1e-30, 1e30, 1e60])
def test_units_do_not_matter(size):
    spectra, _ = scene(600)
    gaps = np.where(holes(spectra.shape, 0.05), np.nan, spectra)
    expected = complete(gaps, fit_completion(gaps))
    assert np.allclose(complete(gaps * size, fit_completion(gaps * size)) / size, expected, rtol=1e-6)


@pytest.mark.parametrize("unit", [2.0**830, 2.0**-900])
def test_the_unit_of_the_values_does_not_matter_however_far_it_is(unit):
    spectra = np.random.default_rng(0).gamma(2.0, size=(200, 12))
    spectra[::7, 3] = np.nan
    near, far = fit_completion(spectra), fit_completion(spectra * unit)
    for name in ("mean", "size", "noise", "basis"):
        np.testing.assert_allclose(getattr(far, name), getattr(near, name), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("huge", [1e250, -1e300])
def test_one_value_beyond_all_others_is_no_error(huge):
    spectra = np.random.default_rng(0).gamma(2.0, size=(60, 12))
    spectra[7, 3] = huge
    model = fit_completion(spectra)
    assert all(np.isfinite(getattr(model, name)).all() for name in ("mean", "size", "noise", "basis"))
