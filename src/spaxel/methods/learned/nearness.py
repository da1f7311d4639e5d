"""How near the spectra of a cube come to what was simulated: groups of them, as means have little noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.linear.lloyd import lloyd
from spaxel.methods.learned.encoder import Encoder, shares
from spaxel.methods.learned.light import unlike
from spaxel.methods.learned.sights import Counts, Light

GROUPS = 12  # of spectra
LOOKED_AT = 4000  # spectra


class Nearness(NamedTuple):
    """ratio : how far groups of spectra lie from all that was simulated, over how far those of simulated worlds lie at most

    trust : 1 up to a ratio of 1, 0 from 2 on, the mean over the spectra      ratio : the mean over the spectra
    """

    ratio: float
    trust: float

    def sentence(self, what: str) -> str:
        """In words."""
        if self.trust >= 1:
            return f"Distances were learned from simulated worlds ({what}); these spectra are like those."
        if self.trust <= 0:
            return (
                f"Spectra lie {self.ratio:.1f} times as far from all that was simulated ({what}) as simulated worlds do at "
                "most, so learned distances count nothing."
            )
        return (
            f"Spectra lie {self.ratio:.1f} times as far from all that was simulated ({what}) as simulated worlds do at most, "
            f"so learned distances count for {self.trust:.0%} of what they would."
        )


def nearness(binned: np.ndarray, sight: Counts | Light, encoder: Encoder, seed: int) -> Nearness:
    """Of spectra (n, bin) on the grid of the field, of a sample."""
    some = binned[:: max(1, len(binned) // LOOKED_AT)]
    if isinstance(sight, Light):
        off, share = np.array([unlike(some, sight, encoder.basis)]), np.ones(1)
    else:
        off, share = _apart(some, encoder, seed)
    ratio = float(share @ off) / float(encoder.limit[0])
    return Nearness(ratio, round(float(np.clip(2 - ratio, 0, 1)), 3))


def _apart(some: np.ndarray, encoder: Encoder, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How far groups of counts lie off what was simulated (group,), and the share of each in the spectra."""
    root = np.sqrt(shares(some))
    k = min(GROUPS, len(np.unique(root, axis=0)))
    labels = lloyd(root, k, 2, seed).labels_ if k > 1 else np.zeros(len(root), int)
    held = np.flatnonzero(np.bincount(labels, minlength=k))
    means = np.stack([some[labels == j].sum(0) for j in held])
    return encoder.distance(means), np.bincount(labels, minlength=k)[held] / len(root)
