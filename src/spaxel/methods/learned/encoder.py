"""The net that makes a place of what is seen of a pixel, in NumPy: the same bits in every tile."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Encoder(NamedTuple):
    """A net of two hidden layers. first : (seen, h), second : (h, h), last : (h, d), and what is added after each.

    mean  : (bin,), basis : (q, bin) of what was simulated: of square roots of shares of counts, of lines of light
    limit : how far components of simulated worlds lie from these at most (99 of 100), as a share of the norm
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
        """Places (n, d) of norm 1, float64, of what is seen, see `sights`."""
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
