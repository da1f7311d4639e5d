"""The objective of Deep Global Clustering (arXiv:2512.24172) as published, and with its signs and its pairing put right.

    L = comp + 0.001 orth + 2 bal + 2 unif + 1 cons     e embedding, z mean-shifted, c_k centres, p = softmax(<z, c_k> / 0.05)

    comp  Σ_k p_ik max(0, 1 - <e_i, c_k>), mean over pixels, both windows        orth  ‖C Cᵀ - I‖²
    bal   published: H(p̄), which is least where one cluster takes all            corrected: log K - H(p̄)
    unif  published: cross-entropy with random balanced labels                   corrected: none
    cons  ½ (KL(p ‖ q) + KL(q ‖ p)) of pixels at the same place in the arrays    corrected: of the same pixels of the scene

As published, 2 bal + 2 unif is, up to a constant, the mutual information of pixels and clusters, and it is minimised: the ideal
partition costs most, and training collapses. It is kept to be measured. Corrected, it needs an encoder that gives a pixel the
same embedding in both windows: with the published one, cons still ends in one embedding for all. Centres are moved twice, by
the gradient and by an average; the published weight decay (1e-6 per step) is left out. For one process: several would not
share the average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spaxel.errors import ParameterError
from spaxel.methods.dgc.published.augmentation import brightened, rolled, shifted, warped
from spaxel.methods.dgc.published.mean_shift import MeanShift
from spaxel.training.plan import Loss, Step

SIGNS = ("published", "corrected")
LEAST = 1e-6  # probability that the published cross-entropy sees at least
BARRED = -1e4  # logit of a pruned cluster


class Terms(NamedTuple):
    """Weights of the losses, temperature of p, memory of the average of centres, and size of the kick at the start.

    dead : mass below which a centre is kicked instead of averaged; published: summed over all pixels of a step (so it never
           happens), corrected: as a share of 1 / K
    """

    comp: float = 1.0
    orth: float = 1e-3
    bal: float = 2.0
    unif: float = 2.0
    cons: float = 1.0
    temperature: float = 0.05
    memory: float = 0.99
    kick: float = 0.05
    dead: float = 1e-3


class Seen(NamedTuple):
    """What the network says of the pixels of a window, with data or not: rows are pixels of all windows, in raster order.

    e, z : (n, d) embedding and shifted embedding      log_p : (n, k)      good : (n,) bool
    """

    e: Tensor
    z: Tensor
    log_p: Tensor
    good: Tensor


class PublishedClustering(nn.Module):
    """Encoder, mean-shift and a dictionary of K unit centres; forward(batch, step) and after_step(step) for the loop.

    batch : first, second (B, channel, h, w) float, turned windows; i, j (B, m) int64, flat indices of the same pixels in both,
            -1 fills up; and, where some pixels have no data, good_first, good_second (B, h, w) bool
    dark  : (channel,) of the windows, as in `brightened`
    vary  : (windows, generator) -> windows as the encoder sees them; None: as published or corrected, for windows of spectra
    """

    alive: Tensor
    dark: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        n_clusters: int,
        signs: str = "published",
        terms: Terms | None = None,
        shift: MeanShift | None = None,
        width: int = 32,
        dark: Tensor | float = 0.0,
        seed: int = 0,
        vary: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    ) -> None:
        super().__init__()
        if signs not in SIGNS:
            raise ParameterError(f"signs is {signs!r}, expected one of {', '.join(SIGNS)}.")
        self.encoder, self.shift = encoder, shift or MeanShift()
        self.signs, self.terms, self.vary = signs, terms or Terms(), vary
        start = np.random.default_rng([seed, 53]).normal(size=(n_clusters, width))
        self.centres = nn.Parameter(functional.normalize(torch.tensor(start, dtype=torch.float32), dim=1))
        self.register_buffer("alive", torch.ones(n_clusters, dtype=torch.bool))
        self.register_buffer("dark", torch.as_tensor(dark, dtype=torch.float32))
        self._last: list[tuple[Tensor, Tensor]] = []  # windows of the step, as varied, and their good pixels

    def forward(self, batch: Sequence[Tensor], step: Step) -> Loss:
        """The loss of a batch of pairs of windows."""
        windows = [self._varied(window, step.generator) for window in batch[:2]]
        good = batch[4:6] or [torch.ones_like(window[:, 0], dtype=torch.bool) for window in windows]
        self._last = list(zip(windows, good, strict=True))
        first, second = (self.look(*pair) for pair in self._last)
        i, j = paired(first.good, second.good, batch[2:4] if self.signs == "corrected" else None)
        parts = {
            "comp": self.terms.comp * (self._comp(first) + self._comp(second)),
            "orth": self.terms.orth * orthogonality(self.centres[self.alive]),
            "bal": self.terms.bal * imbalance(self._mean(first, second), self.signs, int(self.alive.sum())),
            "cons": self.terms.cons * disagreement(first.log_p[i], second.log_p[j]),
        }
        if self.signs == "published":
            log_p = torch.cat([seen.log_p[seen.good] for seen in (first, second)])[:, self.alive]
            parts["unif"] = self.terms.unif * uniformity(log_p, step.generator)
        return Loss(reduce(torch.add, parts.values()), parts)

    def look(self, windows: Tensor, good: Tensor | None = None) -> Seen:
        """What the network says of windows (n, channel, h, w) as they are."""
        e = self.encoder(windows)
        z = self.shift(e, good)
        e, z = (v.permute(0, 2, 3, 1).flatten(0, 2) for v in (e, z))
        logits = functional.normalize(z, dim=1) @ self.centres.T / self.terms.temperature
        log_p = logits.masked_fill(~self.alive, BARRED).log_softmax(1)
        here = torch.ones(len(e), dtype=torch.bool, device=e.device) if good is None else good.flatten()
        return Seen(e, z, log_p, here)

    @torch.no_grad()
    def after_step(self, step: Step) -> None:
        """Average the centres with the pixels of this step, seen anew, or kick those that no pixel is near."""
        seen = [self.look(*pair) for pair in self._last]
        p = torch.cat([part.log_p[part.good] for part in seen]).exp()
        z = torch.cat([part.z[part.good] for part in seen])
        mass = p.sum(0)
        mean = (p.T @ z) / (mass + LEAST)[:, None]
        least = self.terms.dead * (1 if self.signs == "published" else len(p) / float(self.alive.sum()))
        averaged = self.terms.memory * self.centres + (1 - self.terms.memory) * mean
        size = self.terms.kick * (1 - step.epoch / max(step.epochs, 1))
        kick = torch.randn(self.centres.shape, generator=step.generator, device=p.device, dtype=p.dtype)
        moved = torch.where((mass > least)[:, None], averaged, self.centres + size * kick)
        self.centres.copy_(functional.normalize(torch.where(self.alive[:, None], moved, self.centres), dim=1))

    @torch.no_grad()
    def prune(self, shares: Tensor, least: float) -> int:
        """Bar clusters with a share (k,) below `least`, never the largest; returns how many are left. Nothing is resized."""
        largest = functional.one_hot(shares.masked_fill(~self.alive, -1).argmax(), len(shares)).bool()
        self.alive &= (shares >= least) | largest
        return int(self.alive.sum())

    def _varied(self, windows: Tensor, generator: torch.Generator) -> Tensor:
        if self.vary is not None:
            return self.vary(windows, generator)
        if self.signs == "published":
            return rolled(warped(windows, generator), generator)
        return brightened(shifted(windows, generator), generator, dark=self.dark)

    def _comp(self, seen: Seen) -> Tensor:
        distance = (1 - seen.e @ self.centres.T).clamp_min(0)
        return _average((seen.log_p.exp() * distance).sum(1)[seen.good])

    def _mean(self, first: Seen, second: Seen) -> Tensor:
        one, two = (_average(seen.log_p[seen.good].exp()) for seen in (first, second))
        return (one + two)[self.alive] / 2


def orthogonality(centres: Tensor) -> Tensor:
    """‖C Cᵀ - I‖², centres (k, d) with rows of norm 1."""
    return (centres @ centres.T - torch.eye(len(centres), device=centres.device)).square().sum()


def imbalance(mean: Tensor, signs: str, k: int) -> Tensor:
    """published: H(p̄), 0 where one cluster takes all; corrected: log k - H(p̄), 0 where all take the same. mean : (k,)."""
    entropy = -torch.special.xlogy(mean, mean).sum()
    return entropy if signs == "published" else math.log(k) - entropy


def uniformity(log_p: Tensor, generator: torch.Generator) -> Tensor:
    """Cross-entropy of log p (n, k) with labels that are equally many and dealt at random: least at p = 1 / k everywhere."""
    labels = torch.randperm(len(log_p), generator=generator, device=log_p.device) % log_p.shape[1]
    return -_average(log_p.gather(1, labels[:, None])[:, 0].clamp_min(math.log(LEAST)))


def disagreement(log_p: Tensor, log_q: Tensor) -> Tensor:
    """½ (KL(p ‖ q) + KL(q ‖ p)) of rows (n, k), their mean; 0 where there are none."""
    return _average(((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(1) / 2)


def paired(first: Tensor, second: Tensor, maps: Sequence[Tensor] | None) -> tuple[Tensor, Tensor]:
    """Rows of both windows that are compared, both good. first, second : (B h w,) bool

    maps : i, j (B, m) flat indices within each pair of windows, -1 for none; None: those at the same place, as published
    """
    if maps is None:
        i = j = torch.arange(len(first), device=first.device)
    else:
        given = maps[0] >= 0
        begin = torch.arange(len(given), device=first.device)[:, None] * (len(first) // len(given))
        i, j = ((index + begin)[given] for index in maps)
    both = first[i] & second[j]
    return i[both], j[both]


def _average(values: Tensor) -> Tensor:
    """The mean over rows, 0 where there are none: a batch may hold no pixel with data, or none in common."""
    return values.sum(0) / max(len(values), 1)
