"""Losses on a latent space: clustering terms with a gradient, regularisers, schedules, and how they are summed.

z : (n, d) latents      labels : (n,) int, never differentiated      centroids : (k, d)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

TINY = 1e-8
FLOOR = 0.05  # of the variance of all latents at the start: what `dcn` divides by at least


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances (n, m) of rows, with a finite gradient also between equal rows."""
    squared = (a * a).sum(1)[:, None] - 2 * a @ b.T + (b * b).sum(1)
    return (squared.clamp_min(0) + TINY).sqrt()


def silhouette(z: Tensor, labels: Tensor) -> Tensor:
    """(1 - S) / 2, S the mean silhouette of these labels: a scalar in 0 … 1.

    s_i = (b_i - a_i) / max(a_i, b_i), a the mean distance to one's own group without oneself, b the least mean distance to
    another group; 0 for one that is alone (Rousseeuw 1987). O(n²): for a batch. Fails, as 1/2, with less than two groups.
    """
    names, labels = torch.unique(labels, return_inverse=True)
    if len(names) < 2:
        return z.sum() * 0 + 0.5
    member = torch.nn.functional.one_hot(labels).to(z.dtype)  # (n, k)
    size = member.sum(0)
    total = distances(z, z) @ member
    own = member.bool()
    a = total[own] / (size[labels] - 1).clamp_min(1)
    b = (total / size).masked_fill(own, torch.inf).min(1).values
    s = torch.where(size[labels] > 1, (b - a) / torch.maximum(a, b).clamp_min(TINY), torch.zeros_like(a))
    return (1 - s.mean()) / 2


def simplified_silhouette(z: Tensor, centroids: Tensor) -> Tensor:
    """(1 - S) / 2 with distances to centroids: a to the nearest, b to the second. O(n k). 1/2 with a single centroid."""
    if len(centroids) < 2:
        return z.sum() * 0 + 0.5
    a, b = distances(z, centroids).topk(2, dim=1, largest=False).values.T
    return (1 - ((b - a) / b.clamp_min(TINY)).mean()) / 2


def soft_assignment(z: Tensor, centroids: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """q_ij ∝ 1 / (1 + ‖z_i - c_j‖² / scale): Student's t with one degree of freedom, (n, k), rows of sum 1."""
    q = 1 / (1 + distances(z, centroids) ** 2 / scale)
    return q / q.sum(1, keepdim=True)


def target_distribution(q: Tensor) -> Tensor:
    """p_ij ∝ q_ij² / Σ_i q_ij: sharper than q, and fair to small clusters. No gradient."""
    p = q.detach() ** 2 / q.detach().sum(0).clamp_min(TINY)
    return p / p.sum(1, keepdim=True)


def dec(z: Tensor, centroids: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """KL(p ‖ q) of the target distribution, mean over samples. Xie et al. 2016, arXiv:1511.06335; with a decoder: IDEC."""
    q = soft_assignment(z, centroids, scale)
    p = target_distribution(q)
    return (p * (p.clamp_min(TINY).log() - q.clamp_min(TINY).log())).sum(1).mean()


def dcn(z: Tensor, centroids: Tensor, start: Tensor | float = 1.0) -> Tensor:
    """Σ‖z_i - c(i)‖² / max(Σ‖z_i - z̄‖², floor): the share of the variance that lies within clusters.

    start : variance per sample of the latents at the start. Yang et al. 2017, arXiv:1610.04794, divided by the variance so
    that shrinking everything gains nothing; the floor keeps it finite after a collapse.
    """
    within = distances(z, centroids).min(1).values.square().mean()
    variance = (z - z.mean(0)).square().sum(1).mean()
    return within / torch.clamp_min(variance, FLOOR * float(start))


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, σ²) ‖ N(0, 1)), summed over dimensions, mean over samples."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()


def mmd(a: Tensor, b: Tensor) -> Tensor:
    """Unbiased squared maximum mean discrepancy of two samples (n, d), (m, d): 0 in the mean if they are alike.

    k(x, y) = Σ_s C s / (C s + ‖x - y‖²), C = 2 d, s in 0.1 … 10: no single bandwidth decides. Gretton et al. 2012; the kernel
    of Tolstikhin et al. 2018, arXiv:1711.01558.
    """
    n, m, d = len(a), len(b), a.shape[1]

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        squared = distances(x, y) ** 2
        return reduce(torch.add, [2 * d * s / (2 * d * s + squared) for s in (0.1, 0.3, 1.0, 3.0, 10.0)])

    aa, bb = kernel(a, a), kernel(b, b)
    inside = (aa.sum() - aa.diagonal().sum()) / max(n * (n - 1), 1) + (bb.sum() - bb.diagonal().sum()) / max(
        m * (m - 1), 1
    )
    return inside - 2 * kernel(a, b).mean()


def mixture_log_density(z: Tensor, log_weight: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log(π_c N(z | μ_c, σ_c²)) of every component of a diagonal Gaussian mixture: (n, k)."""
    scaled = (z[:, None] - mean) ** 2 / log_variance.exp()
    return log_weight.log_softmax(0) - 0.5 * (scaled + log_variance + math.log(2 * math.pi)).sum(2)


def vade(mean: Tensor, log_variance: Tensor, z: Tensor, prior: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """KL(q(z, c | x) ‖ p(z, c)) for a Gaussian mixture prior, q(c | x) = p(c | z): sum over dimensions, mean over samples.

    prior : log weights (k,), means (k, d), log variances (k, d). Jiang et al. 2017, arXiv:1611.05148, equation 9.
    """
    log_weight, mu, log_var = prior
    log_joint = mixture_log_density(z, *prior)
    gamma = log_joint.softmax(1)
    spread = (log_variance.exp()[:, None] + (mean[:, None] - mu) ** 2) / log_var.exp() + log_var  # (n, k, d)
    cross = 0.5 * (gamma * spread.sum(2)).sum(1) - 0.5 * (1 + log_variance).sum(1)
    choice = (gamma * (gamma.clamp_min(TINY).log() - log_weight.log_softmax(0))).sum(1)
    return (cross + choice).mean()


def ramp(first: float, last: float, begin: int = 0, end: int = 0) -> Callable[[int], float]:
    """A schedule: `first` before epoch `begin`, linear to `last` at `end`, `last` after. ramp(v, v) is constant."""

    def at(epoch: int) -> float:
        share = 1.0 if epoch >= end else max(0.0, (epoch - begin) / max(end - begin, 1))
        return first + (last - first) * share

    return at


def combine(base: Tensor, clustering: Tensor, gamma: float, form: str = "sum") -> Tensor:
    """The total. sum : base + γ clustering      product : base (1 + γ clustering) / (1 + γ)."""
    if form == "sum":
        return base + gamma * clustering
    return base * (1 + gamma * clustering) / (1 + gamma)
