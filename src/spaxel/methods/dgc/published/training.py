"""The published training of Deep Global Clustering on the windows of the stable one: no denoising, no k-means, random centres.

The objective is that of arXiv:2512.24172, as published or with its signs and pairing put right (published.objective). The
encoder is ours (dgc.net.encoder, as many dimensions as scores) or the published one (published.encoder, 32 dimensions). What
differs from the paper: the input is noise-whitened scores; windows, rate and epochs are those that the method is given
(published: K = 4, rate 1e-4, batches of 4, 10 epochs); shifts along the channels are done to first order; labels leave the
mean-shift out, which is a weighted mean of 5 x 5 pixels. The last state is kept, as published: nothing is chosen on tiles
held out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spaxel.methods.centers.groups import Groups
from spaxel.methods.dgc.axes import Axes
from spaxel.methods.dgc.micro_clusters import Looked
from spaxel.methods.dgc.published.numpy_encoder import WIDTH
from spaxel.methods.dgc.settings import Settings

PAIRS = 4  # of windows per step, as published
SIGNS = {"paper": "published", "paper-corrected": "corrected"}
NAMES = {"paper": "The objective as published", "paper-corrected": "The published objective with its signs put right"}
LEAST = 1e-3  # share of the pixels from which a cluster counts as active


class Published(NamedTuple):
    """encoder : a PatchEncoder or a WindowEncoder      centers : (k, d) unit      history : a line per epoch, with the monitor.

    start : the monitor before the first step: what random centres alone tell apart
    """

    encoder: Any
    centers: np.ndarray
    history: list[dict[str, float]]
    start: dict[str, float]


def train_published(batches: Callable[[int], Any], held: list, axes: Axes, settings: Settings) -> Published:
    """Train from random centres.

    batches : epoch -> batches of windows      held : batches of one pair to look at, not to choose by

    Same seed, same bits, also through a checkpoint. Raises SpaxelError if the loss is not finite. Fails by collapse: then fewer
    centres win pixels than there are, down to one; that is what the objective asks for and is left as it is.
    """
    from spaxel.training.loop import train
    from spaxel.training.plan import Plan

    objective = _objective(axes, settings)
    start = _monitor(objective, held, axes)
    plan = Plan(
        settings.epochs, rate=settings.rate, seed=settings.seed, device=settings.device, precision=settings.precision,
        checkpoint=Path(settings.checkpoint) if settings.checkpoint else None, about=dict(settings.about),
        keep="last",
    )  # fmt: skip
    done = train(
        objective, batches, plan, score=lambda: (0.0, _monitor(objective, held, axes)), after_step=objective.after_step,
    )  # fmt: skip
    centers = objective.centres.detach().cpu().numpy().astype(np.float64)
    centers /= np.maximum(np.linalg.norm(centers, axis=1, keepdims=True), 1e-12)
    lines = [{name: value for name, value in line.items() if name != "score"} for line in done.history]
    return Published(objective.encoder.encoder, centers, lines, start)


def _objective(axes: Axes, settings: Settings) -> Any:
    from spaxel.methods.dgc.net.encoder import PatchEncoder
    from spaxel.methods.dgc.published.objective import PublishedClustering
    from spaxel.methods.dgc.published.scores import OnScores, WindowEncoder, as_corrected, as_published

    q, signs = axes.project.shape[1], SIGNS[settings.objective]
    if settings.encoder == "paper":
        encoder: Any = WindowEncoder(q, WIDTH, settings.seed)
        width = WIDTH
    else:
        encoder, width = PatchEncoder(q, settings.sizes, settings.width, axes.level, settings.seed), q
    vary = as_published if signs == "published" else as_corrected
    return PublishedClustering(OnScores(encoder), settings.n_micro, signs, width=width, seed=settings.seed, vary=vary)


def _monitor(objective: Any, held: list, axes: Axes) -> dict[str, float]:
    """What the stable objective is watched by, for this encoder and these centres: active, information, agreement and so on."""
    import torch

    from spaxel.methods.dgc.net.agreement import GlobalClustering
    from spaxel.methods.dgc.net.variation import Strength

    centres = torch.nn.functional.normalize(objective.centres.detach(), dim=1)
    haze = torch.tensor(axes.haze, dtype=centres.dtype)
    mass = torch.full((len(centres),), 1 / len(centres))
    watched = GlobalClustering(objective.encoder.encoder, centres, mass, 1.0, haze, Strength())
    return watched.to(centres.device).agreement(held)


def report_of(found: Published, groups: Groups, sample: Looked, settings: Settings) -> dict[str, Any]:
    """What happened, as plain values with a sentence. groups : of the sample"""
    active = int((np.bincount(groups.micro) > LEAST * len(sample.z)).sum())
    report: dict[str, Any] = {"objective": settings.objective, "centers": len(found.centers), "active": active}
    report |= {name: [line[name] for line in found.history] for name in ("agreement", "information")}
    report |= {"alive": len(groups.centers), "start": found.start}
    return report | {"sentence": _sentence(report)}


def _sentence(report: dict[str, Any]) -> str:
    start = f"{NAMES[report['objective']]} was trained from {report['centers']} random centres"
    if report["alive"] == 1:
        return f"{start}; the clusters collapsed into one. Try objective='stable'."
    few = f"{report['active']} of {report['centers']} hold more than 0.1 % of the pixels"
    return f"{start}; {few}."


def told(groups: Groups) -> Groups:
    """The groups; where one is left, its evidence says that clusters collapsed, and not that spectra are too alike."""
    if len(groups.centers) > 1:
        return groups
    return groups._replace(
        evidence=groups.evidence._replace(sentence="One component: the clusters collapsed into one.")
    )
