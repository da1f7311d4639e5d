"""What a decoder's numbers mean: expected counts (multinomial, Poisson) or expected features (Gaussian).

raw : (n, channel) what the decoder gives      x : (n, channel) the data
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

LIKELIHOODS = ("multinomial", "poisson", "gaussian")


class Likelihood(NamedTuple):
    """name : one of LIKELIHOODS     total : photons of a mean spectrum (poisson)     variance : of the noise (gaussian)."""

    name: str
    total: float = 1.0
    variance: float = 1.0

    def loss(self, raw: Tensor, x: Tensor) -> Tensor:
        """Negative log likelihood per sample, (n,), without the terms that do not depend on raw.

        multinomial : -Σ x log softmax(raw)      poisson : Σ λ - x log λ, λ = total exp(raw)
        gaussian    : Σ (x - raw)² / 2 variance
        """
        if self.name == "multinomial":
            return -(x * raw.log_softmax(1)).sum(1)
        if self.name == "poisson":
            return (self.total * raw.exp() - x * raw).sum(1)
        return (x - raw).square().sum(1) / (2 * self.variance)

    def expected(self, raw: Tensor, total: Tensor) -> Tensor:
        """Expected data: counts for the first two (total : (n, 1) photons of each), features for the third."""
        if self.name == "multinomial":
            return total * raw.softmax(1)
        return self.total * raw.exp() if self.name == "poisson" else raw


def thinned(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Each photon to one of two halves by chance: independent Poisson counts of half the mean. x : (n, channel) whole."""
    half = torch.binomial(x, torch.full_like(x, 0.5), generator=generator)
    return half, x - half
