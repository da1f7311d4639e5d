"""How windows (n, channel, h, w) are varied before they are encoded; each window by a draw of its own from a generator.

`warped` and `rolled` as published (arXiv:2512.24172); `shifted` and `brightened` keep every pixel in its place and bring no
channel from the other end of the spectrum.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

DEGREES, TRAVEL, ZOOM = 10.0, 0.1, 0.1


def warped(windows: Tensor, generator: torch.Generator) -> Tensor:
    """Turned by up to ± 10 °, moved by ± 10 % of the side, scaled by 0.9 … 1.1; bilinear, mirrored at the border.

    For square windows. Pixels leave their places: index maps of shared pixels do not hold any more.
    """
    angle, right, down, zoom = _uniform((4, len(windows)), windows, generator)
    angle, zoom = angle * math.radians(DEGREES), 1 + ZOOM * zoom
    cosine, sine = angle.cos() / zoom, angle.sin() / zoom
    rows = [cosine, -sine, 2 * TRAVEL * right, sine, cosine, 2 * TRAVEL * down]
    grid = functional.affine_grid(torch.stack(rows, 1).reshape(-1, 2, 3), list(windows.shape), align_corners=False)
    return functional.grid_sample(windows, grid, padding_mode="reflection", align_corners=False)


def rolled(windows: Tensor, generator: torch.Generator, most: int = 2) -> Tensor:
    """Moved along the channels by a whole number of up to ± most; what leaves at one end enters at the other."""
    by = torch.randint(-most, most + 1, (len(windows),), generator=generator, device=windows.device)
    return torch.stack([window.roll(int(b), 0) for window, b in zip(windows, by, strict=True)])


def shifted(windows: Tensor, generator: torch.Generator, most: float = 2.0) -> Tensor:
    """Moved along the channels by up to ± most, between channels by linear interpolation; the ends are repeated."""
    by = most * _uniform((len(windows),), windows, generator)
    channels = windows.shape[1]
    at = (torch.arange(channels, device=windows.device) - by[:, None]).clamp(0, channels - 1)
    low = at.floor().long().clamp_max(max(channels - 2, 0))
    share = (at - low)[:, :, None, None]
    each = torch.arange(len(windows), device=windows.device)[:, None]
    return torch.lerp(windows[each, low], windows[each, (low + 1).clamp_max(channels - 1)], share)


def brightened(windows: Tensor, generator: torch.Generator, most: float = 0.1, dark: Tensor | float = 0.0) -> Tensor:
    """Lit by up to 1 ± most: dark + gain (x - dark).

    dark : (channel,) what no light gives, in the units of the windows; -mean / deviation where they are standardised
    """
    gain = 1 + most * _uniform((len(windows),), windows, generator)[:, None, None, None]
    zero = torch.as_tensor(dark, dtype=windows.dtype, device=windows.device).reshape(-1, 1, 1)
    return zero + gain * (windows - zero)


def _uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """In -1 … 1."""
    return 2 * torch.rand(shape, generator=generator, device=like.device, dtype=like.dtype) - 1
