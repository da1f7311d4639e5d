"""The settings of the deep methods are those of the estimators, which alone say the defaults."""

import pytest

from spaxel.errors import ParameterError
from spaxel.methods.dgc.estimator import DeepGlobalClustering
from spaxel.methods.dgc.settings import Settings as GlobalSettings
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.dsc.settings import Settings as SpectralSettings

NOT_PARAMETERS = {"k", "seed", "about", "sizes", "rate_views"}


def spectral(counts=True, negative=False, **given):
    return SpectralSettings.of(DeepSpectralClustering(**given), counts=counts, negative=negative)


@pytest.mark.parametrize("settings", [SpectralSettings, GlobalSettings])
def test_no_default_of_a_parameter_is_said_twice(settings):
    assert set(settings._field_defaults) <= NOT_PARAMETERS


def test_each_parameter_comes_through():
    method = DeepSpectralClustering(
        7, epochs=11, metric="plain", keep="trained", n_latent=4, random_state=9, denoise=False
    )
    found = SpectralSettings.of(method, counts=True)
    assert (found.k, found.epochs, found.metric, found.keep) == (7, 11, "plain", "trained")
    assert (found.n_latent, found.seed, found.denoise) == (4, 9, False)
    plain, default = spectral(), DeepSpectralClustering()
    assert (plain.k, plain.n_latent, plain.epochs, plain.metric) == (0, None, default.epochs, default.metric)
    found = GlobalSettings.of(DeepGlobalClustering(n_micro=5, random_state=3, encoder="paper"), about={"a": 1})
    assert (found.n_micro, found.seed, found.encoder, found.about) == (5, 3, "paper", {"a": 1})


@pytest.mark.parametrize(
    ("counts", "given", "likelihood", "denoise"),
    [
        (True, "auto", "multinomial", True),
        (False, "auto", "gaussian", True),
        (True, "poisson", "poisson", True),
        (False, "poisson", "poisson", False),
    ],
)
def test_the_likelihood_follows_the_data_unless_asked_for(counts, given, likelihood, denoise):
    found = spectral(counts, likelihood=given)
    assert (found.likelihood, found.denoise) == (likelihood, denoise)


def test_a_likelihood_of_counts_is_refused_for_negative_data():
    with pytest.raises(ParameterError, match=r"likelihood is .poisson., .* Try gaussian"):
        spectral(likelihood="poisson", negative=True)
