"""The objective of a gated pool: what is left unexplained in units of the noise, and a price for each open gate.

    L = Σ_c (x_c - f(c·z, S, θ)_c)² / (2 σ²) + (ln k + 3) Σ_k P(z_k = 1)        mean over the samples
        + (ln channel + 3) / n · Σ P(m_kc = 1)                                    where spectra are sparse
        + w · Σ_(k≠l) u_k u_l exp(cos_kl - 1) / Σ u_k u_l                         ambiguity, u the usage

The prices are those of the solver (spaxel.linear.sparse.factorise), so the weight between fit and usage is the estimated noise
and nothing is set by hand: the paper's switch at nMSE 0.005 over-counts at 20 dB and under-counts at 30 dB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from spaxel.methods.ebgmcr.laws import Aggregate
from spaxel.methods.ebgmcr.net.pool import Codes, GatedPool, ambiguity, temperature
from spaxel.training.plan import Loss, Step

Batch = tuple[Tensor, Tensor]  # spectra (B, channel), noise (B, 1)
VIEWS = 2  # times that the law is undone before the heads look
PLATEAU = 1e-3  # of the score, below which a gain is none


class Energy(nn.Module):
    """The loss of a pool and of the parameters θ of a plug-in; forward(batch, step) as the loop wants it.

    k : number of components expected, for the price      n : samples in all      alike : weight of the ambiguity
    """

    def __init__(self, pool: GatedPool, aggregate: Aggregate, *, k: int, n: int, alike: float = 0.1) -> None:
        super().__init__()
        self.pool, self.aggregate = pool, aggregate
        self.theta = nn.Parameter(torch.tensor(aggregate.start or (0.0,), dtype=torch.float32))
        self.per_gate = float(np.log(max(k, 1)) + 3)
        self.per_channel = float(np.log(pool.raw.shape[1]) + 3) / max(n, 1)
        self.alike = alike

    def forward(self, batch: Batch, step: Step | None = None) -> Loss:
        """The loss of a batch; without a step gates are hard and nothing is drawn."""
        x, sigma = batch
        tau = temperature(step.epoch, step.epochs) if step else 1.0
        generator = step.generator if step else None
        spectra = self.pool.spectra(tau, generator)
        codes = self.codes(x, sigma, spectra, tau, generator)
        rest = (x - self.aggregate.mix(codes.amounts * codes.gate, spectra, self.theta)) / sigma
        chance = codes.chance if step else codes.gate
        parts = {"fit": (rest**2).sum(1).mean() / 2, "usage": self.per_gate * chance.sum(1).mean()}
        parts["channels"] = self.per_channel * self.pool.usage_of_channels()
        parts["alike"] = self.alike * ambiguity(spectra, chance.mean(0))
        return Loss(sum(parts.values()), {name: value.detach() for name, value in parts.items()})

    def codes(
        self, x: Tensor, sigma: Tensor, spectra: Tensor, tau: float = 1.0, generator: torch.Generator | None = None
    ) -> Codes:
        """Amounts and gates of samples. Under a law that is not linear the heads see what the law leaves when it is undone
        around hard codes: x' = c S + x - f(c, S, θ), twice."""
        view = x
        if not self.aggregate.linear:
            with torch.no_grad():
                if self.aggregate.inverse is not None:
                    undone = self.aggregate.inverse(x.cpu().numpy(), self.theta.cpu().numpy())
                    view = torch.as_tensor(undone, dtype=x.dtype, device=x.device)
                for _ in range(VIEWS):
                    hard = self.pool(view, sigma)
                    c = hard.amounts * hard.gate
                    view = c @ spectra + x - self.aggregate.mix(c, spectra, self.theta)
        return self.pool(view, sigma, tau, generator)


def shuffled_batches(x: np.ndarray, sigma: np.ndarray, size: int, seed: int = 0) -> Callable[[int], Iterator[Batch]]:
    """A factory of batches: epoch -> pieces of a permutation that depends on (seed, epoch) alone.

    x : (n, channel)      sigma : (n,)      size : samples per batch
    """
    spectra = torch.tensor(x, dtype=torch.float32)
    noise = torch.tensor(sigma, dtype=torch.float32)[:, None]

    def batches(epoch: int) -> Iterator[Batch]:
        order = torch.from_numpy(np.random.default_rng([seed, 23, epoch]).permutation(len(spectra)))
        for part in order.split(size):
            yield spectra[part], noise[part]

    return batches


def plateau(patience: int, key: str = "score") -> Callable[[list[dict[str, float]]], bool]:
    """A `stop` for the loop: no gain of a thousandth of `key` for so many epochs."""

    def stop(history: list[dict[str, float]]) -> bool:
        if len(history) <= patience:
            return False
        values = [line[key] for line in history]
        before, now = min(values[:-patience]), min(values[-patience:])
        return not now < before - PLATEAU * abs(before)

    return stop
