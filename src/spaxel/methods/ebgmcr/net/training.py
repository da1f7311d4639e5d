"""From a solution to a trained pool and back, as plain arrays: what a method needs to know of torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from spaxel.methods.ebgmcr.codes import Heads
from spaxel.methods.ebgmcr.laws import Aggregate
from spaxel.methods.ebgmcr.net.objective import Energy, plateau, shuffled_batches
from spaxel.methods.ebgmcr.net.pool import Form, GatedPool, warm_pool
from spaxel.training.loop import train
from spaxel.training.plan import Plan

BATCH = 64
PATIENCE = 40  # epochs without a gain, after which training ends
RATES = {
    "": 1e-3,
    "pool.raw": 1e-3,
    "pool.amount_head": 3e-3,
    "pool.gate_head": 3e-3,
    "pool.edge": 1e-2,
    "pool.mask": 2e-2,
    "theta": 1e-3,
}
STRAIGHT = ("pool.raw", "pool.amount_head", "pool.gate_head", "theta")  # whose rates follow the noise over the signal


class Refined(NamedTuple):
    """spectra : (k, channel) of norm 1, the rows in use      theta : (p,)      best : epoch that was kept, 0 the start"""

    spectra: np.ndarray
    theta: np.ndarray
    heads: Heads
    history: list[dict[str, float]]
    best: int


class Training(NamedTuple):
    """What is asked of a training, beside the data. kernel : (channel, channel), smooths spectra that it multiplies, or None"""

    epochs: int = 500
    seed: int = 0
    device: str = "cpu"
    signed: bool = False
    sparse: bool = False
    known: int = 0
    spare: int = 8
    kernel: np.ndarray | None = None


def refine(
    X: np.ndarray,
    sigma: np.ndarray,
    held: tuple[np.ndarray, np.ndarray] | None,
    spectra: np.ndarray,
    aggregate: Aggregate,
    training: Training,
) -> Refined:
    """Train a pool that starts from spectra (k, channel), and θ from the start of the law; the best epoch is kept.

    X : (n, channel)      sigma : (n,)      held : the same two of samples that are not trained on, by whose loss the best
    epoch is chosen; None: the last one is kept
    """
    form = Form(training.signed, training.sparse, training.known, _smoother(training.kernel))
    pool = warm_pool(spectra, form, seed=training.seed, spare=training.spare)
    energy = Energy(pool, aggregate, k=len(spectra), n=len(X))
    if training.sparse:
        _warm_mask(energy, X, sigma)
    ratio = float(np.median(sigma * np.sqrt(X.shape[1]) / np.maximum(np.linalg.norm(X, axis=1), 1e-300)))
    rate = {name: value * (min(ratio, 1.0) if name in STRAIGHT else 1.0) for name, value in RATES.items()}
    plan = Plan(training.epochs, rate=rate, seed=training.seed, device=training.device)
    batches = shuffled_batches(X, sigma, BATCH, training.seed)
    score, stop = (_score(energy, *held), plateau(PATIENCE)) if held else (None, None)
    trained = train(energy, batches, plan, score=score, stop=stop)
    return _plain(energy, X, sigma, len(spectra), trained.history, trained.best)


def _score(energy: Energy, X: np.ndarray, sigma: np.ndarray) -> Callable[[], float]:
    x, noise = _tensors(X, sigma)

    def score() -> float:
        device = energy.theta.device
        return float(energy((x.to(device), noise.to(device))).total)

    return score


def _warm_mask(energy: Energy, X: np.ndarray, sigma: np.ndarray) -> None:
    """Masks from the evidence for each channel of each row: t² / 2 - (ln channel + 3), t² = s² Σ_i c_i² / σ_i²."""
    x, noise = _tensors(X, sigma)
    with torch.no_grad():
        s = energy.pool.spectra()
        codes = energy.codes(x, noise, s)
        weight = ((codes.amounts * codes.gate / noise) ** 2).sum(0)
        evidence = s**2 * weight[:, None] / 2 - energy.per_channel * len(X)
        if energy.pool.mask_logit is not None:
            energy.pool.mask_logit.copy_(evidence.clamp(-3, 3))


def _plain(energy: Energy, X: np.ndarray, sigma: np.ndarray, k: int, history: list, best: int) -> Refined:
    pool: GatedPool = energy.pool
    with torch.no_grad():
        s = pool.spectra()
        used = energy.codes(*_tensors(X, sigma), s).gate.any(0)
        used[:k] |= s[:k].any(1)
        parts = [s, pool.amount_head, pool.gate_head, pool.edge]
        spectra, *heads = [part[used].double().numpy() for part in parts]
    spectra = spectra / np.maximum(np.linalg.norm(spectra, axis=1, keepdims=True), 1e-300)
    theta = energy.theta.detach().double().numpy() if not energy.aggregate.linear else np.zeros(0)
    return Refined(spectra, theta, Heads(*heads), history, best)


def _tensors(X: np.ndarray, sigma: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(X, dtype=torch.float32), torch.tensor(sigma, dtype=torch.float32)[:, None]


def _smoother(kernel: np.ndarray | None) -> Callable[[torch.Tensor], torch.Tensor] | None:
    if kernel is None:
        return None
    matrix = torch.tensor(kernel, dtype=torch.float32)
    return lambda v: v @ matrix.to(v.device)
