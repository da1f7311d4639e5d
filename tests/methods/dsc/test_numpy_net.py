"""The nets in NumPy: the same bits for a spectrum wherever it lies in a block, on every kernel of OpenBLAS.

.ci/run repeats the tests marked `same_bits` under OPENBLAS_CORETYPE=Haswell, Zen and SkylakeX: in float32 these tests fail
under the first two.
"""

import numpy as np
import pytest

from spaxel.cube.mapping import BLOCK
from spaxel.methods.dsc.net.autoencoder import NETS, Autoencoder, Shape, Start
from spaxel.methods.dsc.numpy_net import decode, encode, in_double

pytestmark = pytest.mark.same_bits
LATENT, AXES = 7, 23
MOVED = (np.roll(np.arange(BLOCK), 1), np.arange(BLOCK)[::-1], np.random.default_rng(4).permutation(BLOCK))


def weights_of(module):
    rng = np.random.default_rng(5)
    arrays = {name: value.numpy() for name, value in module.state_dict().items()}
    return {name: (value + rng.normal(0, 0.1, value.shape)).astype(np.float32) for name, value in arrays.items()}


def autoencoder(net, context, features):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(features, AXES)))[0]
    start = Start(axes, rng.normal(size=AXES), np.ones(AXES), rng.normal(size=features), axes.T[:LATENT])
    return Autoencoder(start, Shape(net, 37, 3, context=np.full(LATENT, 0.5) if context else None), seed=3)


@pytest.mark.parametrize("features", [29, 96, 131])
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("context", [False, True])
def test_a_latent_does_not_depend_on_the_place_in_the_block(net, context, features):
    weights = weights_of(autoencoder(net, context, features).encoder)
    x = np.random.default_rng(1).normal(size=(BLOCK, features * (1 + context))).astype(np.float32)
    z = encode(x, weights, net)
    assert z.dtype == np.float32
    assert len(np.unique(z[:, 0])) == BLOCK
    for order in MOVED:
        assert np.array_equal(encode(x[order], weights, net), z[order])


@pytest.mark.parametrize("net", NETS)
def test_what_is_decoded_does_not_depend_on_the_place_in_the_block(net):
    weights = weights_of(autoencoder(net, False, 131).decoder)
    z = np.random.default_rng(1).normal(size=(BLOCK, LATENT)).astype(np.float32)
    spectra = decode(z, weights, net)
    for order in MOVED:
        assert np.array_equal(decode(z[order], weights, net), spectra[order])


@pytest.mark.parametrize("net", NETS)
def test_weights_that_were_converted_before_give_the_same_bits(net):
    both = autoencoder(net, True, 29)
    encoder, decoder = weights_of(both.encoder), weights_of(both.decoder)
    x = np.random.default_rng(1).normal(size=(BLOCK, 58)).astype(np.float32)
    z = encode(x, encoder, net)
    assert np.array_equal(encode(x, in_double(encoder), net), z)
    assert np.array_equal(decode(z, in_double(decoder), net), decode(z, decoder, net))
