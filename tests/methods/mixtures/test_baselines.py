import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from spaxel.cube import make_cube
from spaxel.errors import ParameterError
from spaxel.methods.mixtures.baselines import MCRALS, NMF
from spaxel.methods.registry import load
from spaxel.metrics import matched_spectra
from spaxel.synth.mixture import mixture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
BOTH = pytest.mark.parametrize("method", [NMF, MCRALS])


@parametrize_with_checks([NMF(n_components=2), MCRALS(n_components=2)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@BOTH
def test_the_spectra_of_sparse_mixtures_are_found(method):
    cube = mixture(seed=3, n_components=6, per_component=10, n_channels=60, snr_db=30)
    model = method().fit(cube)
    assert model.n_components_ == 6
    match = matched_spectra(model.components_, cube["truth_spectra"].values)
    assert np.mean(match["cosine"]) > 0.97
    result = model.transform(cube)
    assert float(result["residual"].mean()) < 0.06
    np.testing.assert_allclose(np.linalg.norm(model.components_, axis=1), 1)


@BOTH
def test_a_saved_model_gives_the_same_answer(method, tmp_path):
    cube = mixture(seed=1, n_components=3, per_component=6, most_mixed=2, n_channels=30, snr_db=30)
    model = method(n_components=3).fit(cube)
    again = load(model.save(tmp_path / "run"))
    assert type(again) is method
    assert again.transform(cube).identical(model.transform(cube))


@BOTH
def test_negative_values_are_said_and_a_table_without_positive_ones_is_refused(method):
    X = np.random.default_rng(0).normal(size=(20, 8))
    with pytest.warns(UserWarning, match="Negative values count as 0"):
        method(n_components=2).fit(X)
    with pytest.raises(ParameterError, match="No spectrum has a positive value"):
        method(n_components=2).fit(-np.abs(X))


@BOTH
def test_more_components_than_spectra_are_cut_to_what_can_be(method):
    cube = make_cube(np.random.default_rng(0).random((4, 1, 7)))
    assert method(n_components=9).fit(cube).n_components_ <= 4


@BOTH
def test_too_few_iterations_are_said(method):
    cube = mixture(seed=2, n_components=4, per_component=6, n_channels=30)
    with pytest.warns(UserWarning, match="larger max_iter"):
        method(n_components=4, max_iter=1).fit(cube)
