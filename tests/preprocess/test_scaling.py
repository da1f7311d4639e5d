import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.cube.sampling import Sample, sample_spectra
from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess import SCALINGS, fit_scaling, scale
from spaxel.preprocess.scaling import Products, Rows, scale_rows, scaled_product
from spaxel.testing import tiny_cube

SAMPLE = sample_spectra(tiny_cube(40, 30), 1000)


@pytest.mark.parametrize("name", SCALINGS)
def test_a_spectrum_alone_and_in_company_is_scaled_the_same(name):
    scaling = fit_scaling(name, SAMPLE)
    together = scaling(SAMPLE.spectra)
    assert np.isfinite(together).all()
    assert np.allclose(scaling(SAMPLE.spectra[7:8]), together[7:8], rtol=1e-12)


@pytest.mark.parametrize("name", SCALINGS)
def test_a_product_is_that_of_the_scaled_spectra(name):
    center, rng = fit_scaling(name, SAMPLE).center, np.random.default_rng(2)
    matrix, spectra = rng.normal(size=(len(center), 3)), SAMPLE.spectra.astype(float)[:20]
    spectra[3], spectra[4] = 0, -spectra[4]  # neither can be scaled
    rows = scale_rows(name, spectra, center)
    found = scaled_product(name, spectra, center, matrix)
    assert np.isfinite(found).all()
    assert np.allclose(found, rows @ matrix, rtol=1e-10, atol=1e-10 * np.abs(rows).max())


@pytest.mark.parametrize("name", ["unit", "snv", "hellinger"])
def test_brightness_does_not_matter(name):
    scaling = fit_scaling(name, SAMPLE)
    assert np.allclose(scaling(SAMPLE.spectra), scaling(SAMPLE.spectra.astype(float) * 37))


@pytest.mark.parametrize("name", ["none", "zscore", "mnf", "unit_bright", "asinh"])
def test_brightness_matters(name):
    scaling = fit_scaling(name, SAMPLE)
    assert not np.allclose(scaling(SAMPLE.spectra), scaling(SAMPLE.spectra.astype(float) * 37))


def test_norms_are_what_the_table_says():
    assert np.allclose(np.linalg.norm(fit_scaling("unit", SAMPLE)(SAMPLE.spectra), axis=1), 1)
    assert np.allclose(np.linalg.norm(fit_scaling("hellinger", SAMPLE)(SAMPLE.spectra), axis=1), 1)
    z = fit_scaling("zscore", SAMPLE)(SAMPLE.spectra)
    assert np.allclose(z.mean(0), 0)
    assert np.allclose(z.std(0), 1)


@pytest.mark.parametrize("size", [1e-30, 1.0, 37.0, 1e30])
def test_arsinh_is_odd_knows_no_unit_and_is_a_logarithm_of_what_is_bright(size):
    spectra = np.random.default_rng(4).lognormal(0, 2, (500, 6)) * size
    scaling = fit_scaling("asinh", Sample(spectra, np.zeros((0, 2, 6)), 1.0))
    middle = np.median(spectra, axis=0)
    assert np.allclose(scaling(middle[None]), np.arcsinh(1))
    assert np.allclose(scaling(-spectra), -scaling(spectra))
    assert np.allclose(scaling(1e4 * middle[None]) - scaling(1e3 * middle[None]), np.log(10), atol=1e-5)
    assert np.allclose(scaling.inverse(scaling(spectra), spectra), spectra)


def test_arsinh_of_mostly_nothing_stays_finite():
    spectra = np.zeros((50, 4))
    assert np.isfinite(fit_scaling("asinh", Sample(spectra, np.zeros((0, 2, 4)), 1.0))(spectra + 1)).all()
    spectra[:5, :2] = 3
    scaling = fit_scaling("asinh", Sample(spectra, np.zeros((0, 2, 4)), 1.0))
    assert np.abs(scaling(spectra)).max() < 5
    assert scaling(spectra)[0, 0] > 1


def test_counts_scaling_of_many_photons_is_correspondence_analysis():
    """Squared distances after scaling are chi-square distances between profiles, but for the floor under dark channels."""
    sample = sample_spectra(make_cube(tiny_cube(40, 30)["spectra"].values * 10_000.0), 1000)
    scaled = fit_scaling("counts", sample)(sample.spectra)
    profile = sample.spectra / sample.spectra.sum(1, keepdims=True)
    mean = sample.spectra.sum(0) / sample.spectra.sum()
    chi2 = ((profile[0] - profile[1]) ** 2 / (mean + 0.1 / 11)).sum()
    assert ((scaled[0] - scaled[1]) ** 2).sum() == pytest.approx(chi2, rel=1e-3)


def test_a_pixel_of_few_photons_is_drawn_to_the_mean():
    scaling = fit_scaling("counts", SAMPLE)
    one, many = np.eye(11)[:1], 100 * np.eye(11)[:1]
    assert np.linalg.norm(scaling(one)) < 0.25 * np.linalg.norm(scaling(many))


def test_one_photon_in_a_dark_channel_is_no_outlier():
    rng = np.random.default_rng(0)
    spectra = rng.multinomial(6, np.ones(50) / 50, 400).astype(np.uint8)
    spectra = np.concatenate([spectra, np.zeros((400, 400), np.uint8)], axis=1)
    spectra[np.arange(40), 50 + np.arange(40)] = 1
    scaled = fit_scaling("counts", sample_spectra(make_cube(spectra[:, None, :]), 400))(spectra)
    size = np.linalg.norm(scaled, axis=1)
    assert size[:40].mean() < 2.5 * size[40:].mean()


@pytest.mark.parametrize("unit", [1e-25, 1e-18, 1e-6, 1e12])
def test_mnf_does_not_depend_on_the_unit(unit):
    spectra = np.random.default_rng(0).normal(5, 1, (20, 21, 7))
    one, other = (sample_spectra(make_cube(spectra * factor), 400) for factor in (1, unit))
    scaled = [fit_scaling("mnf", sample)(sample.spectra) for sample in (one, other)]
    np.testing.assert_allclose(*scaled, rtol=1e-6, atol=1e-8)


def test_mnf_whitens_the_noise():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(11, 11))
    noise = rng.normal(size=(80, 60, 11)) @ mix
    sample = sample_spectra(make_cube(noise + 5), 5000)
    covariance = np.cov(fit_scaling("mnf", sample)(sample.spectra).T)
    assert np.linalg.cond(covariance) < 3
    assert np.linalg.cond(np.cov(sample.spectra.T)) > 30


def test_all_zero_and_constant_spectra_stay_finite():
    for name in SCALINGS:
        assert np.isfinite(fit_scaling(name, SAMPLE)(np.zeros((1, 11)))).all()
        assert np.isfinite(fit_scaling(name, SAMPLE)(np.full((1, 11), 3))).all()


def test_scaling_a_cube_is_lazy_and_noted():
    cube = scale(tiny_cube(40, 30).chunk(y=10), "counts")
    assert cube["spectra"].chunks is not None
    expected = fit_scaling("counts", sample_spectra(tiny_cube(40, 30), 5000))(tiny_cube(40, 30)["spectra"].values[3])
    assert np.allclose(cube["spectra"].values[3], expected)
    assert cube.attrs["history"] == ["scale: counts"]


def test_auto_says_what_it_chose():
    assert (
        "highest silhouette"
        in scale(tiny_cube(40, 30))["spectra"].pipe(lambda _: scale(tiny_cube(40, 30))).attrs["history"][-1]
    )


def test_refusals():
    with pytest.raises(ParameterError, match="Known: none"):
        fit_scaling("max", SAMPLE)
    with pytest.raises(ParameterError, match="zscore"):
        scale(make_cube(np.random.default_rng(0).random((20, 1, 5))), "mnf")
    with pytest.raises(ParameterError, match="feature"):
        scale(tiny_cube(), "unit_bright")
    with pytest.raises(CubeError, match="11 channels"):
        fit_scaling("none", SAMPLE)(np.ones((2, 5)))


def test_edges_are_left_out_of_the_noise_though_a_noisier_channel_hides_them():
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(4000, 2, 3)) * [10, 0.1, 0.1]
    steps[:300, 1, 1] += 3  # an edge of thirty standard deviations, in a channel that is small beside the first
    scaling = fit_scaling("mnf", Sample(steps.reshape(-1, 3), steps, 1.0))
    assert np.allclose(np.diagonal(scaling.matrix) * [10, 0.1, 0.1], 1, atol=0.2)


@pytest.mark.parametrize("rate", [0.003, 0.01])
def test_channels_of_rare_photons_do_not_lose_their_noise_as_edges(rate):
    rates = np.repeat([50, rate], [90, 10])
    pairs = np.random.default_rng(0).poisson(rates, (4000, 2, 100))
    sample = Sample(pairs.reshape(-1, 100), pairs, 1.0)
    assert np.all(fit_scaling("mnf", sample)(sample.spectra).std(0) < 2)


def test_missing_values_are_completed_before_spectra_are_scaled():
    cube = tiny_cube(30, 20, 20, counts=False)
    spectra = cube["spectra"].values.copy()
    spectra[np.random.default_rng(0).random(spectra.shape) < 0.05] = np.nan
    spectra[0, 0, 9:] = np.nan
    lacking = cube.assign(spectra=(cube["spectra"].dims, spectra)).chunk(y=7, channel=6)
    whole, scaled = scale(cube, "unit")["spectra"].values, scale(lacking, "unit")["spectra"].values
    assert np.isnan(scaled[0, 0]).all()
    scaled[0, 0] = whole[0, 0]
    assert np.abs(scaled - whole).max() < 0.05


@pytest.mark.parametrize("channels", [3, 90, 200])
def test_products_side_by_side_are_those_of_each_alone(channels):
    rng = np.random.default_rng(channels)
    spectra = rng.random((512, channels))
    matrices = {name: rng.random((channels, n)) for name, n in (("picture", 3), ("unlike", 7), ("scores", 5))}
    rows = Rows(spectra, products=Products.of(matrices))
    for name, matrix in matrices.items():
        np.testing.assert_allclose(rows.times(name, matrix), spectra @ matrix, rtol=1e-12)
    assert np.array_equal(rows.times("other", matrices["scores"]), spectra @ matrices["scores"])
