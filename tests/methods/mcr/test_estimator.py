import warnings

import numpy as np
import pytest
import xarray as xr
from sklearn.utils.estimator_checks import parametrize_with_checks

from spaxel.cube import make_cube
from spaxel.errors import CubeError, ParameterError
from spaxel.methods.mcr.codes import encode_scene, encode_table
from spaxel.methods.mcr.estimator import MCR
from spaxel.methods.registry import load
from spaxel.metrics import abundance_rmse, matched_spectra
from spaxel.preprocess import crop

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what is not identifiable is said; one test looks at it


@parametrize_with_checks([MCR(n_components=2)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def _table(seed=0, n=48, k=6, channels=40, noise=0.003):
    """Sparse mixtures of one to three of k smooth spectra."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(0, 1, channels)
    pure = np.exp(-((axis - (np.arange(k)[:, None] + 0.5) / k) ** 2) / 0.004) + 0.05
    amounts = np.zeros((n, k))
    for row in amounts:
        row[rng.choice(k, rng.integers(1, 4), replace=False)] = rng.uniform(0.3, 1, 1)
    clean = amounts @ pure
    return clean + noise * rng.normal(size=clean.shape) * np.linalg.norm(clean, axis=1, keepdims=True), pure, amounts


def _scene(seed=0, light=True):
    """Three materials with soft borders and nearly pure middles, under uneven light."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:60, 0:70]
    fields = np.stack([-((y - a) ** 2 + (x - b) ** 2) / 90 for a, b in ((15, 15), (45, 20), (30, 55))], axis=-1)
    shares = np.exp(fields - fields.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    axis = np.linspace(0, 1, 30)
    pure = 0.2 + np.exp(-((axis - np.array([[0.2], [0.5], [0.8]])) ** 2) / 0.02)
    brightness = 1 + 0.5 * np.sin(x / 15)[..., None] * light
    spectra = shares @ pure * brightness + rng.normal(0, 0.005, (60, 70, 30))
    return make_cube(spectra, 400 + 10 * np.arange(30.0), "nm", truth_abundances=shares, truth_spectra=pure)


def test_the_number_and_the_spectra_of_a_table_are_found():
    X, pure, amounts = _table()
    model = MCR().fit(X)
    assert model.n_components_ == 6
    match = matched_spectra(model.components_, pure)
    assert min(match["cosine"]) > 0.995
    found = model.transform(X)[:, match["matching"]]
    for k in range(6):
        assert np.corrcoef(found[:, k], amounts[:, k])[0, 1] > 0.99
    residual = np.linalg.norm(X - model.inverse_transform(model.transform(X))) / np.linalg.norm(X)
    assert residual < 0.03


def test_bands_of_many_components_are_refused_before_abundances_are_solved_for(monkeypatch):
    X, *_ = _table()
    solved = []
    for name in ("nnls", "fcls"):
        monkeypatch.setattr(f"spaxel.methods.mcr.codes.{name}", lambda x, s: solved.append(s) or x @ s.T)
    model = MCR(n_components=6).fit(X)
    assert "not computed for more than 4 components; here are 6" in model.info_["bands"]["sentence"]
    assert not solved
    MCR(n_components=3).fit(X)
    assert solved  # with few components they are needed


@pytest.mark.parametrize("light", [True, False])
def test_the_number_and_the_maps_of_a_scene_are_found(light):
    cube = _scene(light=light)
    model = MCR(n_sample=4000).fit(cube)
    assert model.info_["kind"] == "scene"
    assert model.n_components_ == 3
    result = model.transform(cube)
    assert matched_spectra(model.components_, cube["truth_spectra"].values)["mean_angle"] < 0.06
    assert abundance_rmse(result["abundances"].values, cube["truth_abundances"].values)["mean_rmse"] < 0.08
    assert (result["residual"] < 0.1).mean() > 0.95


def test_the_contract_of_methods(tmp_path):
    cube = _scene()
    parameters = {"n_components": 3, "kind": "scene", "random_state": 2, "n_sample": 3000}
    model = MCR(**parameters).fit(cube)
    state = {k: v.copy() for k, v in model.state_.items()}
    result = model.transform(cube)
    assert all(np.array_equal(state[k], model.state_[k]) for k in state)
    xr.testing.assert_identical(MCR(**parameters).fit(cube).transform(cube), result)
    loaded = load(model.save(tmp_path / "model"))
    assert loaded.get_params() == model.get_params()
    xr.testing.assert_identical(loaded.transform(cube), result)


@pytest.mark.same_bits
@pytest.mark.parametrize("kind", ["table", "scene"])
def test_memory_and_chunks_do_not_matter(kind):
    cube = _scene()
    model = MCR(n_components=3, kind=kind, n_sample=500).fit(cube)
    expected = model.transform(cube)
    model.memory = 2**20
    xr.testing.assert_identical(model.transform(cube.chunk(y=17, x=23)), expected)
    alone = model.transform(cube.isel(y=[30], x=[10]))
    assert np.array_equal(alone["abundances"][0, 0], expected["abundances"][30, 10])


def test_signed_data_get_signed_components():
    rng = np.random.default_rng(0)
    pure = rng.normal(size=(3, 50))
    X = rng.dirichlet(np.full(3, 0.3), 60) @ pure + rng.normal(0, 0.01, (60, 50))
    model = MCR(n_components=3).fit(X)
    assert (model.components_ < 0).any()
    assert min(matched_spectra(model.components_, pure)["cosine"]) > 0.95
    assert (model.transform(X) >= 0).all()


def test_what_is_not_identifiable_is_said():
    rng = np.random.default_rng(0)
    dense = rng.uniform(0.2, 1, (30, 4)) @ rng.random((4, 60)) + rng.normal(0, 1e-3, (30, 60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match=r"rotation|ambigu"):
            MCR(n_components=4).fit(dense)


def test_steps_are_repeated_and_another_axis_is_refused():
    cube = _scene()
    model = MCR(n_components=3).fit(crop(cube, 450, 650))
    xr.testing.assert_identical(model.transform(cube), model.transform(crop(cube, 450, 650)))
    with pytest.raises(CubeError, match="channels"):
        model.transform(make_cube(np.ones((3, 3, 4)), [450, 500, 550, 600], "nm"))


def test_pixels_without_data_have_no_abundance():
    cube = _scene()
    spectra = cube["spectra"].values.copy()
    spectra[:5] = 0
    result = MCR(n_components=3).fit(cube).transform(make_cube(spectra, cube["channel"].values, "nm"))
    assert np.isnan(result["abundances"][:5]).all()
    assert (result["labels"][:5] == -1).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"n_components": 0}, "n_components of MCR is 0"), ({"kind": "movie"}, "kind of MCR is 'movie'")],
)
def test_wrong_parameters_are_explained(parameters, message):
    with pytest.raises(ParameterError, match=message):
        MCR(**parameters).fit(_scene())


def test_the_noise_of_a_spectrum_grows_with_its_brightness():
    components = np.eye(2, 50)
    x = components[:1] + 0.05 * components[1:]  # of which the second part drowns in noise of a fiftieth of the norm
    relative, _ = encode_table(components, 0.02, 1.0, 1.0, np.vstack([x, 1e3 * x]))
    np.testing.assert_allclose(relative, [[1, 0], [1e3, 0]], atol=1e-9)
    even, _ = encode_table(components, 0.02, 0.0, 1.0, np.vstack([x, 1e3 * x]))
    np.testing.assert_allclose(even, [[1, 0], [1e3, 50]], atol=1e-9)


def test_pixels_that_nothing_fits_have_no_share():
    components = np.eye(2, 5)
    shares, explained = encode_scene(components, "unit", np.vstack([components[0] + 3 * components[1], -components[0]]))
    np.testing.assert_allclose(shares[0], [0.25, 0.75])
    assert np.isnan(shares[1]).all()
    assert (explained[1] == 0).all()


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_samson_with_the_number_not_given(real):
    from spaxel.readers import open_cube

    cube = open_cube(real / "samson" / "Samson.mat", truth="S_GT,GT")
    model = MCR().fit(cube)
    assert model.n_components_ == 3
    result = model.transform(cube)
    assert matched_spectra(model.components_, cube["truth_spectra"].values)["mean_angle"] < 0.03
    assert abundance_rmse(result["abundances"].values, cube["truth_abundances"].values)["mean_rmse"] < 0.06
