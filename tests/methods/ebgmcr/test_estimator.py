import numpy as np
import pytest
import xarray as xr
from sklearn.utils.estimator_checks import parametrize_with_checks

from spaxel.cube import make_cube
from spaxel.errors import MissingExtra, ParameterError
from spaxel.methods.ebgmcr.estimator import EnergyMCR
from spaxel.methods.ebgmcr.smoothing import smoothing_kernel
from spaxel.methods.mcr.estimator import MCR
from spaxel.methods.registry import load
from spaxel.metrics import matched_spectra
from spaxel.synth.mixture import mixture

pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning"
)  # what is not identifiable is said; MCR's tests look at it


@parametrize_with_checks([EnergyMCR(n_components=2, epochs=2)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def table(k=6, seed=1, n=60, **options):
    cube = mixture(n, n_components=k, most_mixed=3, n_channels=64, seed=seed, **({"snr_db": 30} | options))
    return cube["spectra"].values[:, 0], cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values


def agreement(found, codes, C, S):
    """Worst cosine of the components, R² of their amounts."""
    match = matched_spectra(found, S)
    error = ((codes[:, match["matching"]] - C) ** 2).sum()
    return min(match["cosine"]), 1 - error / ((C - C.mean(0)) ** 2).sum()


def own(c, S, theta):
    """Gentle saturation, as a user would write it."""
    y = c @ S
    return y / (1 + 2.718281828**theta * y)


@pytest.fixture(scope="module")
def linear():
    X, C, S = table(snr_db=20)
    return EnergyMCR(epochs=20).fit(X), X, C, S


def test_linear_mixtures_are_at_least_as_good_as_the_start(linear):
    model, X, C, S = linear
    start = MCR().fit(X)
    assert model.n_components_ == start.n_components_ == 6
    assert model.theta_ == {}
    before, after = (agreement(m.components_, m.transform(X), C, S) for m in (start, model))
    assert after[0] > before[0] - 1e-3
    assert after[1] > before[1] - 1e-3
    prices = model.info_["prices"]
    taken = {"solver": min(prices["start"], prices["trained"]), "gates": prices["gates"]}[model.info_["codes"]]
    assert taken == min(prices.values())
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), model.transform(X) @ model.components_)


@pytest.mark.parametrize("law", ["bilinear", "saturation", "absorbance"])
def test_a_law_of_mixing_is_learned_with_the_right_number(law):
    strength = 0.5 if law == "bilinear" else 1.0
    X, C, S = table(mixing=law, strength=strength, seed=3)
    model = EnergyMCR(mixing=law, epochs=5).fit(X)
    assert model.n_components_ == 6
    codes = model.transform(X)
    cosine, r2 = agreement(model.components_, codes, C, S)
    assert cosine > 0.995
    assert r2 > 0.99
    worse = MCR().fit(X)
    assert agreement(worse.components_, worse.transform(X), C, S)[1] < 0.97
    assert np.linalg.norm(model.inverse_transform(codes) - X) / np.linalg.norm(X) < 0.04
    if law == "bilinear":
        assert model.theta_["gamma"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("law", ["saturation", "bilinear"])
def test_a_law_that_is_not_there_does_no_harm(law):
    X, C, S = table()
    model = EnergyMCR(mixing=law, epochs=0).fit(X)
    assert model.n_components_ == 6
    cosine, r2 = agreement(model.components_, model.transform(X), C, S)
    assert cosine > 0.995
    assert r2 > 0.99
    assert all(value < 0.05 for value in model.theta_.values())


def test_sparse_components_have_exact_zeros():
    X, _, S = table(spectra="mass", snr_db=20)
    model = EnergyMCR(sparse=True, epochs=25).fit(X)
    match = matched_spectra(model.components_, S)
    is_zero = model.components_[match["matching"]] == 0
    assert (S == 0)[is_zero].mean() > 0.95
    assert is_zero[S == 0].mean() > 0.9
    assert min(match["cosine"]) > min(matched_spectra(MCR().fit(X).components_, S)["cosine"])


def test_known_components_stay_as_they_are():
    X, _, S = table(snr_db=20)
    model = EnergyMCR(known=3 * S[[4, 1]], epochs=20).fit(X)
    np.testing.assert_allclose(model.components_[:2], S[[4, 1]], atol=1e-6)
    assert model.n_components_ == 6
    with pytest.raises(ParameterError, match="known holds spectra that are zero"):
        EnergyMCR(known=np.zeros((1, 64))).fit(X)


def test_smoothing_makes_components_smooth():
    X, *_ = table(n=40, spectra="peaks", snr_db=15)
    rough = [np.abs(np.diff(EnergyMCR(smoothing=w, epochs=3).fit(X).components_, 2)).mean() for w in (0, 7)]
    assert rough[1] < 0.7 * rough[0]


def test_smoothing_by_a_function_of_ones_own(tmp_path):
    X, *_ = table(n=40, spectra="peaks", snr_db=15)
    window = smoothing_kernel(64, 7)
    by_function = EnergyMCR(smoothing=lambda spectra: spectra @ window, epochs=3).fit(X)
    np.testing.assert_allclose(by_function.components_, EnergyMCR(smoothing=7, epochs=3).fit(X).components_, atol=1e-12)
    with pytest.raises(ParameterError, match="cannot be saved"):
        by_function.save(tmp_path / "model")
    with pytest.raises(ParameterError, match="must be a linear function"):
        EnergyMCR(smoothing=np.square, epochs=3).fit(X)


def test_a_law_of_ones_own(tmp_path):
    X, C, S = table(mixing="saturation", strength=0.6, seed=3)
    model = EnergyMCR(mixing=own, epochs=0).fit(X)
    assert model.n_components_ == 6
    cosine, r2 = agreement(model.components_, model.transform(X), C, S)
    assert cosine > 0.99
    assert r2 > 0.97
    with pytest.raises(ParameterError, match="module:function"):
        model.save(tmp_path / "model")
    with pytest.raises(ParameterError, match="expected one of linear"):
        EnergyMCR(mixing="oil").fit(X)


def test_the_contract_of_methods(linear, tmp_path):
    model, X, *_ = linear
    codes = model.transform(X)
    again = EnergyMCR(epochs=20).fit(X)
    np.testing.assert_array_equal(again.transform(X), codes)
    loaded = load(model.save(tmp_path / "model"))
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.transform(X), codes)
    np.testing.assert_array_equal(loaded.inverse_transform(codes), model.inverse_transform(codes))
    assert loaded.info_["history"][0]["epoch"] == 1


@pytest.mark.same_bits
@pytest.mark.parametrize("law", ["linear", "bilinear", "saturation"])
def test_memory_and_chunks_do_not_matter(law):
    X, *_ = table(n=60, mixing=law, strength=0.2)
    cube = make_cube(X.reshape(20, 3, 64))
    model = EnergyMCR(mixing=law, n_components=6, epochs=2).fit(cube)
    expected = model.transform(cube)
    model.memory = 2**20
    xr.testing.assert_identical(model.transform(cube.chunk(y=7, x=2)), expected)
    alone = model.transform(cube.isel(y=[13], x=[1]))
    assert np.array_equal(alone["abundances"][0, 0], expected["abundances"][13, 1])


def scene():
    """Three materials under light that meets two of them, with borders that blend."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:50, 0:50]
    fields = np.stack([-((y - a) ** 2 + (x - b) ** 2) / 70 for a, b in ((12, 12), (38, 14), (25, 40))], axis=-1)
    shares = np.exp(fields - fields.max(-1, keepdims=True))
    shares = (shares / shares.sum(-1, keepdims=True)).reshape(-1, 3)
    pure = 0.2 + np.exp(-((np.linspace(0, 1, 30) - np.array([[0.2], [0.5], [0.8]])) ** 2) / 0.02)
    pairs = ((shares @ pure) ** 2 - shares**2 @ pure**2) / 2
    X = shares @ pure + 0.8 * pairs + rng.normal(0, 0.003, (2500, 30))
    return make_cube(X.reshape(50, 50, 30)), pure


def test_scenes():
    cube, pure = scene()
    start = MCR(n_components=3, n_sample=2500).fit(cube)
    plain = EnergyMCR(n_components=3, n_sample=2500).fit(cube)
    xr.testing.assert_equal(plain.transform(cube)["abundances"], start.transform(cube)["abundances"])
    curved = EnergyMCR(n_components=3, n_sample=2500, mixing="bilinear").fit(cube)
    assert curved.theta_["gamma"] > 0
    assert curved.transform(cube)["residual"].mean() < plain.transform(cube)["residual"].mean()
    assert matched_spectra(curved.components_, pure)["mean_angle"] < 0.1


def test_few_samples_keep_the_start():
    X, *_ = table(n=18)
    model = EnergyMCR(n_components=3).fit(X)
    assert "The start was kept" in model.info_["sentence"]
    np.testing.assert_array_equal(model.transform(X), MCR(n_components=3).fit(X).transform(X))


def test_signed_data_get_signed_components():
    rng = np.random.default_rng(0)
    pure = rng.normal(size=(3, 50))
    X = rng.dirichlet(np.full(3, 0.3), 60) @ pure + rng.normal(0, 0.01, (60, 50))
    model = EnergyMCR(n_components=3, epochs=10).fit(X)
    assert (model.components_ < 0).any()
    assert min(matched_spectra(model.components_, pure)["cosine"]) > 0.95
    assert (model.transform(X) >= 0).all()


def test_a_cold_start_counts_too():
    X, C, S = table(n=100, snr_db=20)
    model = EnergyMCR(start="cold", pool=64, epochs=300).fit(X)
    assert model.n_components_ == 6
    cosine, r2 = agreement(model.components_, model.transform(X), C, S)
    assert cosine > 0.99
    assert r2 > 0.97
    assert "random candidates" in model.info_["sentence"]
    for more, message in (({"mixing": "bilinear"}, "mixing needs start='warm'"), ({"sparse": True}, "sparse needs")):
        with pytest.raises(ParameterError, match=message):
            EnergyMCR(start="cold", **more).fit(X)


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("spaxel.training.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"EnergyMCR needs PyTorch.*pip install 'spaxel\[deep\]'"):
        EnergyMCR(epochs=1).fit(table()[0])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"epochs": -1}, "epochs of EnergyMCR is -1"), ({"start": "hot"}, "start of EnergyMCR is 'hot'")],
)
def test_wrong_parameters_are_explained(parameters, message):
    with pytest.raises(ParameterError, match=message):
        EnergyMCR(**parameters).fit(table()[0])
