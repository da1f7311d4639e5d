"""How probable it is that a pixel has the right component: from its margin, mistakes by noise, and brightness that decides.

Equation: odds of being right = (d2 / d1)^b · (0.02 + ε)^-c · exp(a - e g), and at most a probability of 0.5 + 2 (1 - d1
/ d2), a half at a tie; d1 the distance to the nearest centre, d2 to the nearest one of another component, ε the share
of spectra of the same part that noise carries to another component when they are measured again
(`doubt.count_mistakes`), g how far labels are brightness alone (`dull.dullness`). Four numbers for each method: of
k-means and the consensus learned on simulated worlds (benchmarks/calibration.py --learn), of the others those of
k-means. How often they hold: benchmarks/results/calibration.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.methods.centers.dull import dullness
from spaxel.results.trees import cut_tree

CLEAR = 3.0  # ln(d2 / d1) beyond which a larger one says no more
TIE = 0.25  # margin below which a pixel lies between two components
SLIGHT = 0.02  # added to the share of mistakes
FEW = 20  # spectra by which a part is pulled towards the mean of all, so that one that was hardly drawn is not said to be sure
LEARNED = {  # a, b, c, e of each method, by benchmarks/calibration.py --learn
    "kmeans": (-2.09, 0.58, 1.02, 3.28),
    "consensus": (-4.07, 0.71, 1.24, 3.07),
    "learned": (-4.07, 0.71, 1.24, 3.07),  # of the consensus that stands beside it
    "dsc": (-2.09, 0.58, 1.02, 3.28),
    "dgc": (-2.09, 0.58, 1.02, 3.28),
}


class Sure(NamedTuple):
    """What a model keeps of it. weights : (4,) a, b, c, e      dull : (1,) g      mistaken : (m, m), see `doubt`."""

    weights: np.ndarray
    dull: np.ndarray
    mistaken: np.ndarray

    def against(self, component: np.ndarray) -> np.ndarray:
        """Odds of being wrong of each part (m,) at a margin of 0, grouped into these components (m,)."""
        a, _, c, e = self.weights
        slip = mistakes(self.mistaken.astype(np.float64), component)
        return np.exp(c * np.log(SLIGHT + slip) + e * self.dull[0] - a)

    def against_at(self, tree: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """The same at levels (l,) of a tree, (m, l)."""
        found = [self.against(cut_tree(tree, int(level))) for level in levels]
        return np.stack(found, axis=1) if found else np.zeros((len(tree) + 1, 0))


def learned_for(method: str, spectra: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """What a method keeps beside its mistakes: arrays of its state. spectra : (n, channel), labels : (n,) of its sample"""
    weights = LEARNED.get(method, LEARNED["kmeans"])
    return {"sure_weights": np.array(weights), "sure_dull": np.array([dullness(spectra, labels, seed)])}


def sure_of(state: dict[str, np.ndarray]) -> Sure | None:
    """From the arrays of a model; None for a model of a version that kept no such numbers, whose confidence is the margin."""
    if "sure_weights" not in state or "mistaken" not in state:
        return None
    return Sure(state["sure_weights"], state["sure_dull"], state["mistaken"])


def confidence(margin: np.ndarray, against: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Probability of being right, from margins 1 - d1 / d2 and the odds against it that part and level have, of one shape.

    Halfway between two components it is a half at most, however clear the rest of them is.
    """
    found = 1 / (1 + against * np.maximum(1 - margin, np.exp(-CLEAR)) ** weights[1])
    return np.minimum(found, 0.5 + 0.5 * np.minimum(margin / TIE, 1))


def mistakes(mistaken: np.ndarray, component: np.ndarray) -> np.ndarray:
    """Share of spectra of each part (m,) that noise carries to another component. mistaken : (m, m), component : (m,)

    Joining components never makes it larger.
    """
    total = mistaken.sum(1)
    left = total - (mistaken * (component[:, None] == component)).sum(1)
    mean = left.sum() / max(total.sum(), 1.0)
    return (left + FEW * mean) / (total + FEW)
