import numpy as np
import pytest
import torch

from spaxel.errors import ParameterError
from spaxel.methods.ebgmcr.laws import AGGREGATES, find_aggregate
from spaxel.synth.mixture import mixture

RNG = np.random.default_rng(0)
C = RNG.uniform(0, 1, (7, 4)) * (RNG.random((7, 4)) < 0.6)
S = RNG.random((4, 30)) / 4
CURVED = [a for a in AGGREGATES.values() if not a.linear]


@pytest.mark.parametrize("aggregate", AGGREGATES.values(), ids=lambda a: a.name)
def test_arrays_and_tensors_agree(aggregate):
    theta = np.array([0.3])
    x = aggregate.mix(C, S, theta)
    t = aggregate.mix(*(torch.tensor(a) for a in (C, S, theta)))
    np.testing.assert_allclose(x, t.numpy(), rtol=1e-12)
    assert torch.autograd.gradcheck(
        lambda c: aggregate.mix(c, torch.tensor(S), torch.tensor(theta)), torch.tensor(C, requires_grad=True)
    )


@pytest.mark.parametrize("aggregate", CURVED, ids=lambda a: a.name)
def test_they_start_near_linear(aggregate):
    near = aggregate.mix(C, S, np.array(aggregate.start))
    assert np.abs(near - C @ S).max() < 0.06 * (C @ S).max()


@pytest.mark.parametrize("name", ["saturation", "absorbance"])
def test_what_acts_on_each_value_is_undone(name):
    aggregate, theta = AGGREGATES[name], np.array([np.log(0.4)])
    np.testing.assert_allclose(aggregate.inverse(aggregate.mix(C, S, theta), theta), C @ S, rtol=1e-9)
    assert np.isfinite(aggregate.inverse(np.full((1, 3), 1e3), theta)).all()
    assert aggregate.strength(theta) == {"a": pytest.approx(0.4)}


@pytest.mark.parametrize("name", ["saturation", "absorbance", "bilinear"])
def test_they_are_the_laws_of_the_simulated_mixtures(name):
    cube = mixture(mixing=name, strength=0.7, noise="none", seed=3)
    X, c, s = cube["spectra"].values[:, 0], cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values
    theta = np.array([0.7]) if name == "bilinear" else np.log([0.7 / (c @ s).max()])
    np.testing.assert_allclose(AGGREGATES[name].mix(c, s, theta), X, rtol=1e-10)


def test_one_of_ones_own(monkeypatch):
    def squared(c, S, theta):
        return c @ S + theta * (c @ S) ** 2

    assert find_aggregate(squared).mix is squared
    assert find_aggregate("spaxel.methods.ebgmcr.laws:bilinear").mix is AGGREGATES["bilinear"].mix
    for wrong, message in (("oil", "expected one of linear"), ("nowhere:f", "no such function"), ("os:f", "no such")):
        with pytest.raises(ParameterError, match=message):
            find_aggregate(wrong)
