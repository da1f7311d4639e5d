"""Which state of a deep method is kept: a criterion that asks no truth, and how sure a difference of it is."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import mutual_info_score

from spaxel.cube.mapping import Arrays
from spaxel.cube.sampling import Sample
from spaxel.linear.silhouettes import distances
from spaxel.methods.dsc.distances import nearby, within
from spaxel.methods.dsc.numpy_net import encode, in_blocks
from spaxel.methods.dsc.settings import Settings
from spaxel.methods.dsc.start import Linear

JUDGED = 3000  # pairs of neighbours that the criterion looks at
RESAMPLED = 100  # times, to see by how much two states differ by chance


class Judge:
    """The label-free criterion, higher is better, of labels that a state gives.

    With neighbouring pixels: the mutual information, in nats, between the label of a pixel and that of one beside it, with a
    context so far beside that their windows share no pixel. It grows as labels hold less noise, and falls where groups that
    are apart in the image are joined. For a table: the share of the variance of the start that the labels explain.
    """

    def __init__(self, sample: Sample, start: Linear, settings: Settings) -> None:
        self.net, self.k, channels = settings.net, settings.k, sample.spectra.shape[1]
        pairs = sample.pairs[:: max(1, len(sample.pairs) // JUDGED)]
        self.neighbours = len(pairs) > 0
        chosen = pairs[:, [0, -1]].reshape(-1, channels) if self.neighbours else sample.spectra[: 2 * JUDGED]
        self.scaled = in_blocks(chosen, start.scaling, settings.context)
        self.first = encode(self.scaled, start.weights(), self.net)

    def labels(self, weights: Arrays, centers: np.ndarray, component: np.ndarray | None = None) -> np.ndarray:
        """What is judged: labels of pairs (m, 2), or of spectra (n,)."""
        labels = distances(encode(self.scaled, weights, self.net), centers).argmin(1)
        labels = labels if component is None else component[labels]
        return labels.reshape(-1, 2) if self.neighbours else labels

    def measured(self, weights: Arrays) -> Arrays:
        """A trained state with its distances measured anew: training stretches axes."""
        if "metric" not in weights or not self.neighbours:
            return weights
        z = encode(self.scaled, weights, self.net).astype(np.float64)
        metric = nearby(z[::2] - z[1::2], z)
        if self.k:
            metric = metric @ within(z @ metric, self.k, 1, 0)
        metric = metric.astype(np.float32)
        turned = {"metric": weights["metric"] @ metric, "mean.weight": metric.T @ weights["mean.weight"]}
        return weights | turned | {"mean.bias": weights["mean.bias"] @ metric}

    def better(self, one: np.ndarray, other: np.ndarray, margin: float = 0.0) -> bool:
        """Whether labels are better than others, by a share of more than `margin` and by two standard errors (resampled)."""
        gain = self.value(one) - self.value(other)
        if gain <= margin * self.value(other):
            return False
        rng = np.random.default_rng([len(one), 35])
        drawn = (rng.integers(0, len(one), len(one)) for _ in range(RESAMPLED if self.neighbours else 0))
        gains = [self.value(one[rows]) - self.value(other[rows]) for rows in drawn]
        return gain > 2 * float(np.std(gains)) if gains else True

    def __call__(self, weights: Arrays, centers: np.ndarray, component: np.ndarray | None = None) -> float:
        """The criterion. centers : (m, d)      component : (m,) of each, or each its own."""
        return self.value(self.labels(weights, centers, component))

    def value(self, labels: np.ndarray) -> float:
        """The criterion of labels of what is judged."""
        if self.neighbours:
            return float(mutual_info_score(*labels.T))
        member = np.eye(labels.max() + 1)[labels]
        within = self.first - member @ ((member.T @ self.first) / np.maximum(member.sum(0), 1)[:, None])
        return 1 - float((within**2).sum() / max(float(((self.first - self.first.mean(0)) ** 2).sum()), 1e-300))
