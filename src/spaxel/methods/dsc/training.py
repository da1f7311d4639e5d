"""How deep spectral clustering is fitted: the linear start, the training, and which state is kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.cube.sampling import Sample
from spaxel.methods.centers.groups import Groups, Rules, best_silhouette, changed_share, find_groups
from spaxel.methods.dsc.criterion import Judge
from spaxel.methods.dsc.numpy_net import latents
from spaxel.methods.dsc.settings import Settings
from spaxel.methods.dsc.start import Linear
from spaxel.methods.dsc.train_net import Fresh, Net, train_net
from spaxel.preprocess.scaling import Scaling

FEWEST = 8  # spectra below which nothing is trained
NAMES = {"linear": "linear start", "neighbours": "linear start, averaged with neighbours"}


class Learned(NamedTuple):
    """scaling, encoder, decoder : what embeds and decodes   centroids : (k, d) of the training   report : plain values."""

    scaling: Scaling
    encoder: Arrays
    decoder: Arrays
    centroids: np.ndarray
    groups: Groups
    history: list[dict[str, float]]
    report: dict[str, Any]


class Grouping(NamedTuple):
    """How a state of the encoder becomes groups of a sample. wanted : number of components, a range of it, or None."""

    sample: Sample
    scaling: Scaling
    settings: Settings
    wanted: int | tuple[int, int] | None
    rules: Rules

    def latents(self, spectra: np.ndarray, weights: Arrays) -> np.ndarray:
        """Latents (n, d) of spectra."""
        return latents(spectra, self.scaling, weights, self.settings.net, self.settings.context)

    def number(self, weights: Arrays) -> tuple[int | None, dict[int, float]]:
        """How many components are wanted, and the silhouette of each number of a range."""
        if not isinstance(self.wanted, tuple):
            return self.wanted, {}
        return best_silhouette(self.latents(self.sample.spectra, weights), *self.wanted, self.rules)

    def groups(self, weights: Arrays, number: int | None) -> Groups:
        """Groups of the sample; number None: by evidence."""
        z = self.latents(self.sample.spectra, weights)
        beside = self.sample.pairs[:, :2].reshape(-1, self.sample.spectra.shape[1])
        pairs = self.latents(beside, weights) if len(beside) else z[:0]
        return find_groups(z, pairs.reshape(-1, 2, z.shape[1]), number, self.rules)


def learn(
    sample: Sample,
    start: Linear,
    settings: Settings,
    wanted: int | tuple[int, int] | None,
    rules: Rules,
    fresh: Fresh | None,
) -> Learned:
    """Fit to a sample: from a start, train, and keep what the criterion likes best, the start included; or what was trained,
    as it is when the training ends, whatever the criterion says (settings.keep).

    wanted : number of components, a range of it, or None      fresh : spectra for later epochs, or None to stay with the sample
    """
    judge = Judge(sample, start, settings)
    grouping = Grouping(sample, start.scaling, settings, wanted, rules)
    states = {"linear": start.weights()}
    if settings.context:
        states["neighbours"] = start.weights(neighbours=True)
    groups = {name: grouping.groups(weights, grouping.number(weights)[0]) for name, weights in states.items()}
    k = groups["linear"].evidence.level
    for name, found in groups.items():
        if found.evidence.level != k or wanted != k:
            groups[name] = grouping.groups(states[name], k)
    net = Net({}, {}, _middles(groups[list(states)[-1]]), [])
    if settings.epochs and len(sample.spectra) >= FEWEST and start.spread.max() > 1e-2 and k > 1:
        net = train_net(sample.spectra, start, net.centroids, settings, judge, fresh)
        states["deep"] = judge.measured(net.encoder)
        net = net._replace(decoder=_turned(net.decoder, net.encoder, states["deep"]))
        groups["deep"] = grouping.groups(states["deep"], k)
    judged = {name: judge.labels(states[name], found.centers, found.component) for name, found in groups.items()}
    best = _best(judge, judged, settings.margin)
    kept = "deep" if settings.keep == "trained" and "deep" in states else best
    number, curve = grouping.number(states[kept])
    final = groups[kept] if wanted == k else grouping.groups(states[kept], number)
    if isinstance(wanted, tuple):
        final = _found_in(final, *wanted)
    values = {name: judge.value(labels) for name, labels in judged.items()}
    report = _report(values, kept, groups, net.history, curve, neighbours=judge.neighbours)
    if kept != best:
        report["sentence"] += f" It was asked for: the criterion would have kept the {NAMES[best]}."
    return Learned(start.scaling, states[kept], net.decoder, net.centroids, final, net.history, report)


def _best(judge: Judge, judged: dict[str, np.ndarray], margin: float) -> str:
    """The state whose labels the criterion likes best; the first one, unless another is clearly better."""
    best = next(iter(judged))
    for name in judged:
        best = name if judge.better(judged[name], judged[best], margin if name == "deep" else 0.0) else best
    return best


def _middles(groups: Groups) -> np.ndarray:
    """Centres of components (k, d), from those of their micro-clusters."""
    share = (groups.component == np.arange(groups.component.max() + 1)[:, None]) * np.maximum(groups.sizes, 1e-9)
    return share @ groups.centers / share.sum(1, keepdims=True)


def _turned(decoder: Arrays, before: Arrays, after: Arrays) -> Arrays:
    """A decoder for latents whose metric was changed: it says what it said."""
    if before is after:
        return decoder
    back = np.linalg.solve(after["metric"].astype(np.float64), before["metric"]).astype(np.float32)
    d, rows = len(back), decoder["rows"]
    first = decoder["body.layers.0.weight"] @ back.T
    return decoder | {"rows": np.concatenate([back @ rows[:d], rows[d:]]), "body.layers.0.weight": first}


def _found_in(groups: Groups, low: int, high: int) -> Groups:
    """The same groups, whose number was looked for in a range: nobody asked for this one."""
    found = f", the number from {low} to {high} whose silhouette is highest."
    sentence = groups.evidence.sentence.replace(", as asked.", found, 1)
    return groups._replace(evidence=groups.evidence._replace(sentence=sentence))


def _report(
    values: dict[str, float], kept: str, groups: dict[str, Groups], history: list[dict[str, float]],
    curve: dict[int, float], *, neighbours: bool,
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
