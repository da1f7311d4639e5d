"""The training of Deep Global Clustering: denoise, cluster finely, let two views agree, keep the best state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.mapping import Arrays
from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.groups import Groups, Rules, changed_share, groups_of
from spaxel.methods.centers.linkage import Parts
from spaxel.methods.dgc.axes import Axes
from spaxel.methods.dgc.borders import linkage_of
from spaxel.methods.dgc.encoder import Model
from spaxel.methods.dgc.micro_clusters import Looked, contacts, look, many_clusters
from spaxel.methods.dgc.published.training import PAIRS, report_of, told, train_published
from spaxel.methods.dgc.settings import Settings
from spaxel.methods.dgc.windows import TileScores, judged, windows

DENOISING, AGREEING = 2, 2  # pairs of windows per step


class Learned(NamedTuple):
    """weights : of the encoder      sample : with final embeddings      report : plain values for run.json."""

    weights: Arrays
    groups: Groups
    sample: Looked
    history: list[dict[str, float]]
    report: dict[str, Any]


class Scene(NamedTuple):
    """What every phase looks at: cubes on one axis as seen on these axes, windows held out, and tiles to train on."""

    cubes: Sequence[xr.Dataset]
    axes: Axes
    settings: Settings
    held: list
    tiles: TileScores

    def batches(self, n_pairs: int, first: int) -> Any:
        """epoch -> batches of n_pairs pairs of windows, the first epoch being number `first`."""

        def drawn(epoch: int) -> Any:
            return (_tensors(batch) for batch in windows(self.tiles, self.settings, first + epoch, n_pairs))

        return drawn

    def look(self, model: Model) -> Looked:
        """The sample that clusters are made of, as a model embeds it."""
        return look(self.cubes, model, self.settings.n_sample, self.settings.seed, self.settings.memory)


def learn(
    cubes: Sequence[xr.Dataset], axes: Axes, number: int | None, rules: Rules, settings: Settings,
) -> Learned:  # fmt: skip
    """Train on windows of cubes on one axis. number : of components, None to find it."""
    held = [_tensors(batch) for batch in judged(cubes, axes, settings.seed, settings.memory)]
    scene = Scene(cubes, axes, settings, held, TileScores(cubes, axes, settings.memory))
    if settings.objective != "stable":
        return _as_published(scene, number, rules)
    encoder, first = _denoised(scene)
    model = _model(axes, settings, encoder)
    sample = scene.look(model)
    centers = many_clusters(sample.z, settings.n_micro, settings.seed)
    start = groups = _grouped(sample, centers, number, rules)
    report: dict[str, Any] = {"denoising": [line["held_out"] for line in first]}
    history = [{"phase": 1.0} | line for line in first]
    if settings.epochs_views and len(centers) > 1:
        found = _agreeing(scene, encoder, start, sample)
        lines = enumerate(found.history, 1)
        history += [{"phase": 2.0} | line | {"kept": float(i == found.kept)} for i, line in lines]
        report |= {name: [line[name] for line in found.history] for name in ("agreement", "information")}
        report |= {"kept": found.kept, "start": found.before}
        if found.kept:
            model = model._replace(weights=found.weights)
            sample = scene.look(model)
            groups = _grouped(sample, found.centers, number, rules)
    report |= {"sentence": _sentence(report), "changed": changed_share(start, groups)}
    return Learned(model.weights, groups, sample, history, report)


def _as_published(scene: Scene, number: int | None, rules: Rules) -> Learned:
    """Encoder and centres of the published objective, then the tree of the stable one."""
    axes, settings = scene.axes, scene.settings
    found = train_published(scene.batches(PAIRS, 0), scene.held, axes, settings)
    model = _model(axes, settings, found.encoder)
    sample = scene.look(model)
    groups = told(_grouped(sample, found.centers, number, rules))
    history = [{"phase": 1.0} | line for line in found.history]
    return Learned(model.weights, groups, sample, history, report_of(found, groups, sample, settings))


def _grouped(sample: Looked, centers: np.ndarray, number: int | None, rules: Rules) -> Groups:
    """Groups of a sample by these centres; those that win nothing are left out."""
    micro = (sample.z @ centers.T).argmax(1)
    alive = np.flatnonzero(np.bincount(micro, minlength=len(centers)))
    centers, micro = centers[alive], np.searchsorted(alive, micro)
    neighbours = np.zeros((0, 2), int)
    if len(sample.pairs):
        neighbours = distances(sample.pairs.reshape(-1, centers.shape[1]), centers).argmin(1).reshape(-1, 2)
    parts = Parts(sample.z, micro, centers, neighbours, sample.pairs)
    linkage = linkage_of(str(rules.linkage), contacts(sample, centers), sample.spectra)
    return groups_of(parts, number, rules, linkage)


def _denoised(scene: Scene) -> tuple[Any, list[dict[str, float]]]:
    """An encoder that sees through noise, and a line per epoch."""
    import torch

    from spaxel.methods.dgc.net.denoising import Denoising
    from spaxel.methods.dgc.net.encoder import PatchEncoder
    from spaxel.training.loop import train

    axes, settings, held = scene.axes, scene.settings, scene.held
    encoder = PatchEncoder(axes.project.shape[1], settings.sizes, settings.width, axes.level, settings.seed)
    objective = Denoising(encoder, torch.tensor(axes.haze, dtype=torch.float32), _strength(settings))

    def score() -> tuple[float, dict[str, float]]:
        left = float(np.mean([objective.held_out(tuple(part.to(objective.haze.device) for part in b)) for b in held]))
        return left, {"held_out": left}

    plan = _plan(settings, settings.epochs, settings.rate, phase=1)
    done = train(objective, scene.batches(DENOISING, 0), plan, score=score, stage="denoising")
    return objective.encoder, done.history


class Agreed(NamedTuple):
    """weights : of the encoder      centers : (k, q) of micro-clusters      history : a line per epoch

    kept : the epoch, 0: the start      before : the monitor at the start
    """

    weights: Arrays
    centers: np.ndarray
    history: list[dict[str, float]]
    kept: int
    before: dict[str, float]


def _agreeing(scene: Scene, encoder: Any, start: Groups, sample: Looked) -> Agreed:
    """The second phase: two views of a pixel agree on its micro-cluster."""
    import torch

    from spaxel.methods.dgc.net.agreement import GlobalClustering
    from spaxel.training.loop import train

    settings, held = scene.settings, scene.held
    mass = torch.tensor(np.maximum(start.sizes, 1) / np.maximum(start.sizes, 1).sum(), dtype=torch.float32)
    centers, haze = (torch.tensor(values, dtype=torch.float32) for values in (start.centers, scene.axes.haze))
    apart = float(1 - (sample.z * start.centers[start.micro]).sum(1).mean())
    objective = GlobalClustering(encoder, centers, mass, apart, haze, _strength(settings))

    before = objective.agreement(held)
    least = 0.5 * before["information"]

    def score() -> tuple[float, dict[str, float]]:
        said = objective.agreement(held)
        return (-said["agreement"] if said["information"] >= least else 1.0), said

    def stop(history: list[dict[str, float]]) -> bool:
        return history[-1]["information"] < least

    plan = _plan(settings, settings.epochs_views, settings.rate_views, phase=2)
    done = train(
        objective, scene.batches(AGREEING, settings.epochs), plan, score=score, stop=stop,
        after_step=objective.after_step, stage="agreement",
    )  # fmt: skip
    held_centers = objective.held.numpy().astype(np.float64)
    return Agreed(_arrays(objective.teacher), held_centers, done.history, done.best, before)


def _plan(settings: Settings, epochs: int, rate: float, phase: int) -> Any:
    from spaxel.training.plan import Plan

    return Plan(
        epochs, rate={"": rate, "centers": rate / 10}, seed=settings.seed + phase - 1, device=settings.device,
        precision=settings.precision, decay=True, phase=phase, about=dict(settings.about),
        checkpoint=Path(settings.checkpoint) if settings.checkpoint else None,
    )  # fmt: skip


def _strength(settings: Settings) -> Any:
    from spaxel.methods.dgc.net.variation import Strength

    return Strength(*(value * settings.vary for value in Strength()))


def _model(axes: Axes, settings: Settings, encoder: Any) -> Model:
    return Model(axes.scaling, axes.project, settings.sizes, _arrays(encoder), settings.encoder)


def _tensors(batch: tuple[np.ndarray, ...]) -> tuple[Any, ...]:
    import torch

    return tuple(torch.from_numpy(part) for part in batch)


def _arrays(module: Any) -> Arrays:
    return {name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()}


def _sentence(report: dict[str, Any]) -> str:
    if "kept" not in report:
        return "The encoder was trained to see through noise; views were not asked to agree."
    if not report["kept"]:
        return "Training two views to agree gained nothing on held-out tiles, so the clusters of the denoised spectra are kept."
    best = report["agreement"][report["kept"] - 1]
    return (
        f"On held-out tiles, two views of a pixel get one label in {best:.0%} of cases after epoch {report['kept']}, which "
        f"was kept, and in {report['start']['agreement']:.0%} at the start."
    )
