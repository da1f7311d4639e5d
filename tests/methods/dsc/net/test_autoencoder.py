import numpy as np
import pytest
import torch

from spaxel.methods.dsc.net.autoencoder import NETS, Autoencoder, Body, Shape, Start, convolved
from spaxel.methods.dsc.net.likelihood import Likelihood
from spaxel.methods.dsc.numpy_net import encode

FEATURES, AXES, LATENT = 37, 6, 3


def start(seed=0):
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(FEATURES, AXES)))[0]
    return Start(axes, rng.normal(size=AXES), rng.uniform(0.5, 2, AXES), rng.normal(size=FEATURES), axes.T[:LATENT])


def disturbed(net):
    """All parameters moved away from their start, by known numbers."""
    rng = np.random.default_rng(5)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += torch.tensor(0.1 * rng.normal(size=tuple(parameter.shape)), dtype=torch.float32)
    return net


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("context", [False, True])
def test_before_training_the_latent_is_the_linear_projection_and_the_decoder_its_inverse(net, context):
    share = np.array([0.0, 0.5, 1.0]) if context else None
    model = Autoencoder(start(), Shape(net, context=share), seed=3)
    x = torch.randn((5, FEATURES * (1 + context)), generator=torch.Generator().manual_seed(0))
    own, around = (
        x[:, part] @ model.encoder.axes - model.encoder.offset for part in (slice(FEATURES), slice(-FEATURES, None))
    )
    wanted = own[:, :LATENT]
    if context:
        wanted = wanted + torch.tensor(share, dtype=torch.float32) * (around - own)[:, :LATENT]
    assert torch.allclose(model.encoder(x).mean, wanted, atol=1e-5)
    raw = torch.tensor(start().base + wanted.detach().numpy() @ start().slope, dtype=torch.float32)
    assert torch.allclose(model.decoder(wanted), raw, atol=1e-4)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("context", [False, True])
def test_numpy_and_torch_encode_the_same(net, context):
    model = disturbed(Autoencoder(start(), Shape(net, 16, 3, context=np.ones(LATENT) if context else None), seed=3))
    x = np.random.default_rng(1).normal(size=(9, FEATURES * (1 + context))).astype(np.float32)
    weights = {name: value.numpy() for name, value in model.encoder.state_dict().items()}
    with torch.no_grad():
        wanted = model.encoder(torch.from_numpy(x)).mean.numpy()
    assert np.allclose(encode(x, weights, net), wanted, atol=1e-4)
    assert np.ptp(wanted) > 0.5


def test_self_normalising_layers_keep_mean_and_variance_also_with_alpha_dropout():
    body = Body(256, Shape("snn", 256, 8, dropout=0.1), np.random.default_rng(0))
    x = torch.randn((2000, 256), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        for generator in (None, torch.Generator().manual_seed(1)):
            out = body(x, generator)
            assert abs(out.mean()) < 0.1
            assert 0.8 < out.var() < 1.25


def test_chance_comes_from_the_generator_alone():
    body = Body(8, Shape("plain", 16, 1, dropout=0.5), np.random.default_rng(0))
    x, state = torch.ones((4, 8)), torch.get_rng_state()
    one, again, other = (body(x, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(body(x), body(x))
    Autoencoder(start(), Shape("conv"), 0)
    assert torch.equal(state, torch.get_rng_state())


def test_the_length_of_the_convolutions_is_known():
    for features in (11, 36, 37, 256):
        given = Start(np.eye(features)[:, :3], np.zeros(3), np.ones(3), np.zeros(features), np.eye(features)[:3])
        model = Autoencoder(given, Shape("conv"), 0)
        assert model.encoder.body.layers[0].in_features == 3 + convolved(features)
        model.encoder(torch.zeros((2, features)))


@pytest.mark.parametrize("name", ["multinomial", "poisson"])
def test_expected_counts_are_those_that_cost_least(name):
    likelihood = Likelihood(name, total=20.0)
    x = torch.tensor([[5.0, 10.0, 5.0]])
    right = (x / 20).log()
    assert torch.allclose(likelihood.expected(right, x.sum(1, keepdim=True)), x)
    for other in (right + torch.tensor([0.3, 0, 0]), right - torch.tensor([0, 0.3, 0])):
        assert likelihood.loss(right, x) < likelihood.loss(other, x)


def test_a_gaussian_costs_least_at_the_data():
    x = torch.randn((3, 4), generator=torch.Generator().manual_seed(4))
    assert (Likelihood("gaussian").loss(x, x) == 0).all()
    torch.testing.assert_close(Likelihood("gaussian").loss(x + 1, x), torch.full((3,), 2.0))
