"""Soft labels by optimal transport: every pixel gives its whole mass, clusters take about what they are known to take."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS = 5
FAR = -80.0  # logarithm of what a pixel gives to a column at least


def relaxed_targets(
    scores: Tensor, others: Tensor, wanted: Tensor, softness: float, strictness: float, steps: int = STEPS
) -> Tensor:
    """Targets (n, k) with rows that sum to 1 and column masses pulled towards `wanted`.

    scores, others : (n, k) and (m, k) scores of pixels, and of past pixels that only take part in the masses
    wanted : (k,) masses with sum 1      softness : ε of the entropy
    strictness : λ / ε of the penalty λ KL(mass ‖ wanted): 0 is a plain softmax, large is equal to `wanted`
    T = softmax(scores / ε + v), v ← λ/(λ + ε) log(wanted / mass of softmax without v)       Chizat et al. 2018 (unbalanced
    Sinkhorn). Each row is exponentiated once, less its largest score, and then only multiplied: that costs a quarter of
    logarithms. What is smaller than exp(FAR) counts as that, which also spares numbers so small that processors are slow.
    """
    energy = torch.cat([scores, others]) / softness
    near = (energy - energy.amax(dim=1, keepdim=True)).clamp_min(FAR).exp()
    across = near.T.contiguous()
    shift = torch.zeros_like(wanted)
    power = strictness / (strictness + 1)
    for _ in range(steps):
        mass = across @ (near @ shift.exp()).reciprocal() / len(near)
        shift = power * (wanted.log() - mass.log())
    return torch.softmax(scores / softness + shift, dim=1)


def floored(mass: Tensor, floor: float) -> Tensor:
    """Half of the observed masses (k,) and half of equal ones, none below `floor` / k, sum 1."""
    mixed = (0.5 / len(mass) + 0.5 * mass).clamp_min(floor / len(mass))
    return mixed / mixed.sum()
