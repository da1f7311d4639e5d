"""Mean-shift on the embeddings of an image: each pixel moves to the mean of the neighbours that resemble it.

    w_ij = exp(-‖e_j - z_i‖² / 2b²)      z_i <- Σ_j w_ij e_j / Σ_j w_ij      j in a k x k window around i, z_i = e_i at first

Comaniciu & Meer 2002, doi:10.1109/34.1000236, with sources that stand still, unrolled for a few iterations as in Deep Global
Clustering (arXiv:2512.24172). Neighbours beyond the border of the image, or without data, do not count.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class MeanShift(nn.Module):
    """Mean-shift with a learned bandwidth b = softplus(β).

    side : k, odd      iterations : of the shift      bandwidth : b at the start, in units of the embedding
    through : the gradient passes through all iterations; else only through the last one, with z_i before it held fixed
              (as published)
    """

    def __init__(self, side: int = 5, iterations: int = 5, bandwidth: float = 1.0, through: bool = False) -> None:
        super().__init__()
        self.side, self.iterations, self.through = side, iterations, through
        self.raw = nn.Parameter(torch.tensor(math.log(math.expm1(bandwidth))))

    @property
    def bandwidth(self) -> Tensor:
        """b, a scalar."""
        return functional.softplus(self.raw)

    def forward(self, embedding: Tensor, good: Tensor | None = None) -> Tensor:
        """As `mean_shift`."""
        return mean_shift(embedding, self.bandwidth, self.side, self.iterations, self.through, good)


def mean_shift(
    embedding: Tensor,
    bandwidth: Tensor | float,
    side: int = 5,
    iterations: int = 5,
    through: bool = False,
    good: Tensor | None = None,
) -> Tensor:
    """Shifted embeddings (n, d, h, w), not normalised; a pixel without a good neighbour in its window keeps its own.

    embedding : (n, d, h, w)      good : (n, h, w) bool, pixels that count as neighbours; None: all
    Tends to the mean of the window for a large bandwidth, to the identity for a small one.
    Memory: k² numbers per pixel and iteration that carries a gradient; never k² d.
    """
    here = (torch.ones_like(embedding[:, 0]) if good is None else good.to(embedding.dtype))[:, None]
    blocked = (1 - _padded(here, side)[:, 0]) * (torch.finfo(embedding.dtype).min / 4)  # finite, for the gradient
    sources, precision = _padded(embedding, side), bandwidth**-2
    z = embedding
    for i in range(iterations):
        with torch.set_grad_enabled(torch.is_grad_enabled() and (through or i == iterations - 1)):
            z = _shifted(sources, z if through else z.detach(), precision, blocked, side)
    return z if good is None else torch.where(functional.max_pool2d(here, side, 1, side // 2) > 0, z, embedding)


def _shifted(sources: Tensor, z: Tensor, precision: Tensor | float, blocked: Tensor, side: int) -> Tensor:
    """One iteration. As ‖z_i‖² is the same for all neighbours, w_ij ∝ exp((e_j · z_i - ‖e_j‖² / 2) / b²)."""
    height, width = z.shape[2:]
    half = blocked - sources.square().sum(1) / 2 * precision
    logits = torch.stack(
        [
            half[:, y : y + height, x : x + width]
            + precision * (sources[:, :, y : y + height, x : x + width] * z).sum(1)
            for y in range(side)
            for x in range(side)
        ]
    )
    weights = logits.softmax(0)
    total = torch.zeros_like(z)
    for i, weight in enumerate(weights):
        y, x = divmod(i, side)
        total = total + weight[:, None] * sources[:, :, y : y + height, x : x + width]
    return total


def _padded(maps: Tensor, side: int) -> Tensor:
    return functional.pad(maps, [side // 2] * 4)
