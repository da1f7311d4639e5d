"""One cooling of a pool of candidates: spectra and heads are trained while the noise falls to the true one."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spaxel.pace import paced

RATES = (0.01, 0.02, 0.02)  # of Adam: spectra, amounts (times their first size), gates
STEEP = 2.0  # logits per standard deviation of a candidate's similarity with the samples, at the start
COOLING = 0.8  # share of the epochs over which the noise falls


class Heat(NamedTuple):
    """How a cooling begins, and its prices.

    open : share of gates      energy : of a squared logit      db : first signal over noise      price : of a candidate, times
    """

    open: float
    energy: float
    db: float
    price: float = 1.0


class Table(NamedTuple):
    """y (n, channel): samples over their noise, of norm about 1; h (n, channel + 1): what the heads see, y without its part
    along the mean (over its size), and that part; mean (channel,), norm 1; sigma: noise of y; size: of both parts of h;
    nonnegative: whether spectra are."""

    y: Tensor
    h: Tensor
    mean: Tensor
    sigma: float
    size: tuple[float, float]
    nonnegative: bool


class State(NamedTuple):
    """Spectra (k, channel), heads of amounts and gates (k, channel + 1), codes (n, k), and residual over the expected."""

    spectra: Tensor
    amounts: Tensor
    gates: Tensor
    codes: Tensor
    residual: float


def table_of(spectra: np.ndarray, *, nonnegative: bool) -> Table:
    """Samples (n, channel) over their noise, as they are worked on."""
    scale = 1 / np.sqrt((spectra**2).sum(1).mean())
    y = torch.tensor(spectra * scale, dtype=torch.float32)
    mean = functional.normalize(y.mean(0), dim=0)
    along = y @ mean
    off = y - along[:, None] * mean
    size = (
        float(off.square().sum(1).mean().sqrt().clamp_min(1e-6)),
        float(along.square().mean().sqrt().clamp_min(1e-6)),
    )
    return Table(y, torch.cat([off / size[0], along[:, None] / size[1]], 1), mean, float(scale), size, nonnegative)


def cool(table: Table, spectra: Tensor, heat: Heat, epochs: int) -> State:
    """Train the spectra and new heads while the noise falls; candidates that no sample opens are removed for good."""
    n, d = table.y.shape
    hot = max(math.sqrt(10 ** (-heat.db / 10) / d), table.sigma)
    parts = [p.clone().requires_grad_() for p in (spectra, *_heads(table, spectra, heat.open))]
    rates = (RATES[0], RATES[1] * float(parts[1].detach().max()), RATES[2])
    adam = torch.optim.Adam([{"params": [p], "lr": r} for p, r in zip(parts, rates, strict=True)], betas=(0.9, 0.99))
    for epoch in paced(range(epochs), "epochs"):
        share = min(1.0, epoch / max(COOLING * epochs, 1))
        loss, chance = _loss(table, parts, hot ** (1 - share) * table.sigma**share, heat)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if epoch % 20 == 19:
            most = chance.detach().max(0).values
            early = len(spectra) > n and epoch < 0.1 * epochs
            parts = _kept(adam, most > (0.05 if early else 0.5))
    return _state(table, [p.detach() for p in parts])


def _heads(table: Table, spectra: Tensor, open_: float) -> tuple[Tensor, Tensor]:
    """Each candidate asks for itself: its gate opens for the share of samples most like it; amounts share out the mean."""
    own = functional.normalize(spectra - (spectra @ table.mean)[:, None] * table.mean, dim=1)
    spread = (table.h[:, :-1] @ own.T).std().clamp_min(1e-6)
    bias = -STEEP * math.sqrt(2) * torch.erfinv(torch.tensor(1 - 2 * open_))
    gates = torch.cat([own / spread * STEEP, bias.expand(len(own), 1)], 1)
    amounts = torch.zeros_like(gates)
    amounts[:, -1] = table.size[1] / (0.8 * open_ * len(own))
    return amounts, gates


def _loss(table: Table, parts: list[Tensor], sigma: float, heat: Heat) -> tuple[Tensor, Tensor]:
    s, c, logit = shape(parts[0], nonnegative=table.nonnegative), (table.h @ parts[1].T).abs(), table.h @ parts[2].T
    p = torch.sigmoid(logit)
    missed = (table.y - (c * p) @ s).square().sum() + (p * (1 - p) * c.square()).sum()
    half = table.y.shape[1] / 2
    price = (math.log(len(s)) + 3) * p.sum() + heat.price * (half + 6 * math.sqrt(half)) * shared(p.sum(0))
    return missed / (2 * sigma**2) + price + heat.energy * logit.square().sum(), p


def shape(v: Tensor, *, nonnegative: bool) -> Tensor:
    """Spectra (M, channel) of norm 1 from free numbers."""
    return functional.normalize(v.abs() if nonnegative else v, dim=1, eps=1e-12)


def shared(usage: Tensor) -> Tensor:
    """Σ_k u_k / (u_k + ū), ū the mean of those in use: the number of candidates, softly; few used often cost least.

    usage : (M,), expected number of samples of each candidate
    """
    mean = (usage.sum() / (usage > 0.5).sum().clamp_min(1)).detach()
    return (usage / (usage + mean).clamp_min(1e-12)).sum()


def _kept(adam: torch.optim.Adam, keep: Tensor) -> list[Tensor]:
    """The parameters that Adam holds, rows of `keep` only (all, if that is none), with its memory of them."""
    groups = adam.param_groups
    if keep.all() or not keep.any():
        return [group["params"][0] for group in groups]
    for group in groups:
        old = group["params"][0]
        new = old.detach()[keep].clone().requires_grad_()
        memory = adam.state.pop(old)
        adam.state[new] = {name: value[keep] if value.dim() else value for name, value in memory.items()}
        group["params"] = [new]
    return [group["params"][0] for group in groups]


def _state(table: Table, parts: list[Tensor]) -> State:
    """With hard gates, without what is then unused."""
    s = shape(parts[0], nonnegative=table.nonnegative)
    codes = (table.h @ parts[1].T).abs() * (table.h @ parts[2].T > 0)
    used = (codes > 0).any(0)
    s, codes = s[used], codes[:, used]
    n, d = table.y.shape
    free = max(n * d - len(s) * d - int((codes > 0).sum()), 0.05 * n * d)
    residual = float((table.y - codes @ s).square().sum()) / table.sigma**2 / free
    return State(s, parts[1][used], parts[2][used], codes, residual)
