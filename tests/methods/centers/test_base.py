"""Laws of every method that segments: what goes in, what comes out, what scikit-learn may expect."""

import inspect
from dataclasses import fields

import numpy as np
import pytest
import xarray as xr
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from spaxel.errors import CubeError
from spaxel.methods.centers.base import Segmenting
from spaxel.methods.dgc.estimator import DeepGlobalClustering
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.methods.registry import load
from spaxel.methods.state import SegmentingInfo, read_info
from spaxel.testing import tiny_cube

METHODS = {
    "kmeans": KMeans(n_clusters=3, n_init=2),
    "dsc": DeepSpectralClustering(n_clusters=3, n_init=2, epochs=1, context=3),
    "dsc of tables": DeepSpectralClustering(n_clusters=3, n_init=2, epochs=1),
    "dgc": DeepGlobalClustering(n_clusters=3, n_micro=8, epochs=1, epochs_views=1, tiles=1, reuse=2),
}
OF_TABLES = ["kmeans", "dsc of tables"]
CUBE, OTHER = tiny_cube(20, 17), tiny_cube(18, 21, seed=3)
SPECTRA = CUBE["spectra"].values.reshape(-1, 11).astype(float)


@pytest.fixture(scope="module", params=METHODS)
def fitted(request) -> Segmenting:
    """A fitted model of each method; not to be changed."""
    return clone(METHODS[request.param]).fit(CUBE)


@pytest.fixture(scope="module", params=OF_TABLES)
def of_table(request) -> Segmenting:
    """A model of each method that takes tables, fitted to one; not to be changed."""
    return clone(METHODS[request.param]).fit(SPECTRA)


def test_fit_predict_gives_what_fit_and_predict_give(fitted):
    xr.testing.assert_identical(clone(fitted).fit_predict(CUBE), fitted.predict(CUBE))


def test_fit_predict_takes_lists_of_cubes(fitted):
    one, other = clone(fitted).fit_predict([CUBE, OTHER])
    assert one["labels"].shape == (20, 17)
    assert other["labels"].shape == (18, 21)


def test_fit_predict_gives_labels_of_an_array(of_table):
    labels = clone(of_table).fit_predict(SPECTRA)
    assert labels.dtype == np.int32
    assert np.array_equal(labels, of_table.labels_)
    assert np.array_equal(labels, of_table.predict(SPECTRA))


def test_distances_of_a_cube_agree_with_its_labels(fitted):
    far = fitted.transform(CUBE)
    assert far.dims == ("y", "x", "component")
    assert far.shape == (20, 17, 3)
    assert far.dtype == np.float32
    assert (far >= 0).all()
    assert np.array_equal(far.argmin("component"), fitted.predict(CUBE)["labels"])
    first, second = np.sort(far.values, axis=2)[..., :2].transpose(2, 0, 1)
    labels, sure = fitted.predict(CUBE)["labels"].values, fitted.predict(CUBE)["confidence"].values
    for k in range(3):
        order = np.argsort((first / second)[labels == k])
        assert (np.diff(sure[labels == k][order]) <= 1e-6).all()  # the nearer the centre, the surer


def test_distances_are_missing_where_there_are_no_data(fitted):
    holey = CUBE.assign(valid=(("y", "x"), np.arange(20)[:, None] + np.zeros(17) > 0))
    far = fitted.transform(holey)
    assert np.isnan(far[0]).all()
    assert np.isfinite(far[2:]).all()


def test_fit_transform_takes_cubes(fitted):
    xr.testing.assert_identical(clone(fitted).fit_transform(CUBE), fitted.transform(CUBE))


def test_distances_of_a_list_are_a_list(fitted):
    one, other = fitted.transform([CUBE, OTHER])
    xr.testing.assert_identical(one, fitted.transform(CUBE))
    assert other.shape == (18, 21, 3)


def test_distances_of_an_array(of_table):
    far = of_table.transform(SPECTRA)
    assert far.shape == (len(SPECTRA), 3)
    assert far.dtype == np.float64
    assert np.array_equal(far.argmin(1), of_table.labels_)
    assert np.array_equal(far, clone(of_table).fit_transform(SPECTRA))
    assert np.array_equal(far[5:9], of_table.transform(SPECTRA[5:9]))


def test_the_score_is_the_mean_margin(fitted):
    def margin(cube):
        first, second = np.sort(fitted.transform(cube).values, axis=2)[..., :2].transpose(2, 0, 1)
        return (1 - first / second).ravel()

    assert fitted.score(CUBE) == pytest.approx(margin(CUBE).mean(), abs=1e-6)
    both = np.concatenate([margin(CUBE), margin(OTHER)])
    assert fitted.score([CUBE, OTHER]) == pytest.approx(both.mean(), abs=1e-6)


def test_the_score_of_one_component_is_nought(fitted):
    assert clone(fitted).set_params(n_clusters=1).fit(CUBE).score(CUBE) == 0


def test_a_grid_search_needs_no_scorer(of_table):
    search = GridSearchCV(clone(of_table), {"n_clusters": [1, 3, 8]}, cv=2, error_score="raise")
    search.fit(np.random.default_rng(0).permutation(SPECTRA))  # so that each part has all three regions
    assert search.best_params_ == {"n_clusters": 3}
    assert search.best_score_ > 0.5


def test_a_grid_search_over_cubes_leaves_out_whole_cubes(fitted):
    search = GridSearchCV(clone(fitted), {"n_clusters": [1, 3]}, cv=2, error_score="raise").fit([CUBE, OTHER])
    assert search.best_params_ == {"n_clusters": 3}
    assert len(search.predict([CUBE])) == 1


def test_a_pipeline_of_one_step_takes_cubes(fitted):
    xr.testing.assert_identical(make_pipeline(clone(fitted)).fit_predict(CUBE), fitted.predict(CUBE))


@pytest.mark.parametrize("verb", ["predict", "transform", "score"])
@pytest.mark.parametrize("method", METHODS.values())
def test_what_is_not_fitted_says_so(method, verb):
    with pytest.raises(NotFittedError):
        getattr(clone(method), verb)(CUBE)


@pytest.mark.parametrize("verb", ["predict", "transform", "score"])
def test_another_axis_is_refused_by_every_verb(fitted, verb):
    with pytest.raises(CubeError, match="12 channels, the model 11"):
        getattr(fitted, verb)(tiny_cube(channels=12))


def test_a_fit_that_fails_leaves_the_model_as_it_was(fitted):
    model = clone(fitted).fit(CUBE)
    with pytest.raises(CubeError):
        model.fit([CUBE, tiny_cube(channels=12)])
    xr.testing.assert_identical(model.predict(CUBE), fitted.predict(CUBE))


def test_the_record_of_a_fit_is_as_declared(fitted):
    read_info(SegmentingInfo, fitted.info_)
    assert set(fitted.info_) <= set(SegmentingInfo.__annotations__) | SegmentingInfo.__required_keys__
    assert fitted.info_["method"] == fitted.method


def test_a_loaded_model_does_all_that_a_fitted_one_does(fitted, tmp_path):
    loaded = load(fitted.save(tmp_path / "model"))
    assert loaded.info_ == fitted.info_
    xr.testing.assert_identical(loaded.transform(CUBE), fitted.transform(CUBE))
    assert loaded.score(CUBE) == fitted.score(CUBE)


def test_no_method_copies_what_the_family_shares(fitted):
    own = vars(type(fitted))
    assert not {"fit", "predict", "fit_predict", "transform", "score", "save", "_map"} & set(own)
    assert {"_learn", "_model"} <= set(own)


def test_a_sample_is_looked_at_once_in_a_fit(fitted, monkeypatch):
    from spaxel.methods.centers import base
    from spaxel.preprocess import choice

    seen, own = [], choice.look_at
    for module in (base, choice):
        monkeypatch.setattr(module, "look_at", lambda sample: seen.append(1) or own(sample))
    clone(fitted).fit(CUBE)
    assert len(seen) == 1


def test_parameters_have_one_declaration(fitted):
    names = [f.name for f in fields(fitted)]
    assert names == list(inspect.signature(type(fitted)).parameters)
    assert {"n_clusters", "random_state", "memory", "n_sample"} <= set(names)


def test_pixels_without_data_do_not_count_in_the_score():
    model = clone(METHODS["kmeans"]).fit(CUBE)
    half = CUBE.assign(valid=(("y", "x"), np.arange(20)[:, None] + np.zeros((1, 17)) < 10))
    assert 0 < model.score(half) == pytest.approx(model.score(CUBE.isel(y=slice(0, 10))), rel=1e-12)
