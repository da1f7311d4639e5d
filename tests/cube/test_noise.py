"""What a sample knows of the noise of its cubes."""

import dask.array as da
import numpy as np
import pytest

import spaxel
from spaxel.cube.noise import joined_noise, without_variance
from spaxel.cube.sampling import ordered_cubes, sample_cubes, sample_spectra
from spaxel.cube.unmeasured import hide_unmeasured, laid_variance

CHANNEL, ROW = np.array([1.0, 4.0, 0.25, 9.0, 1.0]), np.arange(1.0, 14 * 70 + 1)


def cube(lazy=False):
    rng = np.random.default_rng(3)
    variance = (ROW[:, None] * CHANNEL).reshape(14, 70, 5)
    spectra = rng.normal(size=variance.shape) + ROW.reshape(14, 70)[..., None]
    parts = [da.from_array(a, chunks=(5, 9, 5)) for a in (spectra, variance)] if lazy else [spectra, variance]
    return spaxel.make_cube(parts[0], variance=parts[1])


@pytest.mark.parametrize("lazy", [False, True])
def test_a_sample_knows_its_noise(lazy):
    """The mean over all pixels per channel, and that of each spectrum of the sample beside it."""
    sample = sample_spectra(cube(lazy), 50, seed=2)
    np.testing.assert_allclose(sample.noise.channel, ROW.mean() * CHANNEL)
    middle = np.exp(np.log(CHANNEL).mean())
    np.testing.assert_allclose(sample.noise.row, np.rint(sample.spectra.mean(1)) * middle, rtol=0.2)
    assert sample_spectra(cube().drop_vars("variance"), 50, seed=2).noise is None
    without = sample_spectra(cube().drop_vars("variance"), 50, seed=2)
    np.testing.assert_array_equal(without.spectra, sample.spectra)


def test_what_is_not_known_counts_for_nothing():
    one = cube().load()
    variance = one["variance"].values.copy()
    variance[:, :30, 0], variance[:7, :, 2], variance[3, 3] = np.nan, -1.0, 0.0
    sample = sample_spectra(one.assign(variance=(one["variance"].dims, variance)), 2000)
    assert 0 < sample.noise.negative < 0.2
    assert sample.noise.zero == pytest.approx(5 / np.isfinite(variance).sum())
    assert np.isfinite(sample.noise.channel).all()
    assert np.isnan(sample.noise.row).sum() == 1
    whole = sample_spectra(cube(), 2000).noise.row
    known = np.isfinite(sample.noise.row)
    np.testing.assert_allclose(sample.noise.row[known], whole[known], rtol=0.35)  # as far as the profile is known


def test_noise_of_several_cubes_is_known_where_all_know_it():
    some = sample_cubes([cube(), cube()], 60, seed=1)
    assert some.noise is not None
    assert len(some.noise.row) == len(some.spectra)
    np.testing.assert_allclose(some.noise.channel, ROW.mean() * CHANNEL)
    assert sample_cubes([cube(), cube().drop_vars("variance")], 60, seed=1).noise is None
    assert joined_noise([], np.zeros(0)) is None
    ordered = ordered_cubes([cube(), cube()], 5000)
    np.testing.assert_allclose(ordered.noise.channel, ROW.mean() * CHANNEL)
    assert len(ordered.noise.row) == len(ordered.spectra)


def test_infinite_variance_is_a_missing_value():
    spectra, variance = np.ones((3, 4, 5), np.float32), np.ones((3, 4, 5))
    assert hide_unmeasured(spectra, variance) is spectra
    variance[1, 2, 3] = np.inf
    for given in (
        (spectra, variance),
        (da.from_array(spectra), da.from_array(variance)),
        (np.ones((3, 4, 5), np.int16), variance),
    ):
        hidden = np.asarray(hide_unmeasured(*given))
        assert np.argwhere(np.isnan(hidden)).tolist() == [[1, 2, 3]]
        assert hidden.dtype == np.float32
    counts = da.ones((3, 4, 5), dtype=np.int16)
    assert hide_unmeasured(counts, da.from_array(variance)) is counts


def test_a_variance_per_channel_holds_for_all_pixels():
    assert laid_variance(CHANNEL, (3, 4, 5)).shape == (3, 4, 5)
    assert laid_variance(da.from_array(CHANNEL), (3, 4, 5))[2, 1].compute().tolist() == CHANNEL.tolist()
    assert laid_variance(np.ones((2, 2)), (3, 4, 5)).shape == (2, 2)


def test_a_variance_that_is_left_out_is_noted():
    left = without_variance(cube(), "its values changed")
    assert "variance" not in left
    assert left.attrs["history"][-1] == "variance left out: its values changed"
    assert without_variance(left, "again") is left


def test_make_cube_takes_what_others_call_uncertainty():
    """astropy NDData with each kind of uncertainty, also in another unit; a HyperSpy signal is told apart by its metadata."""
    astropy = pytest.importorskip("astropy.nddata")
    units = pytest.importorskip("astropy.units")
    values, sigma = np.ones((3, 4, 5)), np.full((3, 4, 5), 0.5)
    sigma[1, 2, 3] = np.inf
    kinds = {
        astropy.StdDevUncertainty: sigma,
        astropy.VarianceUncertainty: sigma**2,
        astropy.InverseVariance: 1 / sigma**2,
    }
    for kind, given in kinds.items():
        cube = spaxel.make_cube(astropy.NDData(values, uncertainty=kind(given), unit="Jy"))
        assert cube["spectra"].attrs["units"] == "Jy"
        np.testing.assert_allclose(cube["variance"], sigma**2)
        assert np.argwhere(np.isnan(cube["spectra"].values)).tolist() == [[1, 2, 3]]
    milli = astropy.StdDevUncertainty(sigma * 1000, unit=units.mJy)
    np.testing.assert_allclose(
        spaxel.make_cube(astropy.NDData(values, uncertainty=milli, unit="Jy"))["variance"], sigma**2
    )
    length = astropy.NDData(values, uncertainty=astropy.UnknownUncertainty(sigma), unit="Jy")
    assert "variance" not in spaxel.make_cube(length)
