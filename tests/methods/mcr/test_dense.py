"""MCR of dense tables: the same answer for every seed, and what starts do not agree on is said."""

import numpy as np
import pytest

from spaxel.methods.mcr.dense import apart_words
from spaxel.methods.mcr.estimator import MCR
from spaxel.metrics import matched_spectra
from spaxel.synth.mixture import mixture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what is not unique is said


def test_a_dense_table_has_one_answer_whatever_the_seed():
    """The sparse solver ends 0.4 rad apart here."""
    rng = np.random.default_rng([1, 99])
    cube = mixture(4, seed=1, n_components=3, most_mixed=2, spectra="absorption", n_channels=150, noise="none")
    pure = cube["truth_spectra"].values
    X = (rng.dirichlet(np.ones(3), 80) * rng.uniform(0.5, 2, (80, 1))) @ pure
    X = X + 10 ** (-35 / 20) * np.sqrt((X**2).mean()) * rng.standard_normal(X.shape)
    models = [MCR(n_components=3, random_state=seed).fit(X) for seed in range(3)]
    for model in models:
        assert matched_spectra(model.components_, models[0].components_)["mean_angle"] < 0.001
        assert matched_spectra(model.components_, pure)["mean_angle"] < 0.05
        assert len(model.info_["evidence"]["apart"]) == 3


def test_a_table_whose_zeros_determine_it_is_left_to_the_sparse_solver():
    mixtures = mixture(seed=1, n_components=6, per_component=12, snr_db=25, n_channels=256)
    assert "apart" not in MCR().fit(mixtures).info_["evidence"]


def test_components_that_starts_do_not_agree_on_are_named():
    assert apart_words(None) == apart_words([0.02, 0.1]) == []
    assert apart_words([0.02, 0.31])[0].startswith("Component 1 (0.3 rad): uncertain")
    assert apart_words([0.5, 0.31])[0].startswith("Components 0 (0.5 rad), 1 (0.3 rad): uncertain")
