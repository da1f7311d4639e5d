"""What a sample says of a library: noise, which entries cannot be told apart here, which are present, how far to trust it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from spaxel.linear.supports.energies import Pool, make_pool
from spaxel.linear.supports.presence import Groups, Presence, each_alone, presence_of
from spaxel.methods.library.trust import HALF, Trust, trust_of, trusted
from spaxel.pace import tell

TOLD_APART = 3.0  # times the noise by which two entries must differ, at the amounts that are here
COARSEST = 300  # spectra from which groups and trust are learned
DARK = 0.05  # of the mean of all channels, below which no channel of counts is taken to be quieter


class View(NamedTuple):
    """How spectra are looked at: weight (channel,) makes the noise even, smooth (t, channel) is left out, orthonormal."""

    weight: np.ndarray
    smooth: np.ndarray

    def of(self, spectra: np.ndarray) -> np.ndarray:
        """Spectra (n, channel) weighed, without what is smooth."""
        even = spectra * self.weight
        return even - (even @ self.smooth.T) @ self.smooth


class Learned(NamedTuple):
    """groups : of the library      kept : (k,) groups that are components, most of it first      trust : of probabilities

    typical : noise of a spectrum over its largest amount      probability : (n, group) of the sample, as it is said
    """

    groups: Groups
    kept: np.ndarray
    trust: Trust
    typical: float
    probability: np.ndarray
    seen: list[Presence]


def make_view(spectra: np.ndarray, variance: np.ndarray | None, background: int, *, counts: bool) -> View:
    """The view of a sample (n, channel). variance : of each channel, if it is known; background : terms of a polynomial."""
    channels = spectra.shape[1]
    if variance is None and counts:
        mean = spectra.mean(0)
        variance = np.maximum(mean, DARK * mean.mean())
    weight = np.ones(channels) if variance is None else 1 / np.sqrt(variance)
    weight = weight / np.median(weight)
    terms = np.polynomial.legendre.legvander(np.linspace(-1, 1, channels), max(background - 1, 0))[:, :background]
    return View(weight, np.linalg.qr(terms * weight[:, None])[0].T if background else np.empty((0, channels)))


def learn(library: np.ndarray, spectra: np.ndarray, view: View, most: int, seed: int) -> Learned:
    """Groups, present ones and trust, from spectra (n, channel) and a library (m, channel)."""
    seen_library = view.of(library)
    pool, unit = make_pool(seen_library, most), 1 / np.linalg.norm(seen_library, axis=1)
    x = view.of(spectra)
    alone = each_alone(pool.size)
    few = np.sort(np.random.default_rng([seed, 34]).permutation(len(x))[:COARSEST])
    first = [presence_of(pool, row, alone) for row in x[few]]
    left = x[few] - np.array([one.likely for one in first]) @ pool.spectra
    typical = _noise_over_amount(first, left)
    groups = Groups(_alike(pool, typical), 0, unit)
    groups = Groups(groups.of, int(groups.of.max()) + 1, unit)
    seen = []
    for i, row in enumerate(x):
        seen.append(presence_of(pool, row, groups))
        tell("spectra", i + 1, len(x))
    trust = trust_of(pool, groups, first, left, seed)
    said = np.array([trusted(trust, one.probability, one.settled) for one in seen])
    amount = np.where(said >= HALF, np.array([one.amount for one in seen]), 0).sum(0)
    kept = np.argsort(-amount, kind="stable")[: int((amount > 0).sum())]
    kept = kept if len(kept) else np.array([int(said.sum(0).argmax())])
    return Learned(groups, kept, trust, typical, said, seen)


def _noise_over_amount(seen: list[Presence], left: np.ndarray) -> float:
    """Of a channel, over the median amount of what is in a spectrum; the median of the spectra."""
    noise = np.sqrt((left**2).mean(1) * np.array([one.heat for one in seen]))
    amount = np.array([np.median(one.likely[one.likely > 0]) if one.likely.any() else np.nan for one in seen])
    ratio = noise / amount
    return float(np.nanmedian(ratio)) if np.isfinite(ratio).any() else 0.0


def _alike(pool: Pool, typical: float) -> np.ndarray:
    """A group for each entry, (m,): all of one group differ by less than the noise hides."""
    if pool.size < 2:
        return np.zeros(pool.size, int)
    apart = np.sqrt(np.maximum(1 - np.clip(pool.gram, -1, 1) ** 2, 0))
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "complete")
    found = fcluster(tree, TOLD_APART * typical + 1e-7, "distance")
    return np.unique(found, return_inverse=True)[1].ravel()
