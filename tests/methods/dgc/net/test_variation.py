import numpy as np
import pytest
import torch

from spaxel.cube.sampling import sample_spectra
from spaxel.methods.dgc.axes import learn_axes
from spaxel.methods.dgc.net.variation import Strength, plain, varied
from spaxel.testing import tiny_cube

NONE = Strength(0, 0, 0, 0)
HAZE = torch.tensor([0.5, -1.0, 2.0])


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def windows(n=4, seed=3):
    return torch.randn((n, 9, 5, 6), generator=drawn(seed))


def test_no_strength_changes_nothing():
    assert torch.equal(varied(windows(), HAZE, NONE, drawn()), plain(windows()))


def test_gain_multiplies_each_window_by_one_number():
    found = varied(windows(), HAZE, NONE._replace(gain=0.3), drawn()) / plain(windows())
    per_window = found.flatten(1)
    assert torch.allclose(per_window, per_window[:, :1].expand_as(per_window), rtol=1e-4)
    assert len(torch.unique(per_window[:, 0])) == 4
    assert (per_window > 0).all()


def test_haze_adds_grey_to_some_windows_and_never_takes_it_away():
    found = varied(windows(200), HAZE, NONE._replace(haze=0.01), drawn()) - plain(windows(200))
    share = (found / (0.01 * HAZE[None, :, None, None])).flatten(1)
    assert torch.allclose(share, share[:, :1].expand_as(share), atol=2e-3)
    hazy = share.mean(1) > 1e-3
    assert 0.3 < float(hazy.float().mean()) < 0.7
    assert share.min() > -2e-3
    assert share.max() < 1 + 2e-3


def test_the_same_chance_gives_the_same_light():
    strength = Strength()
    assert torch.equal(*(varied(windows(), HAZE, strength, drawn(5)) for _ in range(2)))
    assert not torch.equal(*(varied(windows(), HAZE, strength, drawn(seed)) for seed in (5, 6)))


@pytest.fixture(scope="module")
def axes():
    return learn_axes(sample_spectra(tiny_cube(30, 20, 25, counts=False), 500, 0), 0)


def smooth(shift=0.0):
    return 1 + 0.4 * np.sin((np.arange(25) + shift) / 6)[None] * np.array([[1.0], [0.5]])


@pytest.mark.parametrize("kind", ["tilt", "shift"])
def test_scores_change_as_those_of_spectra_that_are_tilted_or_shifted(axes, kind):
    """Linear in what is drawn, and what is drawn of unit size gives the spectrum that the documentation names."""
    spectra, amount = smooth(), 0.01
    blocks = torch.tensor((spectra @ axes.blocks).T[None, :, None], dtype=torch.float64)
    found = varied(blocks, torch.zeros(blocks.shape[1] // 3), NONE._replace(**{kind: amount}), drawn(2))
    size = float(torch.randn((3, 1, 1, 1, 1), generator=drawn(2))[{"tilt": 1, "shift": 2}[kind]]) * amount
    other = spectra * np.exp(size * np.linspace(-1, 1, 25)) if kind == "tilt" else smooth(size)
    change, expected = (found[0, :, 0].numpy().T - spectra @ axes.project), (other - spectra) @ axes.project
    assert np.abs(size) > 1e-3
    assert (change * expected).sum() > 0.99 * np.linalg.norm(change) * np.linalg.norm(expected)
    assert np.linalg.norm(change - expected) < 0.15 * np.linalg.norm(expected)
