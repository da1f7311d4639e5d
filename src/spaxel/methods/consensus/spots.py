"""Small components that stand apart in colour and lie together in the image, which labelings of all spectra leave out.

Principal components keep what varies most, and that may be the noise of a few channels; k-means divides what is many. So spots
are looked for in other scores: the direction of a spectrum whose channels are in units of their noise. Parts of these
are merged by the least gap between them, however few they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans as Lloyd

from spaxel.cube.sampled_windows import Windows
from spaxel.cube.sampling import Sample
from spaxel.linear.pca import fit_pca
from spaxel.methods.centers.own_levels import Labelings
from spaxel.methods.centers.projection import in_blocks
from spaxel.methods.consensus.gaps import gap, joined
from spaxel.methods.consensus.surroundings import FEWEST, Filter, differences, wiener, within

PARTS = 16  # of the sample, which are merged
DEEPER = 3  # components more than asked for, among which spots are looked for
LARGEST = 0.1  # share of the sample that a spot may have
LEAST_GAP, STAYS = 0.3, 0.8  # of a spot to all others; share of neighbours of its pixels that are in it
FAR = 6.0  # how far a spot lies from all others in a consensus
SMOOTH, ROUNDS = 0.7, 3  # share of differences of neighbours that are noise, and how often it is found
QUIET = 1e-3  # of the median noise of channels, less than which none has
MOST_VALUES = 8_000_000  # of the sample from which principal components are learned
TINY = 1e-300
SPOTS = 2  # that take the place of other components, at most
NO_GAP = 0.0  # between two components, below which they look like one cloud
KNOWN = 0.5  # intersection over union, from which labels hold a spot


class Colours(NamedTuple):
    """Scores u' = u @ own + a @ beside, u = x P / |x P| of a spectrum x and a of its neighbours' mean.

    project : P (channel, d)      own, beside : (d, d)
    """

    project: np.ndarray
    own: np.ndarray
    beside: np.ndarray

    def scores(self, block: np.ndarray) -> np.ndarray:
        """Scores (n, d) of spectra with their neighbours, (n, 2 channel); alone, (n, channel), each is its own neighbour."""
        n = len(self.project)
        one, other = (_unit(np.asarray(part, np.float64) @ self.project) for part in (block[:, :n], block[:, -n:]))
        return np.asarray(one @ self.own + other @ self.beside)


class Spots(NamedTuple):
    """project, own, beside : see `Colours`      centers : (m, d) of parts      table : (m, s), FAR for parts in a spot."""

    project: np.ndarray
    own: np.ndarray
    beside: np.ndarray
    centers: np.ndarray
    table: np.ndarray

    def places(self, block: np.ndarray) -> np.ndarray:
        """What spots add to the places of spectra (n, channel), or with their neighbours (n, 2 channel): (n, s)."""
        return np.asarray(self.table[_nearest(Colours(*self[:3]).scores(block), self.centers)])


class Spot(NamedTuple):
    """member : (m,) bool of its parts      apart : the gap between it and the nearest of the others"""

    member: np.ndarray
    apart: float


class Sight(NamedTuple):
    """What a sample shows of colours: z (n, d), part (n,), the parts of neighbours pairs (p, 2)."""

    colours: Colours
    z: np.ndarray
    centers: np.ndarray
    part: np.ndarray
    pairs: np.ndarray


def sight_of(sample: Sample, windows: Windows, seed: int) -> Sight | None:
    """Colours of a sample with neighbours, in parts; None where hardly anything is known of neighbours."""
    channels = windows.spectra.shape[-1] // 2
    if len(sample.pairs) < FEWEST or not len(windows.good):
        return None
    noise = _noise(sample.pairs[:, 0, :channels].astype(np.float64) - sample.pairs[:, 1, :channels])
    if not noise.any():
        return None
    some = sample.spectra[:: max(1, -(-sample.spectra.size // MOST_VALUES)), :channels]
    project = fit_pca(some / noise, None, seed).basis / noise[:, None]
    d = project.shape[1]
    plain = Colours(project, np.eye(d), np.zeros((d, d)))
    flat = windows.spectra.reshape(-1, 2 * channels)
    beside = in_blocks(plain.scores, flat).reshape(*windows.good.shape, d)
    steps = differences(beside, windows.good, 1)
    if len(steps) < FEWEST:
        return None
    turned = plain._replace(own=np.zeros((d, d)), beside=np.eye(d))
    cleaner: Filter = wiener(
        in_blocks(plain.scores, sample.spectra), in_blocks(turned.scores, sample.spectra), within(steps)
    )
    colours = Colours(project, cleaner.own, cleaner.beside)
    z = in_blocks(colours.scores, sample.spectra)
    k = min(PARTS, len(np.unique(z, axis=0)))
    centers = Lloyd(k, n_init=2, random_state=seed).fit(z).cluster_centers_
    pairs = in_blocks(colours.scores, sample.pairs[:, :2].reshape(-1, 2 * channels))
    return Sight(colours, z, centers, _nearest(z, centers), _nearest(pairs, centers).reshape(-1, 2))


def spots_of(sight: Sight, low: int, high: int, seed: int) -> list[Spot]:
    """The small components that stand apart among `low` to `high` components and a few more, the clearest first."""
    found: list[Spot] = []
    for owner in joined(sight.z, sight.part, len(sight.centers), low, high + DEEPER, seed):
        labels, beside = owner[sight.part], owner[sight.pairs]
        for j in np.unique(labels):
            mine, touched = labels == j, beside == j
            if mine.mean() > LARGEST or 2 * touched.all(1).sum() < STAYS * max(touched.sum(), 1):
                continue
            apart = min((gap(sight.z[mine], sight.z[labels == i]) for i in np.unique(labels) if i != j), default=0.0)
            if apart >= LEAST_GAP:
                found.append(Spot(owner == j, apart))
    kept: list[Spot] = []
    for spot in sorted(found, key=lambda spot: -spot.apart):
        if not any((spot.member & other.member).any() for other in kept):
            kept.append(spot)
    return kept


def with_spots(sight: Sight, spots: list[Spot], labels: np.ndarray) -> tuple[np.ndarray, list[Spot]]:
    """Labels (n,) 0..k-1 in which a spot that they leave out takes the place of their weakest border; and these spots.

    A spot is left out if no component is about as it is. The two components with the least gap between them become one, if they
    look like one cloud in colour, and the spot becomes the last component: there are as many as before.
    """
    taken: list[Spot] = []
    labels = labels.copy()
    for spot in spots:
        k = int(labels.max()) + 1
        if len(taken) == SPOTS or k - len(taken) < 3:
            break
        mine = spot.member[sight.part]
        held = max(float((mine & (labels == j)).sum() / max((mine | (labels == j)).sum(), 1)) for j in range(k))
        if held >= KNOWN:
            continue
        rest = [sight.z[(labels == j) & ~mine] for j in range(k - len(taken))]
        weakest, i, j = min((gap(rest[i], rest[j]), i, j) for i in range(len(rest)) for j in range(i + 1, len(rest)))
        if weakest < NO_GAP:
            labels[labels == j] = i
            labels[labels > j] -= 1
            labels[mine] = k - 1
            taken.append(spot)
    return labels, taken


def others_with_spots(others: Labelings, sight: Sight, spots: list[Spot]) -> tuple[Labelings, list[Spot]]:
    """The same for labels at other numbers, {number: rows of the sample, their labels}; and the spots that are at any."""
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    shown: list[Spot] = []
    for k, (rows, labels) in others.items():
        mine, taken = with_spots(sight._replace(z=sight.z[rows], part=sight.part[rows]), spots, labels)
        whole = len(np.unique(mine)) == k
        found[k] = rows, mine if whole else labels
        shown += [spot for spot in taken if whole and not any(spot is other for other in shown)]
    return found, shown


def table_of(sight: Sight, spots: list[Spot]) -> Spots:
    """Spots as a model keeps them."""
    table = np.stack([spot.member for spot in spots], axis=1) * FAR
    return Spots(*sight.colours, sight.centers, table)


def _noise(apart: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise (channel,), from the small ones of the differences of neighbours (p, channel)."""
    noise = np.sqrt((apart**2).mean(0) / 2)
    for _ in range(ROUNDS):
        noise = np.maximum(noise, QUIET * np.median(noise))
        if not noise.all():
            return np.zeros(len(noise))
        size = ((apart / noise) ** 2).mean(1)
        noise = np.sqrt((apart[size <= np.quantile(size, SMOOTH)] ** 2).mean(0) / 2)
    return np.maximum(noise, QUIET * np.median(noise)) if np.median(noise) > 0 else np.zeros(len(noise))


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.sqrt(np.einsum("ij,ij->i", values, values)), TINY)[:, None]


def _nearest(z: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return np.asarray((z @ centers.T - (centers**2).sum(1) / 2).argmax(1))
