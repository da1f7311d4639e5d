"""An autoencoder that starts as a linear projection: what a residual net adds is zero until it has learned something.

    scores   h = f · A - a                      (A begins as scaled principal axes)
    context  c = g · A - a, from the mean of the neighbours, where there is one
    latent   μ = (h[:d] + w (c - h)[:d]) · D + M · body(h / s, c / s)    (w as given, M begins as zero, D stays)
    decoded  raw = base + [z, body'(z)] · W                             (W begins as the linear reconstruction)

Two kinds of body: `snn`, self-normalising (SELU, LeCun initialisation, alpha dropout: Klambauer et al. 2017, arXiv:1706.02515),
and `plain` (GELU, LayerNorm). `conv` is plain, and also sees the features through two strided one-dimensional convolutions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

NETS = ("plain", "snn", "conv")
KERNEL, STRIDE, MAPS = 9, 4, (8, 16)  # of the convolutions
ALPHA = -1.7580993408473766  # what SELU tends to: the value of a dropped unit


class Start(NamedTuple):
    """The linear solution. axes : (feature, q)   offset, spread : (q,)   base : (channel,)   slope : (d, channel).

    metric : (d, d) in which latents are measured, or None
    """

    axes: np.ndarray
    offset: np.ndarray
    spread: np.ndarray
    base: np.ndarray
    slope: np.ndarray
    metric: np.ndarray | None = None


class Shape(NamedTuple):
    """net : one of NETS     width, depth : of the hidden layers     context : share of the neighbours at the start, or None."""

    net: str = "plain"
    width: int = 64
    depth: int = 2
    dropout: float = 0.0
    context: np.ndarray | None = None


class Code(NamedTuple):
    """mean, log_variance : (n, d) of the latent."""

    mean: Tensor
    log_variance: Tensor


class Body(nn.Module):
    """Hidden layers, (n, inputs) -> (n, width). Chance comes from a generator; without one nothing is dropped."""

    def __init__(self, inputs: int, shape: Shape, rng: np.random.Generator) -> None:
        super().__init__()
        sizes = [inputs, *[shape.width] * shape.depth]
        self.snn, self.dropout = shape.net == "snn", shape.dropout
        self.layers = nn.ModuleList(_linear(a, b, rng) for a, b in pairwise(sizes))
        self.norms = nn.ModuleList([] if self.snn else [nn.LayerNorm(b) for b in sizes[1:]])

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What the last hidden layer says."""
        for i, layer in enumerate(self.layers):
            x = layer(x)
            x = functional.selu(x) if self.snn else functional.gelu(self.norms[i](x))
            x = _dropped(x, self.dropout, generator, self.snn)
        return x


class Encoder(nn.Module):
    """Features (n, feature), or with those of the neighbours (n, 2 feature), to a latent."""

    spread: Tensor
    metric: Tensor | None

    def __init__(self, start: Start, latent: int, shape: Shape, rng: np.random.Generator) -> None:
        super().__init__()
        self.axes, self.offset = nn.Parameter(_tensor(start.axes)), nn.Parameter(_tensor(start.offset))
        self.register_buffer("spread", _tensor(start.spread))
        self.register_buffer("metric", None if start.metric is None else _tensor(start.metric))
        self.latent, self.features = latent, len(start.axes)
        self.share = nn.Parameter(_tensor(shape.context)) if shape.context is not None else None
        inputs = len(start.spread) * (1 if self.share is None else 2)
        self.convolutions = nn.ModuleList(_convolutions(self.features, rng) if shape.net == "conv" else [])
        inputs += convolved(self.features) if shape.net == "conv" else 0
        self.body = Body(inputs, shape, rng)
        self.mean, self.log_variance = (skip_init(nn.Linear, shape.width, latent) for _ in range(2))
        for head, bias in ((self.mean, 0.0), (self.log_variance, -3.0)):
            nn.init.zeros_(head.weight)
            nn.init.constant_(head.bias, bias)

    def forward(self, features: Tensor, generator: torch.Generator | None = None, noise: Tensor | None = None) -> Code:
        """The latent. noise : (n, q), added to the scores of the pixel, in their units."""
        own = features[:, : self.features]
        scores = own @ self.axes - self.offset
        scores = scores if noise is None else scores + noise
        mean, inputs = scores[:, : self.latent], [scores / self.spread]
        if self.share is not None:
            around = features[:, self.features :] @ self.axes - self.offset
            mean = mean + self.share * (around - scores)[:, : self.latent]
            inputs.append(around / self.spread)
        mean = mean if self.metric is None else mean @ self.metric
        if len(self.convolutions):
            maps = own[:, None]
            for layer in self.convolutions:
                maps = functional.gelu(layer(maps))
            inputs.append(maps.flatten(1))
        hidden = self.body(torch.cat(inputs, 1), generator)
        return Code(mean + self.mean(hidden), self.log_variance(hidden))


class Decoder(nn.Module):
    """Latent (n, d) to raw numbers (n, channel), which a likelihood reads."""

    def __init__(self, start: Start, latent: int, shape: Shape, rng: np.random.Generator) -> None:
        super().__init__()
        self.body = Body(latent, shape._replace(net="snn" if shape.net == "snn" else "plain"), rng)
        self.base = nn.Parameter(_tensor(start.base))
        rows = np.vstack([start.slope, np.zeros((shape.width, len(start.base)))])
        self.rows = nn.Parameter(_tensor(rows))

    def forward(self, z: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Raw numbers."""
        return self.base + torch.cat([z, self.body(z, generator)], 1) @ self.rows


class Autoencoder(nn.Module):
    """Encoder and decoder. Same start, shape and seed, same bits."""

    def __init__(self, start: Start, shape: Shape, seed: int = 0) -> None:
        super().__init__()
        rng = np.random.default_rng([seed, 31])
        latent = len(start.slope)
        self.encoder, self.decoder = Encoder(start, latent, shape, rng), Decoder(start, latent, shape, rng)


def sampled(code: Code, generator: torch.Generator) -> Tensor:
    """z = μ + σ ε."""
    noise = torch.randn(code.mean.shape, generator=generator, device=code.mean.device, dtype=code.mean.dtype)
    return code.mean + (code.log_variance / 2).exp() * noise


def convolved(features: int) -> int:
    """Numbers that the convolutions give for so many features."""
    for _ in MAPS:
        features = (features + 2 * (KERNEL // 2) - KERNEL) // STRIDE + 1
    return features * MAPS[-1]


def _convolutions(features: int, rng: np.random.Generator) -> list[nn.Conv1d]:
    layers = []
    for i, (a, b) in enumerate(pairwise((1, *MAPS))):
        layer = skip_init(nn.Conv1d, a, b, KERNEL, STRIDE, padding=KERNEL // 2)
        _lecun(layer.weight, a * KERNEL * (features if i == 0 else 1) ** 0.5, rng)
        nn.init.zeros_(layer.bias)
        layers.append(layer)
    return layers


def _linear(inputs: int, outputs: int, rng: np.random.Generator) -> nn.Linear:
    layer = skip_init(nn.Linear, inputs, outputs)
    _lecun(layer.weight, inputs, rng)
    nn.init.zeros_(layer.bias)
    return layer


def _lecun(weight: Tensor, fan_in: float, rng: np.random.Generator) -> None:
    """Normal with variance 1 / fan_in: what SELU needs to keep mean 0 and variance 1."""
    with torch.no_grad():
        weight.copy_(_tensor(rng.normal(size=tuple(weight.shape)) / np.sqrt(fan_in)))


def _dropped(x: Tensor, share: float, generator: torch.Generator | None, alpha: bool) -> Tensor:
    """Dropout; `alpha` sets units to SELU's lower limit and restores mean and variance."""
    if not share or generator is None:
        return x
    kept = (torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype) >= share).to(x.dtype)
    if not alpha:
        return x * kept / (1 - share)
    a = ((1 - share) * (1 + share * ALPHA**2)) ** -0.5
    return a * (x * kept + ALPHA * (1 - kept)) - a * share * ALPHA


def _tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(np.ascontiguousarray(values), dtype=torch.float32)
