"""A pool of candidate spectra, and for each sample the gates that say which of them it holds.

Interface, for whoever trains a pool (warm in training.py, cold in cold.py):

    pool  = warm_pool(spectra, seed=0, spare=8)  or  random_pool(n, channels, seed=0)
    codes = pool(x, sigma, temperature, generator)      # training: Concrete gates; generator None: hard gates, no chance
    s     = pool.spectra(temperature, generator)        # (M, channel), norm 1; generator None: exact zeros if sparse
    y     = (codes.amounts * codes.gate) @ s            # the gate enters once, B x M x channel is never made
    usage = codes.chance.sum(1)                         # expected number of open gates, differentiable

x (B, channel) in any unit, sigma (B, 1) its noise in the same unit. Objective: objective.py; loop: spaxel.training.loop.
After Chang & Chen, arXiv:2507.23600 and 2510.20364 (sparse), with one logit per gate instead of two energies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

EDGE = 3.5  # standard deviations of an amount from which its gate opens, in a warm start
SHARP = 2.0  # logits per standard deviation, in a warm start
CLOSED = 20.0  # standard deviations that open a gate of a spare row


class Codes(NamedTuple):
    """What a pool says of samples: all (B, M).

    amounts : >= 0, before the gate      gate : 0 or 1, in training with a gradient (straight-through) or soft
    chance  : that the gate opens, σ(logit)
    """

    amounts: Tensor
    gate: Tensor
    chance: Tensor


def logistic(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard logistic noise of the shape of `like`: ln(v / (1 - v)), v uniform."""
    v = torch.rand(like.shape, generator=generator, device=like.device, dtype=like.dtype)
    v = v.clamp(1e-6, 1 - 1e-6)
    return v.log() - (-v).log1p()


def concrete(logit: Tensor, temperature: float, generator: torch.Generator | None, *, straight: bool = True) -> Tensor:
    """A binary gate: p = σ((logit + Logistic(0, 1)) / temperature); without a generator [logit > 0], and no chance.

    straight : the value is [p > ½], the gradient that of p (straight-through); else the value is p
    The binary Concrete of Maddison et al. 2017, arXiv:1611.00712: what Gumbel-softmax of two energies amounts to.
    """
    if generator is None:
        return (logit > 0).to(logit.dtype)
    soft = torch.sigmoid((logit + logistic(logit, generator)) / temperature)
    return soft + ((soft > 0.5).to(soft.dtype) - soft).detach() if straight else soft


def temperature(epoch: int, epochs: int, first: float = 1.0, last: float = 0.3) -> float:
    """Falls from first to last as a geometric series over the first half of the epochs, then stays."""
    share = min(1.0, 2 * epoch / max(epochs, 1))
    return first * (last / first) ** share


class Form(NamedTuple):
    """What a pool is like besides its numbers; see GatedPool.

    known : number of the first rows that stay as they are      smoothing : a function (M, channel) -> (M, channel)
    width : of a residual net of the amounts, 0 = none      sharp : logits per standard deviation
    """

    signed: bool = False
    sparse: bool = False
    known: int = 0
    smoothing: Callable[[Tensor], Tensor] | None = None
    width: int = 0
    straight: bool = True
    sharp: float = SHARP


PLAIN = Form()


class GatedPool(nn.Module):
    """M candidate spectra of norm 1, amounts c(x) >= 0, and gates z(x), all learned.

    spectra : s_k = v_k m_k / |v_k m_k|, v non-negative as |.| unless signed; m_k a mask, all ones unless sparse
    amounts : c(x) = |A x|, plus a residual net of x / |x| times |x| where width > 0
    gate    : logit_k = sharp_k (g_k·x / (σ |g_k|) - edge_k): how many standard deviations an amount stands above its edge
    form    : known rows come first and stay as they are; smoothing acts on every use of the spectra, before their norm;
              straight: hard gates in training with soft gradients
    """

    def __init__(self, spectra: Tensor, amounts: Tensor, gates: Tensor, edges: Tensor, form: Form = PLAIN) -> None:
        super().__init__()
        self.raw = nn.Parameter(spectra.clone())
        self.amount_head = nn.Parameter(amounts.clone())
        self.gate_head = nn.Parameter(gates.clone())
        self.edge = nn.Parameter(edges.clone())
        self.log_sharp = nn.Parameter(torch.full_like(edges, float(np.log(form.sharp))))
        self.mask_logit = nn.Parameter(torch.full_like(spectra, 2.0)) if form.sparse else None
        self.signed, self.known, self.smoothing, self.straight = form.signed, form.known, form.smoothing, form.straight
        self.residual = _residual_net(spectra.shape[1], form.width, len(spectra)) if form.width else None

    def spectra(self, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """The candidates, (M, channel), norm 1; without a generator the mask is hard and its zeros exact."""
        raw = torch.cat([self.raw[: self.known].detach(), self.raw[self.known :]]) if self.known else self.raw
        v = raw if self.signed else raw.abs()
        if self.smoothing is not None:
            v = self.smoothing(v)
            v = torch.cat([raw[: self.known], v[self.known :]]) if self.known else v
        if self.mask_logit is not None:
            mask = concrete(self.mask_logit, temperature, generator, straight=self.straight)
            v = v * torch.cat([torch.ones_like(mask[: self.known]), mask[self.known :]])
        return functional.normalize(v, dim=1, eps=1e-12)

    def forward(
        self, x: Tensor, sigma: Tensor, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Codes:
        """Amounts and gates of samples. x : (B, channel)   sigma : (B, 1)   generator None: evaluation, no chance."""
        amounts = x @ self.amount_head.T
        if self.residual is not None:
            length = x.norm(dim=1, keepdim=True).clamp_min(1e-30)
            amounts = amounts + length * self.residual(x / length)
        deviation = (x @ functional.normalize(self.gate_head, dim=1).T) / sigma
        logit = self.log_sharp.exp() * (deviation - self.edge)
        return Codes(
            amounts.abs(), concrete(logit, temperature, generator, straight=self.straight), torch.sigmoid(logit)
        )

    def usage_of_channels(self) -> Tensor:
        """Expected number of coordinates that are open, over all rows: a scalar, 0 unless sparse."""
        if self.mask_logit is None:
            return self.raw.new_zeros(())
        return torch.sigmoid(self.mask_logit[self.known :]).sum()


def ambiguity(spectra: Tensor, weights: Tensor) -> Tensor:
    """How alike the candidates in use are: Σ w_k w_l exp(cos_kl - 1) / Σ w_k w_l over k ≠ l, in 0 … 1.

    spectra : (M, channel) of norm 1      weights : (M,) >= 0, how much each is used
    The paper's rbf kernel: of unit vectors, |s - t|² / 2 = 1 - cos, so the Gram matrix is all that is needed.
    """
    pairs = weights[:, None] * weights[None, :]
    pairs = pairs - torch.diag(pairs.diagonal())
    return (pairs * torch.exp(spectra @ spectra.T - 1)).sum() / pairs.sum().clamp_min(1e-12)


def warm_pool(spectra: np.ndarray, form: Form = PLAIN, *, seed: int = 0, spare: int = 8) -> GatedPool:
    """A pool that starts from a solution: its spectra, and spare rows whose gates are closed.

    spectra : (k, channel), norm 1      spare : random rows that training may open      form : of the pool
    Amounts start as least squares, pinv(S)ᵀ x; a gate opens where its amount is 3.5 standard deviations above 0.
    """
    k, channels = spectra.shape
    rng = np.random.default_rng([seed, 21])
    extra = rng.normal(size=(spare, channels))
    extra = extra if form.signed else np.abs(extra)
    extra /= np.linalg.norm(extra, axis=1, keepdims=True)
    inverse = np.linalg.pinv(spectra)
    unseen = extra - (extra @ inverse) @ spectra  # answers to what the solution leaves unexplained, and to nothing else
    heads = np.vstack([inverse.T, unseen])
    edges = np.concatenate([np.full(k, EDGE), np.full(spare, CLOSED)])
    pool, head, edge = (torch.tensor(a, dtype=torch.float32) for a in (np.vstack([spectra, extra]), heads, edges))
    return GatedPool(pool, head, head, edge, form)


def random_pool(n: int, channels: int, form: Form = PLAIN, *, seed: int = 0) -> GatedPool:
    """The paper's cold start: |normal| spectra, heads along them, so that each gate asks for its own spectrum."""
    rng = np.random.default_rng([seed, 22])
    raw = rng.normal(size=(n, channels))
    raw = raw if form.signed else np.abs(raw)
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)
    pool = torch.tensor(raw, dtype=torch.float32)
    return GatedPool(pool, pool / n, pool - pool.mean(0), torch.zeros(n), form)


def _residual_net(channels: int, width: int, n: int) -> nn.Module:
    first, last = nn.Linear(channels, width), nn.Linear(width, n)
    rng = np.random.default_rng([channels, width, n])
    with torch.no_grad():
        first.weight.copy_(torch.tensor(rng.normal(size=(width, channels)) / np.sqrt(channels)))
        first.bias.zero_()
        last.weight.zero_()
        last.bias.zero_()
    return nn.Sequential(first, nn.ReLU(), last)
