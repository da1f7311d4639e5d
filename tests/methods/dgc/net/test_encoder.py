import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from spaxel.methods.dgc.encoder import Model, embed_tile
from spaxel.methods.dgc.net.encoder import PatchEncoder, direction, surrounding_mean
from spaxel.preprocess.scaling import Scaling

CHANNELS, SCORES = 7, 3


def bent(sizes=(1, 3, 5), seed=0):
    """An encoder whose last layer is not zero, so that surroundings matter."""
    encoder = PatchEncoder(SCORES, sizes, width=9, level=0.4, seed=seed)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(seed)
        for parameter in (encoder.last.weight, encoder.last.bias, *encoder.norms.parameters()):
            parameter.add_(torch.randn(parameter.shape, generator=generator))
    return encoder


def scores(height, width, seed=0):
    return torch.randn((1, SCORES, height, width), generator=torch.Generator().manual_seed(seed))


def without_torch(encoder, project):
    weights = {k: v.numpy().copy() for k, v in encoder.state_dict().items()}
    scaling = Scaling("mnf", np.zeros(CHANNELS), np.eye(CHANNELS))
    return Model(scaling, project, encoder.sizes, weights)


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("shape", [(23, 31), (3, 2), (1, 9)])
def test_numpy_and_torch_see_the_same(shape, missing):
    rng = np.random.default_rng(1)
    spectra = rng.normal(size=(*shape, CHANNELS)).astype(np.float32)
    project, good = rng.normal(size=(CHANNELS, SCORES)), rng.random(shape) >= missing
    good[0, 0] = True
    encoder = bent()
    held = np.where(good[..., None], spectra, np.float32(0))
    with torch.no_grad():
        given_scores = torch.from_numpy(np.moveaxis(held @ project.astype(np.float32), 2, 0).copy())[None]
        expected = functional.normalize(encoder(given_scores, torch.from_numpy(good)[None])[0], dim=-1).numpy()
    found = embed_tile(np.where(good[..., None], spectra, np.nan), good, without_torch(encoder, project))
    assert np.abs(found - expected)[good].max() < 1e-5
    assert np.abs(np.linalg.norm(found, axis=2) - 1)[good].max() < 1e-5


@settings(max_examples=15)
@given(st.integers(0, 12), st.integers(0, 12), st.sampled_from([(1, 3), (1, 3, 5), (1, 7)]))
def test_the_receptive_radius_is_exact(y, x, sizes):
    encoder, before, good = bent(sizes), scores(13, 13), torch.ones((1, 13, 13), dtype=torch.bool)
    after = before.clone()
    after[0, :, y, x] += 3
    with torch.no_grad():
        changed = (encoder(before, good) != encoder(after, good)).any(-1)[0].numpy()
    rows, columns = np.abs(np.arange(13) - y), np.abs(np.arange(13) - x)
    assert np.array_equal(changed, np.maximum(rows[:, None], columns[None]) <= encoder.radius)


def test_what_a_pixel_without_data_holds_changes_no_other():
    encoder, held, good = bent(), scores(9, 8), torch.ones((1, 9, 8), dtype=torch.bool)
    good[0, 2:5, 3] = False
    other = held.clone()
    other[0, :, 2:5, 3] = 100
    with torch.no_grad():
        assert torch.equal(encoder(held, good)[good], encoder(other, good)[good])
        good[0, 2, 3] = True
        assert not torch.equal(encoder(held, good)[good], encoder(other, good)[good])


def test_untrained_it_is_the_direction_and_light_changes_nothing():
    held, good = scores(6, 7), torch.ones((1, 6, 7), dtype=torch.bool)
    z = PatchEncoder(SCORES, seed=3)(held, good)
    assert torch.equal(z, direction(held.permute(0, 2, 3, 1)))
    assert torch.allclose(PatchEncoder(SCORES, seed=3)(5 * held, good), z, atol=1e-6)


@pytest.mark.parametrize("side", [1, 3, 5])
def test_a_mean_is_that_of_the_pixels_with_data(side):
    held, good = scores(7, 6), torch.rand((1, 7, 6), generator=torch.Generator().manual_seed(5)) > 0.6
    found, reach = surrounding_mean(held, good, side)[0].numpy(), side // 2
    for y in range(7):
        for x in range(6):
            rows, columns = slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1)
            inside = held[0, :, rows, columns].numpy()[:, good[0, rows, columns].numpy()]
            expected = inside.mean(1) if inside.shape[1] else np.zeros(SCORES)
            assert np.allclose(found[:, y, x], expected, atol=1e-6)


def test_the_seed_decides_the_first_weights():
    one, same, other = (PatchEncoder(SCORES, seed=seed).layers[0].weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
