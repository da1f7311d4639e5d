"""Real tables: HPLC-DAD runs of four species with known spectra, and Raman mixtures of three carbohydrates."""

import warnings

import numpy as np
import pytest
import scipy.io

from spaxel import MCR
from spaxel.metrics import matched_spectra

pytestmark = [pytest.mark.real_data, pytest.mark.filterwarnings("ignore::UserWarning")]


def test_als2004_has_one_answer_for_every_seed(real):
    held = scipy.io.loadmat(real / "als2004" / "als2004dataset.MAT")
    found = [MCR(random_state=seed).fit(held["MATRIX"].astype(float)) for seed in range(3)]
    for model in found:
        assert model.n_components_ == 4
        assert matched_spectra(model.components_, held["spure"])["mean_angle"] <= 0.10
        assert matched_spectra(model.components_, found[0].components_)["mean_angle"] <= 0.01
        assert max(model.info_["evidence"]["apart"]) < 0.1


def test_carbohydrates_are_as_before(real):
    held = np.load(real / "mcr_carbs" / "carbs.npz")
    pure = held["S"] if held["S"].shape[1] == held["D"].shape[1] else held["S"].T
    for options, bound in (({}, 0.091), ({"pedestal": True}, 0.055)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = MCR(**options).fit(held["D"])
        assert model.n_components_ == 3
        assert matched_spectra(model.components_, pure)["mean_angle"] <= bound


def test_halves_of_the_tea_runs_agree(real):
    runs = np.load(real / "hplcdad_tea" / "tea.npz")["runs"]
    halves = [MCR(n_components=3).fit(half.reshape(-1, 209)).components_ for half in (runs[:2], runs[3:])]
    assert np.mean(matched_spectra(*halves)["cosine"]) > 0.96
