"""Odd spectra: a spike or a dead pixel, so unlike all others that it would take a component for itself."""

from __future__ import annotations

import numpy as np

from spaxel.linear.lloyd import lloyd
from spaxel.methods.consensus.learning import Seen

FEWEST, SHARE = 3, 2000  # spectra of a component, and one in so many: with fewer, it is none
PARTS = 12  # into which a sample is divided to see what is alone; more where more components are told
RESTARTS = 2


def odd_spectra(seen: Seen, k: int, seed: int) -> np.ndarray:
    """Which spectra (n,) of a large sample are alone, or two, in a part of k-means: of scores, and in the near-by metric.

    They are left out before anything is learned: one that is far from all takes a component from each member that sees it.
    Fails, in the sense of finding none, where more than twelve spectra are odd, each in its own way.
    """
    found = np.zeros(len(seen.z), bool)
    if not _least(len(found)) > 1:
        return found
    for scores in (seen.z, seen.near):
        parts = min(max(k, PARTS), len(np.unique(scores, axis=0)))
        found |= lone(lloyd(scores, parts, RESTARTS, seed, told=str).labels_)
    return found


def lone(labels: np.ndarray) -> np.ndarray:
    """Which spectra (n,) are in a component of one or two in a large sample. In a table each of a few spectra counts."""
    few = _least(len(labels))
    return np.asarray(np.bincount(labels)[labels] < few) if few > 1 else np.zeros(len(labels), bool)


def _least(n: int) -> float:
    """Spectra that a component has, at least."""
    return min(FEWEST, n / SHARE)
