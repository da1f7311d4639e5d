import pytest
import torch

from spaxel.methods.dgc.published.augmentation import brightened, rolled, shifted, warped


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def windows(n=6, channels=9, side=8):
    return torch.rand((n, channels, side, side), generator=generator(5))


@pytest.mark.parametrize("vary", [warped, rolled, shifted, brightened])
def test_each_window_is_varied_by_itself_and_follows_the_generator(vary):
    same = windows()[:1].expand(6, -1, -1, -1)
    found = vary(same, generator())
    assert found.shape == same.shape
    assert torch.equal(found, vary(same, generator()))
    assert len({tuple(window.flatten().tolist()) for window in found}) >= 3


def test_shifts_interpolate_and_repeat_the_ends():
    line = torch.arange(9.0)[None, :, None, None].expand(200, -1, 2, 2)
    found = shifted(line, generator())[:, :, 0, 0]
    by = 4 - found[:, 4]  # a line has its shift in its middle
    assert -2 <= by.min() < -1.8
    assert 1.8 < by.max() <= 2
    assert torch.allclose(found, (torch.arange(9.0) - by[:, None]).clamp(0, 8), atol=1e-5)
    assert torch.equal(shifted(line, generator(), most=0), line)
    assert torch.equal(shifted(line[:, :1], generator()), line[:, :1])


def test_rolls_are_circular():
    found = rolled(windows(), generator())
    assert torch.equal(found.sort(1).values, windows().sort(1).values)
    assert not torch.equal(found, windows())


def test_brightness_turns_around_what_no_light_gives():
    dark = torch.linspace(-1, 1, 9)
    unlit = dark[None, :, None, None].expand(4, -1, 3, 3)
    assert torch.allclose(brightened(unlit, generator(), dark=dark), unlit)
    gain = brightened(windows(50), generator(), 0.2) / windows(50)
    assert torch.allclose(gain.amin((1, 2, 3)), gain.amax((1, 2, 3)), atol=1e-4)
    assert 0.8 <= gain.min() < 0.83
    assert 1.17 < gain.max() <= 1.21


def test_a_warp_moves_little_and_invents_no_value():
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    place = torch.stack([y, x])[None].expand(40, -1, -1, -1)
    found = warped(place, generator())
    assert found.min() >= 0
    assert found.max() <= 31
    moved = (found - place)[:, :, 15:17, 15:17].mean((2, 3))  # the middle: only travel
    assert moved.abs().max() < 0.1 * 32 * 1.15
    assert moved.std(0).min() > 1
