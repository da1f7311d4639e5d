"""Phase two of Deep Global Clustering: two windows on one scene must agree on the pixels that they share.

    L = - mean_i Σ_k t_ik log softmax_k(<z_i, c_k> / τ)     i: pixels of window one that window two shows as well

z unit latents, c_k unit centres; t from the teacher (an average of past students) on window two, under other light and
with noise that is independent of that of window one, by optimal transport with relaxed masses
(net.transport; past pixels of other cubes take part in the masses).

One loss; nothing is balanced against it. Guards: a hinge that is zero while the latents keep half of the spread they had
at the start, and micro-clusters that win next to nothing are moved to the pixels that fit worst. `agreement` is the monitor.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from spaxel.methods.dgc.net.denoising import ALPHA
from spaxel.methods.dgc.net.encoder import PatchEncoder
from spaxel.methods.dgc.net.transport import floored, relaxed_targets
from spaxel.methods.dgc.net.variation import Strength, plain, varied
from spaxel.training.plan import Loss, Step

QUEUE, PER_STEP = 6144, 1024  # past pixels that are kept, and of them from one step
RESEED_EVERY = 50  # steps


class Rule(NamedTuple):
    """temperature of the student and softness of the transport, in units of what pixels differ from their centre at the
    start (mean of 1 - cosine); strictness of the transport, memory of the teacher, floor of masses."""

    temperature: float = 1.0
    softness: float = 0.3
    strictness: float = 0.1
    memory: float = 0.99
    floor: float = 0.05


class GlobalClustering(nn.Module):
    """forward(batch, step), after_step(step) for the loop; batch as for Denoising. `teacher` and `held` are the result.

    centers : (k, q) unit centres at the start      mass : (k,) their shares of pixels
    apart : mean of 1 - cosine of a pixel and its centre      haze, strength : see variation
    """

    held: Tensor
    mass: Tensor
    haze: Tensor
    spread: Tensor
    queue: Tensor
    filled: Tensor

    def __init__(
        self, encoder: PatchEncoder, centers: Tensor, mass: Tensor, apart: float, haze: Tensor, strength: Strength,
        rule: Rule | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.encoder, self.centers = encoder, nn.Parameter(centers.clone())
        self.strength, self.rule, self.apart = strength, rule or Rule(), max(apart, 1e-6)
        self.teacher = copy.deepcopy(encoder).requires_grad_(False)
        q = centers.shape[1]
        for name, value in {
            "held": centers.clone(), "mass": mass.clone(), "haze": haze, "spread": torch.zeros(()),
            "queue": torch.zeros((QUEUE, q)), "filled": torch.zeros((), dtype=torch.long),
        }.items():  # fmt: skip
            self.register_buffer(name, value)

    def forward(self, batch: tuple[Tensor, ...], step: Step) -> Loss:
        """The loss of window one of each pair, and of window two where the step is odd."""
        first, second, i, j, good_first, good_second = batch
        if step.number % 2:
            first, second, i, j, good_first, good_second = second, first, j, i, good_second, good_first
        seen, other = self._views(first, second, step.generator)
        targets, known = self._targets(other, good_second, i, j, first.shape)
        z = functional.normalize(self.encoder(seen, good_first), dim=-1)
        scores = z.flatten(0, 2) @ functional.normalize(self.centers, dim=1).T
        each = -(targets * functional.log_softmax(scores / (self.rule.temperature * self.apart), dim=1)).sum(1)
        swapped = each[known].sum() / known.sum().clamp_min(1)
        hinge = self._hinge(z.flatten(0, 2)[known])
        return Loss(swapped + hinge, {"swapped": swapped, "hinge": hinge})

    def _views(self, first: Tensor, second: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Scores of both windows, each under its light and with its noise."""
        found = []
        for windows in (first, second):
            scores = varied(windows, self.haze, self.strength, generator)
            noise = torch.randn(scores.shape, generator=generator, device=scores.device)
            found.append(scores + ALPHA * noise)
        return found[0], found[1]

    @torch.no_grad()
    def _targets(self, other: Tensor, good: Tensor, i: Tensor, j: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
        """Targets (B h w, k) at the pixels of window one that are shared, and which these are."""
        n, pixels = shape[0], shape[2] * shape[3]
        z = functional.normalize(self.teacher(other, good), dim=-1).reshape(n * pixels, -1)
        base = torch.arange(n, device=i.device)[:, None] * pixels
        there = i >= 0
        to, come = (base + i)[there], (base + j)[there]
        scores = z[come] @ self.held.T
        past = self.queue[: int(self.filled)] @ self.held.T
        wanted = floored(self.mass, self.rule.floor)
        found = relaxed_targets(scores, past, wanted, self.rule.softness * self.apart, self.rule.strictness)
        self._remember(z[come], found)
        targets = torch.zeros((n * pixels, self.held.shape[0]), device=z.device, dtype=z.dtype)
        known = torch.zeros(n * pixels, dtype=torch.bool, device=z.device)
        targets[to], known[to] = found, True
        return targets, known

    def _remember(self, z: Tensor, targets: Tensor) -> None:
        """Embeddings of some pixels to the queue, and the masses they take."""
        if not len(z):
            return
        every = max(1, len(z) // PER_STEP)
        new = z[::every][:PER_STEP]
        self.queue.copy_(torch.cat([new, self.queue])[:QUEUE])
        self.filled.copy_((self.filled + len(new)).clamp_max(QUEUE))
        self.mass.mul_(0.98).add_(0.02 * targets.mean(0))

    def _hinge(self, z: Tensor) -> Tensor:
        """Zero while the latents keep half of the spread of the first step."""
        if len(z) < 2:
            return z.sum() * 0
        spread = (z - z.mean(0)).square().sum(1).mean().sqrt()
        if float(self.spread) == 0:
            self.spread.copy_(spread.detach())
        return functional.relu(0.5 * self.spread - spread)

    @torch.no_grad()
    def after_step(self, step: Step) -> None:
        """The teacher follows; micro-clusters that win nothing are moved."""
        memory = self.rule.memory
        for mean, value in zip(self.teacher.parameters(), self.encoder.parameters(), strict=True):
            mean.mul_(memory).add_(value, alpha=1 - memory)
        held = memory * self.held + (1 - memory) * functional.normalize(self.centers, dim=1)
        self.held.copy_(functional.normalize(held, dim=1))
        if step.number % RESEED_EVERY == RESEED_EVERY - 1 and int(self.filled) == QUEUE:
            self._reseed()

    def _reseed(self) -> None:
        """Centres with less than a quarter of the floor go to the past pixels that are farthest from all others."""
        dead = torch.nonzero(self.mass < self.rule.floor / 4 / len(self.mass)).flatten()
        for k in dead:
            worst = (self.queue @ self.held.T).amax(1).argmin()
            self.held[k] = self.queue[worst]
            self.centers.data[k] = self.queue[worst]
            self.mass[k] = self.rule.floor / len(self.mass)

    @torch.no_grad()
    def agreement(self, batches: list[tuple[Tensor, ...]]) -> dict[str, float]:
        """Of the teacher on pairs of windows held out, with independent noise: share of pixels with one label in both
        (agreement), mutual information of the two labels in nats, number of micro-clusters that win more than 0.1 %,
        largest cosine of two centres, effective rank of z."""
        device = self.held.device
        generator = torch.Generator(device).manual_seed(2)
        k = len(self.held)
        joint, gram = torch.zeros((k, k), dtype=torch.float64), torch.zeros((self.held.shape[1],) * 2)
        for batch in batches:
            first, second, i, j, good_first, good_second = (part.to(device) for part in batch)
            pair = []
            for windows, good in ((first, good_first), (second, good_second)):
                scores = plain(windows)
                noise = torch.randn(scores.shape, generator=generator, device=device)
                pair.append(functional.normalize(self.teacher(scores + ALPHA * noise, good), dim=-1).flatten(0, 2))
            base = torch.arange(len(i), device=device)[:, None] * (first.shape[2] * first.shape[3])
            one, two = pair[0][(base + i)[i >= 0]], pair[1][(base + j)[i >= 0]]
            labels = (one @ self.held.T).argmax(1) * k + (two @ self.held.T).argmax(1)
            joint += torch.bincount(labels, minlength=k * k).reshape(k, k).cpu()
            gram += (one.T @ one).cpu()
        return _said(joint, gram, self.held.cpu())


def _said(joint: Tensor, gram: Tensor, centers: Tensor) -> dict[str, float]:
    table = (joint + joint.T) / (2 * joint.sum()).clamp_min(1)
    mass = table.sum(0)
    expected = (mass[:, None] * mass[None]).clamp_min(1e-300)
    information = float((table * (table.clamp_min(1e-300) / expected).log()).sum())
    cosines = centers @ centers.T - 2 * torch.eye(len(centers))
    values = torch.linalg.eigvalsh(gram.double()).clamp_min(0)
    shares = (values / values.sum().clamp_min(1e-300)).clamp_min(1e-300)
    rank = float(torch.exp(-(shares * shares.log()).sum()))
    return {
        "agreement": float(table.trace()), "information": information, "active": float((mass > 1e-3).sum()),
        "largest_cosine": float(cosines.max()), "effective_rank": rank,
    }  # fmt: skip
