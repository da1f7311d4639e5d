"""Pixels put together until each bin has about the same signal-to-noise: accretion, then a centroidal Voronoi tessellation.

Written after Cappellari & Copin 2003 (doi:10.1046/j.1365-8711.2003.06541.x), sections 3 to 5. Plain arrays, no chance in it.
"""

from __future__ import annotations

import numpy as np

ROUND = 0.3  # how far a bin may be from a disc: its farthest pixel over the radius of a disc of its area, minus 1
ENOUGH = 0.8  # of the wanted signal-to-noise, from which a bin of the accretion counts
ROUNDS = 100  # of the tessellation, at most


def tessellate(signal: np.ndarray, noise: np.ndarray, target: float) -> np.ndarray:
    """The bin of each pixel, (y, x) int from 0, -1 where signal or noise are not finite or the noise is not above zero.

    signal, noise : (y, x), of one pixel; the signal-to-noise of a bin is Σ signal / √(Σ noise²)
    target : the signal-to-noise that is wanted. If all pixels together have less, they become one bin.
    """
    good = np.isfinite(signal) & np.isfinite(noise) & (noise > 0)
    labels = np.full(signal.shape, -1)
    if not good.any():
        return labels
    places = np.argwhere(good).astype(np.float64)
    s, n2 = signal[good], noise[good] ** 2
    number = np.full(signal.shape, -1)
    number[good] = np.arange(len(places))
    bins = _accretion(number, places, s, n2, target)
    labels[good] = _settled(places, np.maximum(s, 0) ** 2 / n2, bins)
    return labels


def _accretion(number: np.ndarray, places: np.ndarray, s: np.ndarray, n2: np.ndarray, target: float) -> np.ndarray:
    """Centres (bin, 2) of bins grown from the brightest pixel outwards; at least one."""
    around = _neighbours(number)
    free = np.ones(len(places), bool)
    centres, middle, taken = [], np.zeros(2), 0
    start = int(np.argmax(s / np.sqrt(n2)))
    while True:
        members, enough = _grown(start, free, around, places, (s, n2), target)
        free[members] = False
        if enough:
            centres.append(places[members].mean(0))
        middle, taken = middle + places[members].sum(0), taken + len(members)
        left = np.flatnonzero(free)
        if not len(left):
            break
        start = int(left[((places[left] - middle / taken) ** 2).sum(1).argmin()])
    return np.array(centres) if centres else places.mean(0, keepdims=True)


def _grown(
    start: int,
    free: np.ndarray,
    around: np.ndarray,
    places: np.ndarray,
    values: tuple[np.ndarray, np.ndarray],
    target: float,
) -> tuple[list[int], bool]:
    """Pixels of one bin, and whether its signal-to-noise is near enough to the target: the nearest pixel at its edge, again and
    again, as long as the bin stays round and comes nearer to the target."""
    s, n2 = values
    members, total, noise2, centre = [start], float(s[start]), float(n2[start]), places[start].copy()
    edge = {int(i) for i in around[start] if i >= 0 and free[i]}
    while edge and total / np.sqrt(noise2) < target:
        near = sorted(edge)
        new = near[int(((places[near] - centre) ** 2).sum(1).argmin())]
        grown = (centre * len(members) + places[new]) / (len(members) + 1)
        reach = np.sqrt(((places[[*members, new]] - grown) ** 2).sum(1).max())
        before, after = total / np.sqrt(noise2), (total + s[new]) / np.sqrt(noise2 + n2[new])
        round_ = reach / np.sqrt((len(members) + 1) / np.pi) - 1 <= ROUND
        if not round_ or abs(after - target) > abs(before - target):
            break
        members.append(new)
        total, noise2, centre = total + float(s[new]), noise2 + float(n2[new]), grown
        edge.discard(new)
        edge |= {int(i) for i in around[new] if i >= 0 and free[i]} - set(members)
    return members, total / np.sqrt(noise2) >= ENOUGH * target


def _settled(places: np.ndarray, density: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The bin of each pixel after Lloyd's iteration with the density squared, so that bins of few bright pixels stay small."""
    from scipy.spatial import cKDTree

    weight = density**2 + 1e-300 + 1e-12 * float((density**2).max())
    labels = np.full(len(places), -1)
    for _ in range(ROUNDS):
        new = cKDTree(centres).query(places)[1]
        used, new = np.unique(new, return_inverse=True)
        if len(used) == labels.max() + 1 and np.array_equal(new, labels):
            break
        labels = new
        mass = np.bincount(labels, weight)
        centres = np.stack([np.bincount(labels, weight * places[:, i]) / mass for i in (0, 1)], 1)
    return labels


def _neighbours(number: np.ndarray) -> np.ndarray:
    """(pixel, 4): the numbers of the pixels beside each, -1 where there is none."""
    padded = np.pad(number, 1, constant_values=-1)
    rows, columns = number.shape
    corners = ((0, 1), (2, 1), (1, 0), (1, 2))
    sides = [padded[y : y + rows, x : x + columns] for y, x in corners]
    return np.stack([side[number >= 0] for side in sides], 1)
