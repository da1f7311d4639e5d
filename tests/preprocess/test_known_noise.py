"""Whether a variance can be believed, and what scalings and principal components make of it."""

import numpy as np
import pytest

import spaxel
from spaxel.cube.sampling import sample_spectra
from spaxel.linear.pca import fit_pca
from spaxel.preprocess.choice import candidates, look_at
from spaxel.preprocess.feature_noise import feature_noise
from spaxel.preprocess.known_noise import known_noise
from spaxel.preprocess.scaling import fit_scaling

CHANNELS = 60


def noisy(seed=0, times=1.0, height=30, width=34):
    """Two smooth materials in waves, a third of the channels with thirty times the noise; the variance times a factor."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    share = (0.5 + 0.5 * np.sin(x / 7 + y / 9))[..., None]
    axis = np.linspace(0, 1, CHANNELS)
    clean = share * np.exp(-((axis - 0.3) ** 2) / 0.05) + (1 - share) * np.exp(-((axis - 0.7) ** 2) / 0.05) + 0.5
    sigma = np.where(np.arange(CHANNELS) % 3 == 0, 0.6, 0.02)
    spectra = clean + rng.normal(size=clean.shape) * sigma
    return spaxel.make_cube(spectra, variance=np.broadcast_to(times * sigma**2, spectra.shape)), sigma


@pytest.mark.parametrize("shape", [(30, 34), (900, 1)])
def test_the_level_of_the_noise_is_seen(shape):
    """What the data show at least is what is there, in images and tables; a variance that is too small is raised to it."""
    for times in (1.0, 0.1):
        cube, sigma = noisy(times=times, height=shape[0], width=shape[1])
        sample, belief = known_noise(sample_spectra(cube, 2000))
        assert belief.used
        assert belief.level == pytest.approx(1 / times, rel=0.1)
        np.testing.assert_allclose(sample.noise.channel, sigma**2, rtol=0.15)
        assert belief.sentence.startswith("Noise: from the file's variance")


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (0.0, "zero everywhere"),
        (-1.0, "negative in 100%"),
        (1e-3, "scatter"),
        (1e3, "times larger"),
        (np.nan, "no finite"),
    ],
)
@pytest.mark.parametrize("shape", [(30, 34), (900, 1)])
def test_a_variance_that_is_plainly_wrong_is_said_and_not_used(times, words, shape):
    cube, _ = noisy(times=times, height=shape[0], width=shape[1])
    plain = spaxel.KMeans(n_clusters=2, scaling="unit").fit(cube.drop_vars("variance"))
    with pytest.warns(UserWarning, match=words):
        model = spaxel.KMeans(n_clusters=2, scaling="unit").fit(cube)
    np.testing.assert_array_equal(model.state_["centers"], plain.state_["centers"])
    assert model.info_["known_noise"]["used_for"] == []
    assert "known_noise" not in plain.info_


@pytest.mark.parametrize("name", ["unit", "snv", "unit_bright"])
def test_noisy_channels_count_less(name):
    """The noisier, the less; where noise is even, features are what they are without a variance."""
    cube, sigma = noisy()
    sample = known_noise(sample_spectra(cube, 2000))[0]
    weight = fit_scaling(name, sample).weight
    assert weight[sigma > 0.1].max() < 0.4
    assert weight[sigma < 0.1].min() > 0.9
    even = sample._replace(noise=sample.noise._replace(channel=np.full(CHANNELS, 0.3)))
    np.testing.assert_allclose(fit_scaling(name, even).weight, 1)
    back = fit_scaling(name, sample).inverse(fit_scaling(name, sample)(sample.spectra), sample.spectra)
    np.testing.assert_allclose(back, sample.spectra, rtol=1e-9)


def test_mnf_takes_the_noise_from_the_variance():
    """Also of a table, which has no neighbours; of an image it is the mean of both."""
    cube, sigma = noisy(height=900, width=1)
    sample = known_noise(sample_spectra(cube, 2000))[0]
    np.testing.assert_allclose(np.diag(fit_scaling("mnf", sample).matrix), 1 / sigma, rtol=0.1)
    with pytest.raises(spaxel.SpaxelError, match="variance of the file"):
        fit_scaling("mnf", sample._replace(noise=None))
    image = known_noise(sample_spectra(noisy()[0], 2000))[0]
    matrix = fit_scaling("mnf", image).matrix
    rest = np.random.default_rng(1).normal(size=(5000, CHANNELS)) * sigma @ matrix
    assert 0.5 < rest.std(0).min() < rest.std(0).max() < 1.3
    scaling = fit_scaling("mnf", image)
    np.testing.assert_allclose(
        scaling.inverse(scaling(image.spectra), image.spectra), image.spectra, rtol=1e-6, atol=1e-9
    )


def test_look_sees_the_noise_of_a_table():
    sample = sample_spectra(noisy(height=900, width=1)[0], 2000)
    look = look_at(sample)
    assert look.noise > 0.5
    assert np.isnan(look_at(sample._replace(noise=None)).noise)
    assert "mnf" in candidates(look, sees_noise=True)


def test_directions_that_noise_makes_are_no_components():
    """Of unscaled spectra the leading principal components are those of the noisy channels; they are left out."""
    sample = known_noise(sample_spectra(noisy()[0], 2000))[0]
    scaling = fit_scaling("none", sample)
    features = scaling(sample.spectra)
    plain, known = fit_pca(features), fit_pca(features, noise=feature_noise(scaling, sample))
    assert (plain.basis[::3, 1:] ** 2).sum(0).min() > 0.9
    assert known.basis.shape[1] == 2
    assert (known.basis[::3] ** 2).sum(0)[0] < 0.5
    assert (np.diff(known.variance) <= 0).all()


def test_scaling_cube_and_variance_together_leaves_labels():
    """x c and variance x c²: the same labels, for a power of two bit by bit."""
    cube, _ = noisy()
    for scaling in ("unit", "zscore", "none", "mnf", "auto"):
        one = spaxel.KMeans(n_clusters=3, scaling=scaling).fit_predict(cube)["labels"].values
        eight = cube.assign(spectra=cube["spectra"] * 8, variance=cube["variance"] * 64)
        np.testing.assert_array_equal(
            spaxel.KMeans(n_clusters=3, scaling=scaling).fit_predict(eight)["labels"].values, one
        )


def test_a_model_says_what_the_noise_was_used_for(tmp_path):
    cube, _ = noisy()
    result = spaxel.KMeans(n_clusters=2, scaling="unit").fit_predict(cube)
    said = [s for s in result.attrs["history"] if s.startswith("Noise: from the file's variance")]
    assert len(said) == 1
    assert "used for the weights of channels (scaling unit)" in said[0]
    model = spaxel.KMeans(n_clusters=2, scaling="none").fit(cube)
    assert model.info_["known_noise"]["used_for"][0] == "the number of principal components"
    model.save(tmp_path / "run")
    assert spaxel.load(tmp_path / "run").info_["known_noise"] == model.info_["known_noise"]


def test_noise_that_is_known_passes_through_arsinh():
    rng = np.random.default_rng(6)
    clean, variance = rng.lognormal(0, 1, (40, 50, 1)) * np.linspace(1, 3, 7), np.full((40, 50, 7), 0.01)
    cube = spaxel.make_cube(clean + rng.normal(0, 0.1, clean.shape), variance=variance)
    sample = sample_spectra(cube, 2000)
    scaling = fit_scaling("asinh", sample)
    noisy = scaling(sample.spectra + rng.normal(0, 0.1, sample.spectra.shape))
    found = (noisy - scaling(sample.spectra)).var(0)
    assert np.allclose(feature_noise(scaling, sample), found, rtol=0.15)
