"""Light and camera as they might also have been: changes of a spectrum that are no change of matter, done on its scores.

A window (B, 3 q, h, w) holds, for each pixel, scores of the spectrum x, of x times a ramp along the channels, and of its
derivative along them. To first order, scores of gain · (x tilted and shifted) + haze are a sum of these: no spectrum is needed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

BLOCKS = 3


class Strength(NamedTuple):
    """Standard deviations: log gain, tilt (log, from the middle to the end of the axis), shift in channels; most haze
    (a spectrum without colour) as a share of the mean."""

    gain: float = 0.08
    tilt: float = 0.04
    shift: float = 0.1
    haze: float = 0.008


def varied(windows: Tensor, haze: Tensor, strength: Strength, generator: torch.Generator) -> Tensor:
    """Scores (B, q, h, w) of the windows under another light; one draw per window. haze : (q,) scores of grey at mean level."""
    n, device = len(windows), windows.device
    own, ramp, slope = windows.chunk(BLOCKS, dim=1)
    gain, tilt, shift = torch.randn((3, n, 1, 1, 1), generator=generator, device=device)
    grey, there = torch.rand((2, n, 1, 1, 1), generator=generator, device=device)
    bent = own + strength.tilt * tilt * ramp + strength.shift * shift * slope
    added = strength.haze * grey * (there < 0.5) * haze[None, :, None, None]
    return torch.exp(strength.gain * gain) * bent + added


def plain(windows: Tensor) -> Tensor:
    """The scores as measured."""
    return windows.chunk(BLOCKS, dim=1)[0]
