"""Phase one of Deep Global Clustering: from noisy windows alone the encoder learns what a pixel looks like without noise.

    L = | |s⁺| z(s⁺) - s⁻ |² / q,     s⁺ = s + α e,   s⁻ = s - e / α,   e ~ N(0, 1)

s are noise-whitened scores, so the noise in s⁺ and in s⁻ is independent, and the best z is the mean of what may lie under the
noise, given the pixel and its surroundings (Pang et al. 2021, Recorrupted-to-Recorrupted). It averages inside matter of one
kind and not across a border, as far as the network can see. There is nothing to collapse: a constant costs more.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spaxel.methods.dgc.net.encoder import PatchEncoder
from spaxel.methods.dgc.net.variation import Strength, plain, varied
from spaxel.training.plan import Loss, Step

ALPHA = 0.5


class Denoising(nn.Module):
    """forward(batch, step): batch is first, second (B, 3 q, h, w), i, j, good_first, good_second as spaxel.cube.patches.batched
    makes it of projected patches."""

    haze: Tensor

    def __init__(self, encoder: PatchEncoder, haze: Tensor, strength: Strength) -> None:
        super().__init__()
        self.encoder, self.strength = encoder, strength
        self.register_buffer("haze", haze)

    def forward(self, batch: tuple[Tensor, ...], step: Step) -> Loss:
        """The loss of window one of each pair."""
        windows, good = batch[0], batch[4]
        scores = varied(windows, self.haze, self.strength, step.generator)
        loss = self._excess(scores, good, step.generator)
        return Loss(loss, {"denoising": loss})

    @torch.no_grad()
    def held_out(self, batch: tuple[Tensor, ...]) -> float:
        """The same on windows as measured, with one fixed draw of the noise."""
        generator = torch.Generator(batch[0].device).manual_seed(1)
        return float(self._excess(plain(torch.cat(batch[:2])), torch.cat(batch[4:6]), generator))

    def _excess(self, scores: Tensor, good: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(scores.shape, generator=generator, device=scores.device)
        seen, other = scores + ALPHA * noise, scores - noise / ALPHA
        z = self.encoder(seen, good) * seen.norm(dim=1)[..., None]
        squares = (z - other.permute(0, 2, 3, 1)).square().mean(-1)
        if not good.any():  # windows in a part of the image without data
            return squares.sum() * 0
        return squares[good].mean() - (1 + ALPHA**-2)
