"""How the autoencoder of deep spectral clustering is trained from its linear start.

torch is imported inside, so that a saved model predicts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.linear.silhouettes import distances
from spaxel.methods.dsc.criterion import Judge
from spaxel.methods.dsc.numpy_net import encode
from spaxel.methods.dsc.settings import COUNTED, Settings
from spaxel.methods.dsc.start import Linear, Views, reconstruction, small_dtype, views

HELD_OUT = 0.15  # share of the sample that is never trained on
REFRESHED = 4096  # spectra whose latents move the centroids between epochs
WARM = 2  # epochs in which the encoder stands still, until the decoder knows the start
CLIP = 5.0  # of the norm of the gradient
Fresh = Callable[[int], np.ndarray]  # epoch -> spectra of another sample


class Net(NamedTuple):
    """What a training gives: arrays of encoder and decoder in the state kept, centroids (k, d), and a dict per epoch."""

    encoder: Arrays
    decoder: Arrays
    centroids: np.ndarray
    history: list[dict[str, float]]


def train_net(
    spectra: np.ndarray,
    start: Linear,
    centroids: np.ndarray,
    settings: Settings,
    judge: Judge,
    fresh: Fresh | None,
) -> Net:
    """Train from the start, with a part of the spectra held out."""
    import torch

    from spaxel.training.loop import train

    order = np.random.default_rng([settings.seed, 34]).permutation(len(spectra))
    n_held = max(1, int(HELD_OUT * len(order)))
    held = views(spectra[np.sort(order[:n_held])], start.scaling, settings, -1)
    data = views(spectra[np.sort(order[n_held:])], start.scaling, settings, 0)
    objective = _objective(start, data, centroids, settings)
    small = torch.from_numpy(data.inputs[0][:REFRESHED])
    objective.prepare(small)
    given = torch.from_numpy(held.inputs[0]), torch.from_numpy(held.targets[0].astype(small_dtype(held.targets[0])))

    def batches(epoch: int) -> Iterator[tuple[Any, Any]]:
        now = views(fresh(epoch), start.scaling, settings, epoch) if fresh and epoch else data
        objective.refresh(small.to(objective.centroids.device))
        inputs, targets = (part[epoch % len(now.inputs)] for part in now)
        order = np.random.default_rng([settings.seed, 33, epoch]).permutation(len(inputs))
        for part in np.array_split(order, max(1, round(len(order) / settings.batch))):
            yield torch.from_numpy(inputs[part]), torch.from_numpy(targets[part].astype(small_dtype(targets)))

    def score() -> tuple[float, dict[str, float]]:
        rest = objective.reconstruct(*(part.to(objective.centroids.device) for part in given))
        weights = judge.measured(_numpy(objective.net.encoder))
        criterion = judge(weights, _settled(encode(small.numpy(), weights, settings.net), centroids))
        return -criterion, {"held_out": rest, "criterion": criterion}

    stop = partial(_stalled, patience=settings.patience)
    done = train(objective, batches, _plan(settings), score=score, stop=stop)
    history = [line | {"kept": float(line["epoch"] == done.best)} for line in done.history]
    centroids = objective.centroids.detach().numpy().copy()
    return Net(_numpy(objective.net.encoder), _numpy(objective.net.decoder), centroids, history)


def _stalled(history: list[dict[str, float]], patience: int) -> bool:
    """Whether the reconstruction of what is held out has not become better for so many epochs."""
    values = [line["held_out"] for line in history[WARM:]]
    return len(values) > patience and min(values[-patience:]) >= min(values[:-patience])


def _plan(settings: Settings) -> Any:
    from spaxel.training.plan import Plan

    return Plan(
        settings.epochs, rate={"": settings.rate, "net.encoder.axes": settings.rate / 10}, seed=settings.seed, clip=CLIP,
        device=settings.device, precision=settings.precision, about=dict(settings.about),
        checkpoint=Path(settings.checkpoint) if settings.checkpoint else None,
        keep="last" if settings.keep == "trained" else "best",
    )  # fmt: skip


def _objective(start: Linear, data: Views, centroids: np.ndarray, settings: Settings) -> Any:
    import torch

    from spaxel.methods.dsc.net.autoencoder import Autoencoder, Shape, Start
    from spaxel.methods.dsc.net.likelihood import Likelihood
    from spaxel.methods.dsc.net.losses import ramp
    from spaxel.methods.dsc.net.objective import DeepClustering, Terms

    first = reconstruction(start, data, centroids, settings)
    shape = Shape(settings.net, settings.width, settings.depth, settings.dropout, start.share)
    weights = start.weights(neighbours=settings.context > 0)
    linear = Start(start.axes, start.offset, start.spread, first.base, first.slope, weights.get("metric"))
    net = Autoencoder(linear, shape, settings.seed)
    beta, gamma = (
        ramp(0.0, last, WARM, WARM + epochs)
        for last, epochs in ((settings.beta, settings.beta_ramp), (settings.gamma, settings.gamma_ramp))
    )
    terms = Terms(settings.objective, settings.clustering, beta, gamma, settings.form, WARM, first.informed)
    noise = None
    if settings.denoise and settings.likelihood not in COUNTED and start.noise[0] > 0:
        noise = torch.tensor(start.axes.T * start.noise[:, None], dtype=torch.float32)
    likelihood = Likelihood(settings.likelihood, first.total, first.variance)
    return DeepClustering(net, likelihood, terms, torch.tensor(centroids, dtype=torch.float32), noise)


def _settled(z: np.ndarray, centers: np.ndarray, steps: int = 20) -> np.ndarray:
    """Lloyd's steps from these centres; one that loses all its spectra stays."""
    for _ in range(steps):
        member = np.eye(len(centers))[distances(z, centers).argmin(1)]
        size = member.sum(0)[:, None]
        centers = np.where(size > 0, (member.T @ z) / np.maximum(size, 1), centers)
    return centers


def _numpy(module: Any) -> Arrays:
    return {name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()}
