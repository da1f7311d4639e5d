"""Which state of a deep method is kept: a criterion that asks no truth."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import mutual_info_score

from spaxel.mapping import Arrays
from spaxel.methods.deep_start import Linear, Settings
from spaxel.methods.latent import encode, in_blocks
from spaxel.methods.nearest import distances
from spaxel.sampling import Sample

JUDGED = 3000  # pairs of neighbours that the criterion looks at


class Judge:
    """The label-free criterion, higher is better, of labels that a state gives.

    With neighbouring pixels: the mutual information, in nats, between the label of a pixel and that of one beside it, with a
    context so far beside that their windows share no pixel. It grows as labels hold less noise, and falls where groups that
    are apart in the image are joined. For a table: the share of the variance of the start that the labels explain.
    """

    def __init__(self, sample: Sample, start: Linear, settings: Settings) -> None:
        self.net, channels = settings.net, sample.spectra.shape[1]
        pairs = sample.pairs[:: max(1, len(sample.pairs) // JUDGED)]
        self.neighbours = len(pairs) > 0
        chosen = pairs[:, [0, -1]].reshape(-1, channels) if self.neighbours else sample.spectra[: 2 * JUDGED]
        self.scaled = in_blocks(chosen, start.scaling, settings.context)
        self.first = encode(self.scaled, start.weights(), self.net)

    def __call__(self, weights: Arrays, centers: np.ndarray, component: np.ndarray | None = None) -> float:
        """The criterion. centers : (m, d)      component : (m,) of each, or each its own."""
        labels = distances(encode(self.scaled, weights, self.net), centers).argmin(1)
        labels = labels if component is None else component[labels]
        if self.neighbours:
            return float(mutual_info_score(*labels.reshape(-1, 2).T))
        member = np.eye(labels.max() + 1)[labels]
        within = self.first - member @ ((member.T @ self.first) / np.maximum(member.sum(0), 1)[:, None])
        return 1 - float((within**2).sum() / max(float(((self.first - self.first.mean(0)) ** 2).sum()), 1e-300))
