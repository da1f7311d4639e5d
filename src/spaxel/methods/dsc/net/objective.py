"""The objective of deep spectral clustering: reconstruction, a prior, and a clustering term with a gradient.

    L = (nll + β KL) / I + β' MMD  (+ γ clustering, or × (1 + γ clustering) / (1 + γ))

nll is the mean negative log likelihood, I the likelihood per spectrum that the clusters of the start explain: so β and γ mean
the same on every cube. The clustering term sees the mean of a latent, never a sample of it; its centroids are part of the
state, are moved by Lloyd's steps between epochs (`dec`, `vade`: by the gradient), and so keep their meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spaxel.methods.dsc.net import losses
from spaxel.methods.dsc.net.autoencoder import Autoencoder, Code, sampled
from spaxel.methods.dsc.net.likelihood import Likelihood
from spaxel.training.plan import Loss, Step

OBJECTIVES = ("autoencoder", "vae", "beta-vae", "infovae", "vade")
CLUSTERING = ("silhouette", "simplified", "dec", "dcn", "none")
PRIOR_SAMPLES = 256
NARROWEST = -8.0  # log variance of a component of the mixture prior


class Terms(NamedTuple):
    """What is weighed: objective, clustering (see above), schedules of β and γ over epochs, form (sum or product).

    warm : epochs in which the encoder stands still, until the decoder knows the start     informed : I
    """

    objective: str
    clustering: str
    beta: Callable[[int], float]
    gamma: Callable[[int], float]
    form: str
    warm: int
    informed: float


class DeepClustering(nn.Module):
    """The loss of an autoencoder with persistent centroids; forward(batch, step) as the loop wants it.

    batch : features (B, feature or 2 feature), target (B, channel)
    noise : (q, feature) directions and size of the noise in the features, or None. With it the encoder sees x + e and the
            decoder is asked for x - e: as the noise of the two is independent, copying noise gains nothing
            (Pang et al. 2021, Recorrupted-to-Recorrupted). Counts are thinned instead, by who makes the batches.
    """

    variance: Tensor
    noise: Tensor | None

    def __init__(
        self, net: Autoencoder, likelihood: Likelihood, terms: Terms, centroids: Tensor, noise: Tensor | None = None
    ) -> None:
        super().__init__()
        self.net, self.likelihood, self.terms = net, likelihood, terms
        self.learned = terms.clustering == "dec" or terms.objective == "vade"
        self.centroids = nn.Parameter(centroids.clone(), requires_grad=self.learned)
        self.register_buffer("variance", torch.ones(()))  # of the latents at the start, per sample
        self.register_buffer("noise", noise)
        if terms.objective == "vade":
            self.log_weight = nn.Parameter(torch.zeros(len(centroids)))
            self.log_spread = nn.Parameter(torch.full_like(centroids, -2.0))

    def forward(self, batch: tuple[Tensor, Tensor], step: Step) -> Loss:
        """The loss of a batch."""
        features, target = batch[0], batch[1].to(batch[0].dtype)
        shift = None
        if self.noise is not None:
            drawn = torch.randn(
                (len(features), len(self.noise)), generator=step.generator, device=features.device, dtype=features.dtype
            )
            target = target - drawn @ self.noise
            shift = drawn @ (self.noise @ self.net.encoder.axes.detach())
        code = self.net.encoder(features, step.generator, shift)
        deep = self.terms.objective != "autoencoder"
        z = sampled(code, step.generator) if deep else code.mean
        if step.epoch < self.terms.warm:
            z = z.detach()
        base = self.likelihood.loss(self.net.decoder(z, step.generator), target).mean() / self.terms.informed
        parts = {"reconstruction": base}
        beta = self.terms.beta(step.epoch)
        if deep and beta and step.epoch >= self.terms.warm:
            parts["prior"] = beta * self._prior(code, z, step.generator)
            base = base + parts["prior"]
        gamma = self.terms.gamma(step.epoch) if step.epoch >= self.terms.warm else 0.0
        if not gamma or self.terms.clustering == "none":
            return Loss(base, parts)
        clustering = self._clustering(code.mean)
        parts["clustering"] = clustering
        return Loss(losses.combine(base, clustering, gamma, self.terms.form), parts)

    def _prior(self, code: Code, z: Tensor, generator: torch.Generator) -> Tensor:
        if self.terms.objective == "infovae":
            wanted = torch.randn((PRIOR_SAMPLES, z.shape[1]), generator=generator, device=z.device, dtype=z.dtype)
            return losses.mmd(z, wanted)
        if self.terms.objective == "vade":
            return losses.vade(*code, z, self.mixture()) / self.terms.informed
        return losses.kl(*code) / self.terms.informed

    def mixture(self) -> tuple[Tensor, Tensor, Tensor]:
        """The mixture prior: log weights (k,), means (k, d), log variances (k, d)."""
        return self.log_weight, self.centroids, self.log_spread.clamp_min(NARROWEST)

    def _clustering(self, mean: Tensor) -> Tensor:
        name, centroids = self.terms.clustering, self.centroids
        if name == "dec":
            return losses.dec(mean, centroids, self.variance / len(centroids))
        fixed = centroids.detach()
        if name == "silhouette":
            return losses.silhouette(mean, losses.distances(mean, fixed).argmin(1).detach())
        return losses.dcn(mean, fixed, self.variance) if name == "dcn" else losses.simplified_silhouette(mean, fixed)

    @torch.no_grad()
    def reconstruct(self, features: Tensor, target: Tensor) -> float:
        """Mean negative log likelihood of spectra, in units of what the clusters of the start explain."""
        raw = self.net.decoder(self.net.encoder(features).mean)
        return float(self.likelihood.loss(raw, target.to(raw.dtype)).mean()) / self.terms.informed

    @torch.no_grad()
    def refresh(self, features: Tensor, steps: int = 5) -> None:
        """Move the centroids by Lloyd's steps on the latents of these features; one without spectra goes to the farthest."""
        if self.learned:
            return
        z = self.net.encoder(features).mean
        for _ in range(steps):
            far = losses.distances(z, self.centroids)
            nearest, label = far.min(1)
            member = nn.functional.one_hot(label, len(self.centroids)).to(z.dtype)
            size = member.sum(0)
            self.centroids.copy_((member.T @ z) / size.clamp_min(1)[:, None])
            for empty in torch.nonzero(size == 0).flatten():
                worst = nearest.argmax()
                self.centroids[empty], nearest[worst] = z[worst], 0.0

    @torch.no_grad()
    def prepare(self, features: Tensor) -> None:
        """Weights and variances of the mixture prior from the nearest centroids, and the variance of the start."""
        z = self.net.encoder(features).mean
        self.variance.fill_(float((z - z.mean(0)).square().sum(1).mean()) + losses.TINY)
        if self.terms.objective == "vade":
            label = losses.distances(z, self.centroids).argmin(1)
            for k in range(len(self.centroids)):
                own = z[label == k]
                self.log_weight[k] = float(torch.tensor((len(own) + 1.0) / (len(z) + len(self.centroids))).log())
                if len(own) > 2:
                    self.log_spread[k] = own.var(0).clamp_min(1e-4).log()
