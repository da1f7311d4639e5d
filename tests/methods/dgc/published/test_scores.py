import numpy as np
import pytest
import torch

from spaxel.methods.dgc.net.encoder import PatchEncoder
from spaxel.methods.dgc.published.scores import OnScores, as_corrected, as_published, moved

Q, CHANNELS = 3, 60
RNG = np.random.default_rng(0)
PROJECT = RNG.normal(size=(CHANNELS, Q))
SLOPE = np.gradient(np.eye(CHANNELS), axis=1) @ PROJECT


def windows(spectra):
    """(n, h, w, channel) -> (n, 3 q, h, w), the block of the ramp without a meaning."""
    own = spectra @ PROJECT
    blocks = np.concatenate([own, np.full(own.shape, 7.0), spectra @ SLOPE], axis=-1)
    return torch.tensor(np.moveaxis(blocks, 3, 1), dtype=torch.float32)


def peaks(at):
    return np.exp(-((np.arange(CHANNELS) - np.asarray(at)[..., None]) ** 2) / 200)


@pytest.mark.parametrize("by", [-2.0, 0.5, 2.0])
def test_to_first_order_a_move_is_that_of_the_spectrum(by):
    at = RNG.uniform(25, 35, (1, 2, 5))
    found, wanted = moved(windows(peaks(at)), torch.tensor([by])), windows(peaks(at + by))[:, :Q]
    before = windows(peaks(at))[:, :Q]
    assert (found - wanted).norm() < 0.25 * (before - wanted).norm()


@pytest.mark.parametrize("vary", [as_published, as_corrected])
def test_variation_gives_scores_by_the_generator_alone_and_none_where_there_are_no_data(vary):
    given = windows(RNG.normal(size=(2, 6, 6, CHANNELS)))
    one, two, other = (vary(given, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert one.shape == (2, Q, 6, 6)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert not vary(0 * given, torch.Generator().manual_seed(1)).any()


def test_embeddings_have_norm_1_and_pixels_without_data_do_not_count():
    encoder = OnScores(PatchEncoder(Q, width=8))
    with torch.no_grad():
        encoder.encoder.last.weight.normal_(generator=torch.Generator().manual_seed(1))
    scores = windows(RNG.normal(size=(2, 6, 6, CHANNELS)))[:, :Q]
    scores[:, :, :2] = 0
    whole, part = encoder(scores), encoder(scores[:, :, 2:])
    assert whole.shape == (2, Q, 6, 6)
    torch.testing.assert_close(whole.norm(dim=1), torch.ones(2, 6, 6))
    torch.testing.assert_close(whole[:, :, 2:], part)
