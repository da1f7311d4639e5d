"""What the net sees of a pixel and its neighbours, in one of two ways: photons that are counted, or light of any scale."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.methods.learned.encoder import shares
from spaxel.methods.learned.fields import COVERED

DIM, BRIGHT = 1.5, 5.0  # log counts are (ln n) / 5 - 1.5, about -1 to 1
NEIGHBOURS = 8  # pixels around one
FINEST = 2.0  # times the narrowest bin: bins in which noise is looked for
REFERENCE = 0.99  # quantile of the brightness that counts as 1
FAINTEST, BRIGHTEST, CLEAREST = (
    1e-3,
    3.0,
    1e3,
)  # brightness over the reference, and signal to noise, that are told apart
SECOND = 0.6745 * np.sqrt(6)  # median of the size of second differences of noise of 1
TINY = 1e-300


class Counts(NamedTuple):
    """Photons that are counted: a bin holds the sum of what its channels counted."""

    def seen(self, own: np.ndarray, around: np.ndarray) -> np.ndarray:
        """(n, 2 bin + 1): roots of the shares of a pixel, and of it and its neighbours; log of their counts.

        own : (n, bin) counts of a pixel      around : (n, bin) mean counts of its neighbours
        """
        together = own + NEIGHBOURS * around
        bright = np.log(np.maximum(np.maximum(together, 0).sum(1, keepdims=True), 1.0)) / BRIGHT - DIM
        return np.concatenate([np.sqrt(shares(own)), np.sqrt(shares(together)), bright], axis=1)


class Light(NamedTuple):
    """Light of any scale. widths : (bin,)      covered : (bin,) which bins the axis covers      reference : brightness 1."""

    widths: np.ndarray
    covered: np.ndarray
    reference: float

    def seen(self, own: np.ndarray, around: np.ndarray) -> np.ndarray:
        """(n, bin + 2): the mean of a pixel and its neighbours over its size; logs of its brightness and of its S/N.

        own : (n, bin) of a pixel      around : (n, bin) mean of its neighbours; both with the same noise in all bins
        """
        together = (own + NEIGHBOURS * around) / (NEIGHBOURS + 1)
        size = np.maximum(self.brightness(together), TINY)[:, None]
        bright = np.log(np.clip(size / max(self.reference, TINY), FAINTEST, BRIGHTEST)) / 2 + 1
        clear = np.log(np.clip(3 * size / np.maximum(self.noise(own)[:, None], TINY), 1.0, CLEAREST)) / 2 - 1
        return np.concatenate([together / (size * np.sqrt(len(self.widths))), bright, clear], axis=1)

    def brightness(self, binned: np.ndarray) -> np.ndarray:
        """Root mean square over the bins that are covered, (n,)."""
        return np.sqrt(np.einsum("ij,ij->i", binned, binned) / max(1, self.covered.sum()))

    def noise(self, binned: np.ndarray) -> np.ndarray:
        """Standard deviation in a bin, (n,), from second differences of neighbouring narrow bins; lines are outliers."""
        narrow = self.covered & (self.widths < FINEST * self.widths.min())
        first = np.flatnonzero(narrow[:-2] & narrow[1:-1] & narrow[2:])
        bent = binned[:, first] - 2 * binned[:, first + 1] + binned[:, first + 2]
        return np.median(np.abs(bent), axis=1) / SECOND if len(first) else np.zeros(len(binned))

    def referred(self, own: np.ndarray, around: np.ndarray) -> Light:
        """The same with the reference of these pixels."""
        bright = self.brightness((own + NEIGHBOURS * around) / (NEIGHBOURS + 1))
        return self._replace(reference=float(np.quantile(bright, REFERENCE)))


def sight_of(edges: np.ndarray, grid: np.ndarray, *, counts: bool, reference: float = 1.0) -> Counts | Light:
    """How spectra are seen. edges : (channel + 1,) and grid : (bin + 1,) as for `onto`"""
    if counts:
        return Counts()
    inside, widths = np.diff(np.clip(grid, edges[0], edges[-1])), np.diff(grid)
    return Light(widths, inside >= COVERED * widths, reference)
