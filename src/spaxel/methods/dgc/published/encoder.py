"""Encoders of windows, (n, channel, h, w) -> unit vectors (n, width, h, w): the published one, and one that sees spectra.

The published encoder (arXiv:2512.24172) is described as spectral, but its one-dimensional convolutions run along the raster
of the pixels, with the channels as their inputs: it smears 12 pixels to the left and right, wraps into the next row, and gives
other embeddings in windows of another width. The second encoder does what is described.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

KERNEL = 9  # of the convolutions along channels or raster
STRIDE, MAPS = 4, (8, 16)  # of those along channels


class PublishedEncoder(nn.Module):
    """Three Conv1d of 9 along the raster, two Conv2d of 3 x 3, no bias, ReLU after each, unit norm. Never negative.

    A pixel whose features are all zero stays zero. Not made for windows of any other width than in training.
    """

    def __init__(self, channels: int, width: int = 32, seed: int = 0) -> None:
        super().__init__()
        rng = np.random.default_rng([seed, 51])
        raster = [skip_init(nn.Conv1d, n, width, KERNEL, padding="same", bias=False) for n in (channels, width, width)]
        image = [skip_init(nn.Conv2d, width, width, 3, padding="same", bias=False) for _ in range(2)]
        self.raster, self.image = nn.ModuleList(raster), nn.ModuleList(image)
        _spread([*raster, *image], rng)

    def forward(self, windows: Tensor) -> Tensor:
        """Embeddings of windows."""
        x = windows.flatten(2)
        for layer in self.raster:
            x = functional.relu(layer(x))
        x = x.unflatten(2, windows.shape[2:])
        for layer in self.image:
            x = functional.relu(layer(x))
        return functional.normalize(x, dim=1)


class SpectralEncoder(nn.Module):
    """Two strided Conv1d along the channels of each pixel, then `radius` Conv2d of 3 x 3 as a correction, unit norm.

    e = norm(g + f(g)), g = A norm(c(x)), c the convolutions, f the spatial part. What a pixel sees ends `radius` pixels away;
    at the border of a window the outermost pixel is repeated. The last layer is linear, so e reaches the whole sphere.
    """

    def __init__(self, channels: int, width: int = 32, radius: int = 2, seed: int = 0) -> None:
        super().__init__()
        rng = np.random.default_rng([seed, 52])
        self.radius = radius
        sizes = [1, *MAPS]
        self.spectral = nn.ModuleList(
            skip_init(nn.Conv1d, a, b, KERNEL, STRIDE, padding=KERNEL // 2) for a, b in zip(sizes, MAPS, strict=False)
        )
        for _ in MAPS:
            channels = (channels - 1) // STRIDE + 1
        self.norm = nn.LayerNorm(channels * MAPS[-1])
        self.pixel = skip_init(nn.Linear, channels * MAPS[-1], width)
        self.spatial = nn.ModuleList(
            skip_init(nn.Conv2d, width, width, 3, padding="same", padding_mode="replicate") for _ in range(radius)
        )
        _spread([*self.spectral, self.pixel, *self.spatial], rng)

    def forward(self, windows: Tensor) -> Tensor:
        """Embeddings of windows."""
        n, channels, height, width = windows.shape
        x = windows.permute(0, 2, 3, 1).reshape(-1, 1, channels)
        for layer in self.spectral:
            x = functional.gelu(layer(x))
        own = self.pixel(self.norm(x.flatten(1))).reshape(n, height, width, -1).permute(0, 3, 1, 2)
        x = own
        for layer in self.spatial:
            x = layer(functional.gelu(x))
        return functional.normalize(own + x, dim=1)


def _spread(layers: Sequence[nn.Linear | nn.Conv2d], rng: np.random.Generator) -> None:
    """Uniform weights in ± 1 / √(inputs), biases zero: PyTorch's own range, from a generator of ours."""
    with torch.no_grad():
        for layer in layers:
            limit = layer.weight[0].numel() ** -0.5
            layer.weight.copy_(torch.tensor(rng.uniform(-limit, limit, tuple(layer.weight.shape)), dtype=torch.float32))
            if layer.bias is not None:
                layer.bias.zero_()
