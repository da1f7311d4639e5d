import json

import numpy as np
import pytest
import xarray as xr
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from spaxel.cube import make_cube
from spaxel.errors import CubeError, Exists, NotFound, ParameterError, ReadError
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.methods.registry import load
from spaxel.preprocess import crop
from spaxel.testing import check_method, tiny_cube


@parametrize_with_checks([KMeans(n_clusters=3)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_clusters": 3},
        {"n_clusters": "auto", "max_clusters": 8, "random_state": 5},
        {"n_clusters": 3, "linkage": "connectivity", "scaling": "hellinger", "n_components": 3, "n_micro": 12},
        {"n_clusters": 2, "scaling": "unit_bright", "n_init": 2, "n_sample": 300, "memory": 2**22},
        {"n_clusters": 3, "scaling": "mnf"},
    ],
)
def test_method_contract(parameters):
    check_method(KMeans(**parameters))


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("linkage", [None, "centroid", "connectivity"])
def test_known_regions_are_found(counts, linkage):
    cube = tiny_cube(40, 37, counts=counts)
    result = KMeans(n_clusters=3, linkage=linkage).fit(cube).predict(cube)
    assert adjusted_rand_score(cube["truth_labels"].values.ravel(), result["labels"].values.ravel()) > 0.99


def test_auto_finds_the_number_and_keeps_every_level():
    cube = tiny_cube(40, 37)
    result = KMeans().fit(cube).predict(cube)
    assert result.attrs["n_components"] == 3
    assert "3 components" in result.attrs["sentence"]
    assert result["level"].values.tolist() == list(range(2, 25))
    assert set(json.loads(result["evidence"].attrs["votes"])) == set(result["criterion"].values)


def test_confidence_is_a_half_where_components_meet():
    cube = tiny_cube(40, 37)
    model = KMeans(n_clusters=3).fit(cube)
    means = model.predict(cube)["component_spectra"].values
    spectra = cube["spectra"].values.astype(float)
    spectra[20] = (means[0] + means[1]) / 2
    result = model.predict(make_cube(spectra, cube["channel"].values, "keV"))
    assert 0.4 < result["confidence"][20].mean() < 0.55  # a tie of two is one in two
    assert result["confidence"][10].mean() > 0.9


def test_labels_mean_the_same_on_another_cube():
    model = KMeans(n_clusters=3).fit(tiny_cube(40, 37))
    one, other = model.predict([tiny_cube(40, 37), tiny_cube(40, 37, seed=9).isel(y=slice(None, None, -1))])
    assert (one["labels"].values == other["labels"].values[::-1]).mean() > 0.99


def test_a_component_that_a_cube_lacks_is_empty_and_said():
    model = KMeans(n_clusters=3).fit(tiny_cube(40, 37))
    part = model.predict(tiny_cube(40, 37).isel(y=slice(0, 8)))
    assert sorted(part["component_size"].values > 0) == [False, False, True]
    assert np.isnan(part["component_spectra"].values[part["component_size"].values == 0]).all()


def test_steps_of_the_fit_are_repeated():
    cube = tiny_cube(40, 37)
    cropped = crop(cube, 2, 5)
    model = KMeans(n_clusters=3).fit(cropped)
    xr.testing.assert_identical(model.predict(cube), model.predict(cropped))


@pytest.mark.parametrize(
    ("cube", "message"),
    [
        (tiny_cube(channels=12), "12 channels, the model 11"),
        (tiny_cube(counts=False), "axis in nm, the model in keV"),
        (make_cube(tiny_cube()["spectra"].values, np.arange(11.0), "keV"), "covers 0..10 keV, the model 1..6 keV"),
    ],
)
def test_another_axis_is_refused_with_what_differs(cube, message):
    with pytest.raises(CubeError, match=message):
        KMeans(n_clusters=3).fit(tiny_cube()).predict(cube)


def test_cubes_on_different_axes_are_refused_in_fit():
    with pytest.raises(CubeError, match="channels"):
        KMeans(n_clusters=2).fit([tiny_cube(), tiny_cube(channels=12)])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "n_clusters of KMeans is 0.*greater than or equal to 1"),
        ({"n_clusters": "many"}, "n_clusters of KMeans is 'many'.*auto"),
        ({"n_clusters": 2.5}, "n_clusters of KMeans is 2.5"),
        ({"scaling": "max"}, "scaling of KMeans is 'max'"),
        ({"linkage": "ward"}, "linkage of KMeans is 'ward'"),
        ({"random_state": -1}, "random_state of KMeans is -1"),
    ],
)
def test_wrong_parameters_are_explained(parameters, message):
    with pytest.raises(ParameterError, match=message):
        KMeans(**parameters).fit(tiny_cube())


def test_degenerate_cubes_get_a_sensible_answer():
    constant = make_cube(np.full((5, 4, 3), 2.0))
    assert (KMeans(n_clusters=3).fit(constant).predict(constant)["labels"] == 0).all()
    one = make_cube(np.array([[[1.0, 2, 3]]]))
    assert KMeans().fit(one).predict(one)["labels"].values.tolist() == [[0]]
    channel = make_cube(np.array([1.0, 1.1, 9, 9.2, 1, 1]).reshape(2, 3, 1))
    assert KMeans(n_clusters=2, scaling="none").fit(channel).predict(channel)["labels"].values.tolist() == [
        [0, 0, 1],
        [1, 0, 0],
    ]
    saturated = make_cube(np.full((6, 5, 4), 255, np.uint8))
    assert (KMeans().fit(saturated).predict(saturated)["labels"] == 0).all()


@pytest.mark.parametrize("dtype", [">f8", ">u2", "<i4", "f4", "u1"])
def test_dtypes_do_not_matter(dtype):
    cube = tiny_cube(40, 37)
    same = make_cube(cube["spectra"].values.astype(dtype), cube["channel"].values, "keV")
    a, b = (KMeans(n_clusters=3).fit(c).predict(c) for c in (cube, same))
    assert np.array_equal(a["labels"], b["labels"])


def test_pixels_without_data_get_no_label():
    cube = tiny_cube(40, 37, counts=False)
    spectra = cube["spectra"].values.copy()
    spectra[0], spectra[1, :, 3:9], spectra[2, :, 2:10] = 0, np.nan, np.inf
    valid = np.ones((40, 37), bool)
    valid[5] = False
    holey = make_cube(spectra, cube["channel"].values, "nm", valid=valid)
    result = KMeans(n_clusters=3).fit(holey).predict(holey)
    lost = np.isin(np.arange(40), [0, 1, 2, 5])
    assert (result["labels"].values[lost] == -1).all()
    assert (result["labels"].values[~lost] >= 0).all()
    assert np.isnan(result["confidence"].values[lost]).all()
    assert result["component_size"].sum() == 36 * 37


def test_it_sits_in_a_pipeline_and_clones():
    X = tiny_cube(40, 37)["spectra"].values.reshape(-1, 11).astype(float)
    labels = make_pipeline(StandardScaler(), clone(KMeans(n_clusters=3, scaling="none"))).fit_predict(X)
    assert len(np.unique(labels)) == 3


def test_damaged_models_are_explained(tmp_path):
    model = KMeans(n_clusters=3).fit(tiny_cube())
    path = model.save(tmp_path / "model")
    with pytest.raises(Exists, match="overwrite"):
        model.save(path)
    model.save(path, overwrite=True)
    (path / "arrays.safetensors").write_bytes(b"junk")
    with pytest.raises(ReadError, match="damaged"):
        load(path)
    (path / "arrays.safetensors").unlink()
    with pytest.raises(NotFound, match="no fitted model"):
        load(path)
    (path / "run.json").write_text("{")
    with pytest.raises(ReadError, match="damaged"):
        load(path)
    with pytest.raises(NotFound, match="is no run"):
        load(tmp_path)
