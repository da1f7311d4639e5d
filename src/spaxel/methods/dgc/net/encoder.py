"""An encoder that sees a pixel and its surroundings: a direction in noise-whitened spectral axes, bent by a small network.

    s   scores of a spectrum on whitened axes, along its channels (spaxel.methods.dgc.axes makes them)
    h   for each window side in `sizes`: direction and log length of the mean of s over that window, of pixels with data
    z = s / |s| + g(h),     g two hidden layers and a last one that starts at zero: untrained, z is the direction of s

The receptive radius is half the largest side, exactly. A direction and not s, since light scales s and not the matter below it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZES = (1, 3, 5, 9)
SHORTEST = 1e-3  # length of a mean, in units of the noise, below which its direction is noise and is not made larger


class PatchEncoder(nn.Module):
    """forward(scores (B, q, h, w), good (B, h, w) bool) -> z (B, h, w, q), not of unit length.

    level : mean log length of the scores, taken off      seed : of the first weights
    """

    level: Tensor

    def __init__(
        self, n_scores: int, sizes: Sequence[int] = SIZES, width: int = 64, level: float = 0.0, seed: int = 0
    ) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        inputs = len(self.sizes) * (n_scores + 1)
        with torch.random.fork_rng(devices=[]):  # nobody else's chance is used up
            layers = [nn.Linear(inputs, width), nn.Linear(width, width)]
            self.last = nn.Linear(width, n_scores)
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.register_buffer("level", torch.tensor(float(level)))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in layers:
                layer.weight.normal_(0, layer.in_features**-0.5, generator=generator)
                layer.bias.zero_()
            self.last.weight.zero_()
            self.last.bias.zero_()

    @property
    def radius(self) -> int:
        """Pixels on every side that decide."""
        return max(self.sizes) // 2

    def forward(self, scores: Tensor, good: Tensor) -> Tensor:
        """Embedding of every pixel."""
        parts = []
        for side in self.sizes:
            mean = surrounding_mean(scores, good, side)
            long = _length(mean)
            parts += [mean / long, long.log() - self.level]
        hidden = torch.cat(parts, dim=1).permute(0, 2, 3, 1).contiguous()
        for layer, norm in zip(self.layers, self.norms, strict=True):
            hidden = functional.gelu(norm(layer(hidden)))
        return direction(scores, dim=1).permute(0, 2, 3, 1) + self.last(hidden)


def direction(scores: Tensor, dim: int = -1) -> Tensor:
    """Scores over their length, along an axis."""
    return scores / _length(scores, dim)


def _length(scores: Tensor, dim: int = 1) -> Tensor:
    """Length along an axis, which stays with one place; over planes (axis 1 of four) it is several times faster."""
    return scores.square().sum(dim=dim, keepdim=True).sqrt().clamp_min(SHORTEST)


def surrounding_mean(scores: Tensor, good: Tensor, side: int) -> Tensor:
    """Mean of the scores (B, q, h, w) of pixels with data in a window of this odd side; 0 where there are none."""
    weight = good[:, None].to(scores.dtype)
    if side == 1:
        return scores * weight
    total, count = (_window_sum(values, side) for values in (scores * weight, weight))
    return total / count.clamp_min(1)


def _window_sum(values: Tensor, side: int) -> Tensor:
    """Sums (B, c, h, w) over a window, down and then along; outside is 0."""
    down = functional.avg_pool2d(values, (side, 1), 1, (side // 2, 0), divisor_override=1)
    return functional.avg_pool2d(down, (1, side), 1, (0, side // 2), divisor_override=1)
