import pytest
import torch

from spaxel.methods.dgc.published.encoder import PublishedEncoder, SpectralEncoder

CHANNELS = 23


def windows(seed=0, height=17, width=21, n=2):
    return torch.randn((n, CHANNELS, height, width), generator=torch.Generator().manual_seed(seed))


def reached(encoder, y, x, image=None):
    """Where embeddings change when one pixel does, (h, w) bool."""
    image = windows(n=1) if image is None else image
    touched = image.clone()
    touched[0, :, y, x] += 3
    with torch.no_grad():
        return (encoder(image) - encoder(touched))[0].abs().amax(0) > 1e-6


@pytest.mark.parametrize("make", [PublishedEncoder, SpectralEncoder])
def test_embeddings_have_unit_norm_and_follow_the_seed(make):
    with torch.no_grad():
        one, same, other = (make(CHANNELS, seed=seed)(windows()) for seed in (1, 1, 2))
    assert one.shape == (2, 32, 17, 21)
    assert torch.allclose(one.norm(dim=1), torch.ones(2, 17, 21), atol=1e-5)
    assert torch.equal(one, same)
    assert not torch.allclose(one, other, atol=1e-2)


def test_the_published_encoder_has_the_published_size():
    """123,681 numbers at 301 channels and K = 4, less centres (4 x 32) and bandwidth (1)."""
    assert sum(p.numel() for p in PublishedEncoder(301).parameters()) == 123_681 - 4 * 32 - 1


def test_the_published_encoder_smears_along_the_raster_and_into_the_next_row():
    seen = reached(PublishedEncoder(CHANNELS), 8, 20)
    rows, columns = torch.nonzero(seen, as_tuple=True)
    assert rows.min() < 8 < rows.max()
    assert columns.min() == 0  # of the next row, though the pixel lies at the right edge
    assert (PublishedEncoder(CHANNELS)(windows()) >= 0).all()


@pytest.mark.parametrize("radius", [0, 1, 2, 3])
def test_the_spectral_encoder_sees_its_radius_and_no_further(radius):
    seen = reached(SpectralEncoder(CHANNELS, radius=radius), 8, 20)
    rows, columns = torch.nonzero(seen, as_tuple=True)
    assert (rows - 8).abs().max() == radius
    assert 20 - columns.min() == radius


def test_the_spectral_encoder_gives_the_same_in_any_window_that_holds_its_radius():
    encoder, image = SpectralEncoder(CHANNELS), windows(n=1)
    with torch.no_grad():
        whole, part = encoder(image), encoder(image[..., 3:14, 5:15])
    assert torch.allclose(part[..., 2:-2, 2:-2], whole[..., 5:12, 7:13], atol=1e-5)


def test_a_peak_that_moves_by_one_channel_stays_nearer_than_one_that_moves_far():
    encoder = SpectralEncoder(64, radius=0)
    peaks = torch.exp(-((torch.arange(64)[None] - torch.tensor([[30.0], [31.0], [45.0]])) ** 2) / 8)
    with torch.no_grad():
        here, near, far = encoder(peaks[:, :, None, None])[..., 0, 0]
    assert here @ near > here @ far


def test_few_channels_are_enough():
    assert SpectralEncoder(1)(torch.rand(1, 1, 4, 4)).shape == (1, 32, 4, 4)


def test_an_even_image_has_no_frame():
    even = windows(n=1)[..., :1, :1].expand(-1, -1, 9, 8)
    found = SpectralEncoder(CHANNELS)(even)
    assert torch.allclose(found, found[..., :1, :1].expand_as(found), atol=1e-6)
