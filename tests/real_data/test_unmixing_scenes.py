"""Samson: three materials under uneven light, spectra and abundances known."""

import pytest

import spaxel
from spaxel.errors import GuessWarning
from spaxel.linear.scene.components import scene_components
from spaxel.metrics import abundance_rmse, matched_spectra

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def samson(real):
    with pytest.warns(GuessWarning):
        cube = spaxel.open_cube(str(real / "samson" / "Samson.mat"), truth="S_GT,GT")
    X = cube["spectra"].values.reshape(-1, cube.sizes["channel"])
    return X, cube["truth_spectra"].values, cube["truth_abundances"].values.reshape(len(X), -1)


@pytest.mark.parametrize("given", [3, None])
@pytest.mark.parametrize("seed", range(3))
def test_samson(samson, given, seed):
    X, S, A = samson
    found = scene_components(X, given, seed=seed)
    match = matched_spectra(found.components, S)
    assert found.n_components == 3
    assert found.normalisation == "unit"
    assert match["mean_angle"] <= 0.03
    assert abundance_rmse(found.abundances, A, match["matching"])["mean_rmse"] <= 0.06
