"""How deep spectral clustering is fitted: the linear start, the training, and which state is kept.

torch is imported inside, so that a saved model predicts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.mapping import Progress
from spaxel.cube.sampling import Sample
from spaxel.methods.centers.assign import distances
from spaxel.methods.centers.groups import Groups, Rules, best_silhouette, changed_share, find_groups
from spaxel.methods.dsc.criterion import Judge
from spaxel.methods.dsc.numpy_net import encode, latents
from spaxel.methods.dsc.settings import COUNTED, Settings
from spaxel.methods.dsc.start import Linear, Views, reconstruction, small_dtype, views
from spaxel.preprocess.scaling import Scaling

HELD_OUT = 0.15  # share of the sample that is never trained on
REFRESHED = 4096  # spectra whose latents move the centroids between epochs
FEWEST = 8  # spectra below which nothing is trained
WARM = 2  # epochs in which the encoder stands still, until the decoder knows the start
CLIP = 5.0  # of the norm of the gradient
NAMES = {"linear": "linear start", "neighbours": "linear start, averaged with neighbours"}

Arrays = dict[str, np.ndarray]
Fresh = Callable[[int], np.ndarray]  # epoch -> spectra of another sample


class Learned(NamedTuple):
    """scaling, encoder, decoder : what embeds and decodes   centroids : (k, d) of the training   report : plain values."""

    scaling: Scaling
    encoder: Arrays
    decoder: Arrays
    centroids: np.ndarray
    groups: Groups
    history: list[dict[str, float]]
    report: dict[str, Any]


def learn(
    sample: Sample,
    start: Linear,
    settings: Settings,
    wanted: int | tuple[int, int] | None,
    rules: Rules,
    fresh: Fresh | None,
    progress: Progress | None = None,
) -> Learned:
    """Fit to a sample: from a start, train, and keep what the criterion likes best, the start included; or what was trained,
    as it is when the training ends, whatever the criterion says (settings.keep).

    wanted : number of components, a range of it, or None      fresh : spectra for later epochs, or None to stay with the sample
    """
    beside = sample.pairs[:, :2].reshape(-1, sample.spectra.shape[1])

    def embedded(spectra: np.ndarray, weights: Arrays) -> np.ndarray:
        return latents(spectra, start.scaling, weights, settings.net, settings.context)

    def grouped(weights: Arrays, number: int | None) -> Groups:
        z = embedded(sample.spectra, weights)
        pairs = embedded(beside, weights) if len(beside) else z[:0]
        return find_groups(z, pairs.reshape(-1, 2, z.shape[1]), number, rules)

    def number(weights: Arrays) -> tuple[int | None, dict[int, float]]:
        if not isinstance(wanted, tuple):
            return wanted, {}
        return best_silhouette(embedded(sample.spectra, weights), *wanted, rules)

    judge = Judge(sample, start, settings)
    states = {"linear": start.weights()} | ({"neighbours": start.weights(True)} if settings.context else {})
    groups = {name: grouped(weights, number(weights)[0]) for name, weights in states.items()}
    k = groups["linear"].evidence.level
    groups = {n: g if g.evidence.level == k and wanted == k else grouped(states[n], k) for n, g in groups.items()}
    centroids = _middles(groups[list(states)[-1]])
    history: list[dict[str, float]] = []
    decoder: Arrays = {}
    if settings.epochs and len(sample.spectra) >= FEWEST and start.spread.max() > 1e-2 and k > 1:
        found = trained(sample.spectra, start, centroids, settings, judge, fresh, progress)
        trained_encoder, decoder, centroids, history = found
        states["deep"] = judge.measured(trained_encoder)
        decoder = _turned(decoder, trained_encoder, states["deep"])
        groups["deep"] = grouped(states["deep"], k)
    judged = {n: judge.labels(states[n], g.centers, g.component) for n, g in groups.items()}
    values = {n: judge.value(labels) for n, labels in judged.items()}
    best = _best(judge, judged, settings.margin)
    kept = "deep" if settings.keep == "trained" and "deep" in states else best
    final = groups[kept]
    chosen, curve = number(states[kept])
    if wanted != k:
        final = grouped(states[kept], chosen)
    if isinstance(wanted, tuple):
        final = _found_in(final, *wanted)
    report = _report(values, kept, groups, final, history, judge.neighbours, curve)
    if kept != best:
        report["sentence"] += f" It was asked for: the criterion would have kept the {NAMES[best]}."
    return Learned(start.scaling, states[kept], decoder, centroids, final, history, report)


def _best(judge: Judge, judged: dict[str, np.ndarray], margin: float) -> str:
    """The state whose labels the criterion likes best; the first one, unless another is clearly better."""
    best = next(iter(judged))
    for name in judged:
        best = name if judge.better(judged[name], judged[best], margin if name == "deep" else 0.0) else best
    return best


def trained(
    spectra: np.ndarray,
    start: Linear,
    centroids: np.ndarray,
    settings: Settings,
    judge: Judge,
    fresh: Fresh | None,
    progress: Progress | None = None,
) -> tuple[Arrays, Arrays, np.ndarray, list[dict[str, float]]]:
    """Train from the start: arrays of the encoder in the state kept, of the decoder, the centroids, a dict per epoch."""
    import torch

    from spaxel.training.loop import train
    from spaxel.training.plan import Plan

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

    def stop(history: list[dict[str, float]]) -> bool:
        values = [line["held_out"] for line in history[WARM:]]
        return len(values) > settings.patience and min(values[-settings.patience :]) >= min(
            values[: -settings.patience]
        )

    plan = Plan(
        settings.epochs, rate={"": settings.rate, "net.encoder.axes": settings.rate / 10}, seed=settings.seed, clip=CLIP,
        device=settings.device, precision=settings.precision, about=dict(settings.about),
        checkpoint=Path(settings.checkpoint) if settings.checkpoint else None,
        keep="last" if settings.keep == "trained" else "best",
    )  # fmt: skip
    done = train(objective, batches, plan, score=score, stop=stop, progress=progress)
    history = [line | {"kept": float(line["epoch"] == done.best)} for line in done.history]
    return (
        _numpy(objective.net.encoder),
        _numpy(objective.net.decoder),
        objective.centroids.detach().numpy().copy(),
        history,
    )


def _objective(start: Linear, data: Views, centroids: np.ndarray, settings: Settings) -> Any:
    import torch

    from spaxel.methods.dsc.net.autoencoder import Autoencoder, Shape, Start
    from spaxel.methods.dsc.net.likelihood import Likelihood
    from spaxel.methods.dsc.net.losses import ramp
    from spaxel.methods.dsc.net.objective import DeepClustering, Terms

    first = reconstruction(start, data, centroids, settings)
    shape = Shape(settings.net, settings.width, settings.depth, settings.dropout, start.share)
    weights = start.weights(settings.context > 0)
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


def _middles(groups: Groups) -> np.ndarray:
    """Centres of components (k, d), from those of their micro-clusters."""
    share = (groups.component == np.arange(groups.component.max() + 1)[:, None]) * np.maximum(groups.sizes, 1e-9)
    return share @ groups.centers / share.sum(1, keepdims=True)


def _settled(z: np.ndarray, centers: np.ndarray, steps: int = 20) -> np.ndarray:
    """Lloyd's steps from these centres; one that loses all its spectra stays."""
    for _ in range(steps):
        member = np.eye(len(centers))[distances(z, centers).argmin(1)]
        size = member.sum(0)[:, None]
        centers = np.where(size > 0, (member.T @ z) / np.maximum(size, 1), centers)
    return centers


def _turned(decoder: Arrays, before: Arrays, after: Arrays) -> Arrays:
    """A decoder for latents whose metric was changed: it says what it said."""
    if before is after:
        return decoder
    back = np.linalg.solve(after["metric"].astype(np.float64), before["metric"]).astype(np.float32)
    d, rows = len(back), decoder["rows"]
    first = decoder["body.layers.0.weight"] @ back.T
    return decoder | {"rows": np.concatenate([back @ rows[:d], rows[d:]]), "body.layers.0.weight": first}


def _numpy(module: Any) -> Arrays:
    return {name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()}


def _found_in(groups: Groups, low: int, high: int) -> Groups:
    """The same groups, whose number was looked for in a range: nobody asked for this one."""
    found = f", the number from {low} to {high} whose silhouette is highest."
    sentence = groups.evidence.sentence.replace(", as asked.", found, 1)
    return groups._replace(evidence=groups.evidence._replace(sentence=sentence))


def _report(
    values: dict[str, float], kept: str, groups: dict[str, Groups], final: Groups, history: list[dict[str, float]],
    neighbours: bool, curve: dict[int, float],
) -> dict[str, Any]:  # fmt: skip
    changed = changed_share(groups["linear"], groups[kept])
    best = next((int(line["epoch"]) for line in history if line["kept"]), 0)
    what = (
        "agreement between neighbouring pixels, in nats" if neighbours else "share of the variance that labels explain"
    )
    said = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
    words = {
        "linear": "Training gained nothing, so the linear start is kept",
        "neighbours": "Training gained nothing, so the linear start is kept, averaged with neighbours",
        "deep": f"The network is kept as it was after epoch {best} of {len(history)}: it changed {changed:.1%} of the labels",
    }
    words["linear"] = words["linear"] if history else "Nothing was trained: this is the linear start"
    sentence = f"{words[kept]} ({what}: {said})."
    found = {"criterion": values, "kept": kept, "epoch": best, "epochs": len(history), "changed": changed}
    return found | {"silhouette": {str(n): v for n, v in curve.items()}, "sentence": sentence}
