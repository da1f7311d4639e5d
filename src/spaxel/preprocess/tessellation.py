"""Pixels put together until each bin has about the same signal-to-noise: accretion, then a centroidal Voronoi tessellation.

Written after Cappellari & Copin 2003 (doi:10.1046/j.1365-8711.2003.06541.x), sections 3 to 5. Plain arrays, no chance in it.
"""

from __future__ import annotations

import math

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
    """Centres (bin, 2) of bins grown one after the other, from the brightest pixel outwards; at least one."""
    around = [[i for i in row if i >= 0] for row in _neighbours(number).tolist()]
    pixels = list(zip(*(part.tolist() for part in (places[:, 0], places[:, 1], s, n2)), strict=True))
    far = ((places - places[int(np.argmax(s / np.sqrt(n2)))]) ** 2).sum(1)
    free = [True] * len(pixels)
    centres = []
    for start in np.argsort(far, kind="stable").tolist():
        if free[start]:
            members, centre, enough = _grown(start, free, around, pixels, target)
            if enough:
                centres.append(centre)
            for i in members:
                free[i] = False
    return np.array(centres) if centres else places.mean(0, keepdims=True)


def _grown(
    start: int, free: list[bool], around: list[list[int]], pixels: list[tuple[float, ...]], target: float
) -> tuple[list[int], tuple[float, float], bool]:
    """Pixels of one bin, its centre, and whether its signal-to-noise is near enough to the target.

    The nearest pixel at its edge is taken, again and again, as long as the bin stays round and comes nearer to the target.
    """
    y, x, total, noise2 = pixels[start]
    members, edge = [start], {i for i in around[start] if free[i]}
    while edge and total < target * noise2**0.5:
        new = min(edge, key=lambda i: ((pixels[i][0] - y) ** 2 + (pixels[i][1] - x) ** 2, i))
        n = len(members) + 1
        grown = (y + (pixels[new][0] - y) / n, x + (pixels[new][1] - x) / n)
        reach2 = max((pixels[i][0] - grown[0]) ** 2 + (pixels[i][1] - grown[1]) ** 2 for i in (*members, new))
        more, more2 = total + pixels[new][2], noise2 + pixels[new][3]
        if (reach2 / (n / math.pi)) ** 0.5 - 1 > ROUND or more / more2**0.5 <= total / noise2**0.5:
            break
        members.append(new)
        (y, x), total, noise2 = grown, more, more2
        edge.discard(new)
        edge |= {i for i in around[new] if free[i] and i not in members}
    return members, (y, x), total >= ENOUGH * target * noise2**0.5


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
