"""A net that puts pixels of one material together and those of different ones apart, from worlds whose truth is known.

    L = - mean over pixels i of  mean over j of the same material of  ln ( exp(z_i·z_j / T) / Σ_(k≠i) exp(z_i·z_k / T) )

within each world: Khosla et al. 2020, arXiv:2004.11362. Worlds, not materials, are what is learned from: a material is told
from those that lie beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from spaxel.methods.learned.encoder import Encoder
from spaxel.methods.learned.light import directions, unlike
from spaxel.methods.learned.sights import Counts, Light
from spaxel.training.loop import train
from spaxel.training.plan import Loss, Plan, Step

WIDTH, PLACE = 256, 16  # units of each hidden layer, and of the place
TEMPERATURE = 0.1
RATE = 2e-3
TOGETHER, PIXELS = 4, 192  # worlds of a step, and pixels of each
STEPS = 250  # of an epoch
HELD = 0.1  # share of the worlds by which the best epoch is chosen
DIRECTIONS, UNUSUAL = 64, 0.99  # of what was simulated, and the quantile that is its limit
LEAST = 0.02  # limit: some worlds may lie at nothing


class Given(NamedTuple):
    """What is learned from, see spaxel.methods.learned.worlds.Worlds. widths : (bin,) of light; None of counts."""

    own: np.ndarray
    around: np.ndarray
    labels: np.ndarray
    covered: np.ndarray
    means: np.ndarray
    of: np.ndarray
    widths: np.ndarray | None = None

    def sight(self, world: int) -> Counts | Light:
        """How the pixels of a world are seen."""
        return Counts() if self.widths is None else Light(self.widths, self.covered[world], 1.0)


class Contrast(nn.Module):
    """The net and its loss. seen : how many numbers of a pixel"""

    def __init__(self, seen: int, generator: torch.Generator) -> None:
        super().__init__()
        sizes = ((seen, WIDTH), (WIDTH, WIDTH), (WIDTH, PLACE))
        self.first, self.second, self.last = (_layer(*size, generator) for size in sizes)

    def forward(self, batch: tuple[Tensor, Tensor], step: Step | None = None) -> Loss:
        """Of worlds: seen (world, pixel, seen), labels (world, pixel)."""
        seen, labels = batch
        place = self.last(torch.relu(self.second(torch.relu(self.first(seen)))))
        place = nn.functional.normalize(place, dim=-1)
        itself = torch.eye(place.shape[1], dtype=torch.bool, device=place.device)
        alike = (place @ place.transpose(1, 2) / TEMPERATURE).masked_fill(itself, -1e9)
        chance = alike - torch.logsumexp(alike, -1, keepdim=True)
        same = (labels[:, :, None] == labels[:, None, :]) & ~itself
        known = same.any(-1)
        total = -((chance * same).sum(-1) / same.sum(-1).clamp(min=1))[known].mean()
        return Loss(total, {"contrast": total.detach()})

    def encoder(self, mean: np.ndarray, basis: np.ndarray, limit: np.ndarray) -> Encoder:
        """The net in NumPy, with what was simulated."""
        (a, b), (c, d), (e, f) = (_plain(layer) for layer in (self.first, self.second, self.last))
        return Encoder(a, b, c, d, e, f, mean, basis, limit)


def _layer(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer, bound = nn.Linear(inputs, outputs), inputs**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.zero_()
    return layer


def _plain(layer: nn.Linear) -> tuple[np.ndarray, np.ndarray]:
    """Weights (in, out) and what is added."""
    return layer.weight.detach().cpu().double().numpy().T, layer.bias.detach().cpu().double().numpy()


def learn_encoder(
    given: Given, epochs: int, *, seed: int, device: str = "cpu", checkpoint: Path | None = None, about: dict[str, Any]
) -> tuple[Encoder, list[dict[str, float]]]:
    """Train a net, and say what was simulated. Returns the encoder of the best epoch, and the history.

    about : what the training depends on, for the checkpoint
    """
    held = max(1, round(HELD * len(given.own)))
    learned, kept = slice(0, len(given.own) - held), slice(len(given.own) - held, None)
    generator = torch.Generator().manual_seed(seed)
    judged = _batch(given, range(len(given.own))[kept], lambda n: np.arange(min(n, 2 * PIXELS)))
    net = Contrast(judged[0].shape[2], generator)

    def score() -> float:
        place = next(net.parameters()).device
        with torch.no_grad():
            return float(net(tuple(part.to(place) for part in judged)).total)

    plan = Plan(epochs, rate=RATE, seed=seed, device=device, decay=True, checkpoint=checkpoint, about=about)
    trained = train(net, _batches(given, range(len(given.own))[learned], seed), plan, score=score)
    return net.encoder(*_simulated(given, len(given.own) - held)), trained.history


def _simulated(given: Given, learned: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and basis of what was simulated for the worlds that are learned from, and how far the others lie off at most."""
    known, other = given.means[given.of < learned], given.means[given.of >= learned]
    if given.widths is not None:
        mean, basis = directions(known, Light(given.widths, np.ones(len(given.widths), bool), 1.0))
        sights = {i: Light(given.widths, given.covered[i], 1.0) for i in range(learned, len(given.own))}
        left = np.array([unlike(given.own[i].astype(np.float64), sight, basis) for i, sight in sights.items()])
    else:
        mean = known.mean(0)
        _, _, axes = np.linalg.svd(known - mean, full_matrices=False)
        basis, rest = axes[:DIRECTIONS], other - mean
        left = np.linalg.norm(rest - (rest @ basis.T) @ basis, axis=1)
    return mean, basis, np.array([max(LEAST, float(np.quantile(left, UNUSUAL)))])


def _batches(given: Given, worlds: range, seed: int) -> Callable[[int], Iterator[tuple[Tensor, Tensor]]]:
    def of(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng([seed, epoch, 32])
        for _ in range(STEPS):
            drawn = rng.choice(np.asarray(worlds), min(TOGETHER, len(worlds)), replace=False)
            yield _batch(given, drawn, lambda n: rng.permutation(n)[:PIXELS])

    return of


def _batch(given: Given, worlds: Any, pixels: Callable[[int], np.ndarray]) -> tuple[Tensor, Tensor]:
    seen, labels = [], []
    for world in worlds:
        some = pixels(given.own.shape[1])
        own, around = (part[world, some].astype(np.float32) for part in (given.own, given.around))
        seen.append(given.sight(world).seen(own, around))
        labels.append(given.labels[world, some])
    return torch.tensor(np.stack(seen), dtype=torch.float32), torch.tensor(np.stack(labels))
