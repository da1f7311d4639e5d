"""Laws of mixing are compared: the right one, a curve, or none; and what does not fit is not reported as if it did."""

import numpy as np
import pytest

from spaxel.methods.ebgmcr.curves import FREE, GRID, bend, curve, learn_curve, unbend
from spaxel.methods.ebgmcr.estimator import EnergyMCR
from spaxel.methods.ebgmcr.laws import AGGREGATES, MONOTONE
from spaxel.methods.ebgmcr.solve import Solution
from spaxel.methods.ebgmcr.verdict import Doubt, looks, said_of_law, simplest, structure
from spaxel.methods.mcr.estimator import MCR
from spaxel.methods.registry import load
from spaxel.synth.mixture import mixture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
CURVES = {
    "linear": lambda u: u,
    "saturation": lambda u: u / (1 + u),
    "power": lambda u: u**0.6,
    "other": lambda u: 0.5 * u + 0.5 * u**3,
}


def bent(name, seed=1, k=6, n=72, channels=64, db=30):
    """Mixtures through a curve, their noise, amounts and pure spectra."""
    cube = mixture(n, n_components=k, most_mixed=3, n_channels=channels, seed=seed, noise="none")
    y = (cube["truth_abundances"].values @ cube["truth_spectra"].values)[:, 0]
    clean = y.max() * CURVES[name](y / y.max())
    sigma = np.sqrt((clean**2).mean(1) / 10 ** (db / 10))
    noisy = clean + sigma[:, None] * np.random.default_rng(seed).standard_normal(clean.shape)
    return noisy, sigma, cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values


def amounts_agree(model, X, C, S):
    unit = model.components_ / np.linalg.norm(model.components_, axis=1, keepdims=True)
    codes = model.transform(X)[:, (S @ unit.T).argmax(1)]
    codes = codes * (codes * C).sum(0) / np.maximum((codes**2).sum(0), 1e-300)
    return 1 - ((codes - C) ** 2).sum() / ((C - C.mean(0)) ** 2).sum()


@pytest.mark.parametrize(
    "theta", [np.zeros(len(FREE)), np.array([2.0, 1, 0.3, -1, -2]), np.array([-3.0, 3, -3, 3, -3])]
)
def test_a_curve_rises_and_its_inverse_is_one(theta):
    assert (np.diff(curve(theta)) > 0).all()
    x = np.linspace(-0.1, 1.5, 300)
    np.testing.assert_allclose(bend(unbend(x, theta), theta), x, atol=1e-9)
    assert len(GRID) == len(curve(theta))


def test_a_straight_curve_is_linear_mixing():
    x = np.linspace(0, 2, 50)
    np.testing.assert_allclose(unbend(x, np.zeros(len(FREE))), x, rtol=1e-12)
    assert MONOTONE.strength(np.zeros(len(FREE))) == {"at 0.1": pytest.approx(1), "at 0.5": pytest.approx(1)}


@pytest.mark.parametrize("name", ["power", "other"])
def test_the_curve_that_bent_the_mixtures_is_found(name):
    X, sigma, *_ = bent(name)
    theta = learn_curve(X / X.max(), sigma / X.max())
    u = np.linspace(0.1, 1, 10)
    found = bend(u * unbend(np.ones(1), theta)[0], theta)
    np.testing.assert_allclose(found, CURVES[name](u) / CURVES[name](1.0), atol=0.06)


@pytest.mark.parametrize(("name", "law"), [("linear", "linear"), ("saturation", "saturation"), ("power", "monotone")])
def test_the_simplest_law_that_is_enough(name, law):
    X, sigma, *_ = bent(name)
    seen = looks(X / X.max(), sigma / X.max())
    assert simplest(seen).law.name == law
    assert seen[law].rank == 6


def test_auto_finds_what_a_wrong_law_does_not(tmp_path):
    X, _, C, S = bent("power")
    found, wrong, mcr = (model.fit(X) for model in (EnergyMCR(mixing="auto"), EnergyMCR(mixing="saturation"), MCR()))
    law = found.info_["law"]
    assert (law["chosen"], law["fits"], found.n_components_) == ("monotone", True, 6)
    assert amounts_agree(found, X, C, S) > 0.995
    assert "monotone mixing" in found.info_["sentence"]
    law = wrong.info_["law"]
    assert (law["chosen"], law["fits"], wrong.theta_) == ("linear", False, {})
    assert "does not fit" in wrong.info_["sentence"]
    assert "not to be trusted" in wrong.info_["warnings"][0]
    np.testing.assert_array_equal(wrong.transform(X), mcr.transform(X))  # what MCR alone gives, no worse
    again = load(found.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.transform(X), found.transform(X))
    np.testing.assert_array_equal(
        again.inverse_transform(found.transform(X)), found.inverse_transform(found.transform(X))
    )
    assert set(again.theta_) == {"at 0.1", "at 0.5"}


def test_a_negative_strength_is_refused():
    X, *_ = bent("saturation", db=35)
    model = EnergyMCR(mixing="bilinear").fit(X)
    assert (model.info_["law"]["chosen"], model.info_["law"]["fits"], model.theta_) == ("linear", False, {})


def test_linear_mixing_is_not_doubted():
    X, *_ = bent("linear")
    for mixing in ("auto", "linear", "saturation", "monotone"):
        model = EnergyMCR(mixing=mixing).fit(X)
        assert (model.info_["law"]["chosen"], model.info_["law"]["fits"]) == ("linear", True)
        assert not any("not to be trusted" in said for said in model.info_["warnings"])


def test_linear_mixing_that_is_not_there_is_doubted():
    X, *_ = bent("other")
    model = EnergyMCR().fit(X)
    assert not model.info_["law"]["fits"]
    assert "Mixing is not linear" in model.info_["sentence"]


def test_what_follows_the_signal_is_structure():
    X, sigma, C, S = bent("linear", db=30)
    true = Solution(S, C, np.zeros(0), sigma)
    assert structure(X, C, true, AGGREGATES["linear"], sigma) < 0.02
    X, sigma, C, S = bent("other", db=30)
    assert structure(X, C, Solution(S, C, np.zeros(0), sigma), AGGREGATES["linear"], sigma) > 0.5


def test_what_is_said_where_none_fits():
    X, sigma, *_ = bent("power")
    seen = looks(X / X.max(), sigma / X.max())
    said = said_of_law(None, "linear", {"monotone": [Doubt("two halves differ")]}, seen)
    assert not said["fits"]
    assert "none of these laws fits (monotone: two halves differ)" in said["sentence"]
    assert said_of_law(None, "monotone", {"monotone": []}, seen)["fits"]


@pytest.mark.parametrize("seen", [{}, "looks"])
def test_a_law_that_is_needed_but_has_an_impossible_strength_is_not_called_linear(seen):
    X, sigma, *_ = bent("linear")
    top = X.max()
    seen = looks(X / top, sigma / top) if seen else {}
    impossible, unneeded = (
        Doubt("its strength is -0.31, outside 0 to 5", strange=True),
        Doubt("held-out spectra do not need it"),
    )
    strange = {"bilinear": [impossible], "monotone": [unneeded]}
    said = said_of_law(None, "linear", strange, seen)
    assert not said["fits"]
    assert "none of these laws fits (bilinear: its strength is -0.31" in said["sentence"]
    assert not said_of_law(AGGREGATES["bilinear"], "linear", strange, seen)["fits"]
    said = said_of_law(None, "linear", {"bilinear": [unneeded]}, seen)
    assert said["fits"]
    assert "Mixing is linear" in said["sentence"]
    assert said_of_law(None, "linear", {"bilinear": [impossible, unneeded]}, seen)["fits"]  # not for its strength alone


def test_mixtures_that_lose_light_to_each_other_are_not_called_linear():
    """y = a s + b t - 4 a b s t: what bilinear mixing of a negative strength makes."""
    rng = np.random.default_rng(4)
    S = mixture(4, n_components=4, most_mixed=2, n_channels=64, seed=4, noise="none")["truth_spectra"].values
    C = rng.dirichlet(np.full(4, 0.5), 60)
    pairs = sum(C[:, [i]] * C[:, [j]] * S[i] * S[j] for i in range(4) for j in range(i))
    X = C @ S - 4 * pairs
    X += 1e-3 * np.abs(X).max() * rng.standard_normal(X.shape)
    model = EnergyMCR(mixing="auto").fit(X)  # bilinear is tried, too, where no curve is needed
    assert model.info_["law"]["chosen"] == "linear"
    assert not model.info_["law"]["fits"]
    assert "bilinear: its strength is -" in model.info_["law"]["sentence"]


def test_no_torch_is_needed(monkeypatch):
    import spaxel.methods.ebgmcr.estimator as home

    def refuse(name):
        raise AssertionError(name)

    monkeypatch.setattr(home, "check_extra", refuse)
    X, *_ = bent("saturation")
    assert EnergyMCR(mixing="saturation").fit(X).n_components_ == 6
    with pytest.raises(AssertionError, match="EnergyMCR"):
        EnergyMCR(epochs=1).fit(X)
