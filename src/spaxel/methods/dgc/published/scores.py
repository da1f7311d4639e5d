"""What lets the published objective of Deep Global Clustering run on scores: an encoder of its shape, and its variation.

The published variation moves a window by up to two channels. Scores have no such order, so the move is done to first order with
the block that holds scores of the derivative (spaxel.methods.dgc.net.variation): s(x moved by b) = s(x) - b s(x').
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from spaxel.methods.dgc.net.encoder import SHORTEST, PatchEncoder
from spaxel.methods.dgc.net.variation import BLOCKS
from spaxel.methods.dgc.published.augmentation import brightened, warped
from spaxel.methods.dgc.published.encoder import PublishedEncoder

MOST = 2  # channels


class WindowEncoder(PublishedEncoder):
    """The published encoder as a PatchEncoder is called: scores (B, q, h, w), good (B, h, w) -> unit vectors (B, h, w, 32)."""

    def forward(self, scores: Tensor, good: Tensor | None = None) -> Tensor:
        """Embedding of every pixel; those without data are taken as zero."""
        scores = scores if good is None else scores * good[:, None]
        return super().forward(scores).permute(0, 2, 3, 1)


class OnScores(nn.Module):
    """A PatchEncoder or a WindowEncoder as PublishedClustering wants it: scores (B, q, h, w) -> unit vectors (B, d, h, w).

    A pixel whose scores are all zero holds no data. Fails to be of norm 1 where the embedding is shorter than 1e-3.
    """

    def __init__(self, encoder: PatchEncoder | WindowEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, scores: Tensor) -> Tensor:
        """Embeddings of windows."""
        z = self.encoder(scores, (scores != 0).any(1))
        return functional.normalize(z, dim=-1, eps=SHORTEST).permute(0, 3, 1, 2)


def as_published(windows: Tensor, generator: torch.Generator) -> Tensor:
    """Warped, and moved by a whole number of channels: (B, 3 q, h, w) -> scores (B, q, h, w). Pixels leave their places."""
    by = torch.randint(-MOST, MOST + 1, (len(windows),), generator=generator, device=windows.device)
    return moved(warped(windows, generator), by)


def as_corrected(windows: Tensor, generator: torch.Generator) -> Tensor:
    """Moved by any part of two channels, and lit by 1 ± 0.1: (B, 3 q, h, w) -> scores (B, q, h, w). Pixels stay in place."""
    by = MOST * (2 * torch.rand(len(windows), generator=generator, device=windows.device) - 1)
    return brightened(moved(windows, by), generator)


def moved(windows: Tensor, by: Tensor) -> Tensor:
    """Scores (B, q, h, w) of the spectra moved along the channels, to first order. by : (B,) channels"""
    own, _, slope = windows.chunk(BLOCKS, dim=1)
    return own - by[:, None, None, None] * slope
