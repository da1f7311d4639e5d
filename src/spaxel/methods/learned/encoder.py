"""What the learned distance sees of a pixel, and the net that makes a place of it, in NumPy: the same bits in every tile."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

DIM, BRIGHT = 1.5, 5.0  # log counts are (ln n) / 5 - 1.5, about -1 to 1
NEIGHBOURS = 8  # pixels around one


class Encoder(NamedTuple):
    """A net of two hidden layers. first : (2 bin + 1, h), second : (h, h), last : (h, d), and what is added after each.

    mean  : (bin,), basis : (q, bin) of the square roots of shares of what was simulated      limit : how far, as a share of
    the norm, components of simulated worlds lie from these at most (99 of 100)
    """

    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    last: np.ndarray
    last_bias: np.ndarray
    mean: np.ndarray
    basis: np.ndarray
    limit: np.ndarray

    def __call__(self, seen: np.ndarray) -> np.ndarray:
        """Places (n, d) of norm 1, float64, of what is seen (n, 2 bin + 1)."""
        hidden = np.maximum(seen @ self.first + self.first_bias, 0)
        hidden = np.maximum(hidden @ self.second + self.second_bias, 0)
        place = hidden @ self.last + self.last_bias
        return place / np.maximum(np.sqrt(np.einsum("ij,ij->i", place, place)), 1e-12)[:, None]

    def double(self) -> Encoder:
        """The same in float64, in which products are the same bits wherever a row stands."""
        return Encoder(*(np.asarray(array, np.float64) for array in self))

    def distance(self, spectra: np.ndarray) -> np.ndarray:
        """How far spectra (n, bin), counts with little noise, lie from all that was simulated: shares of their norm (n,)."""
        root = np.sqrt(shares(spectra)) - self.mean
        left = root - (root @ self.basis.T) @ self.basis
        return np.sqrt(np.einsum("ij,ij->i", left, left))  # a root of shares has norm 1


def shares(counts: np.ndarray) -> np.ndarray:
    """Counts (n, bin) over their sum; zeros where there are none. What is below zero counts as none."""
    counts = np.maximum(counts, 0)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1e-12)


def seen_of(own: np.ndarray, around: np.ndarray) -> np.ndarray:
    """What the net sees, (n, 2 bin + 1): roots of the shares of a pixel, and of it and its neighbours; log of their counts.

    own : (n, bin) counts of a pixel      around : (n, bin) mean counts of its neighbours
    """
    together = own + NEIGHBOURS * around
    bright = np.log(np.maximum(np.maximum(together, 0).sum(1, keepdims=True), 1.0)) / BRIGHT - DIM
    return np.concatenate([np.sqrt(shares(own)), np.sqrt(shares(together)), bright], axis=1)
