"""Whether a cube holds spikes at all: what `despike` with threshold=auto asks before it changes anything."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.preprocess.narrow import spike_scores
from spaxel.preprocess.windows import read_windows

WIDTH = 7
SURE = 12.0  # robust standard deviations above the pixels around from which a value tells that there are spikes
APART = 5.0  # and spreads of its channel from pixel to pixel above the rest: only then can it change what is found
FEWEST, SHARE = 3, 5e-4  # spectra with a spike, in as many channels, and their share of those looked at
LINES = ("kev", "ev", "m/z")  # units in which photons or ions are counted one by one, or lines are one channel wide


class Spikes(NamedTuple):
    """spectra : that hold a spike      looked : at which it was looked."""

    spectra: int
    looked: int

    def many(self) -> bool:
        """Whether there are so many that they are worth removing."""
        return self.spectra >= max(FEWEST, SHARE * self.looked)


def find_spikes(cube: xr.Dataset) -> Spikes:
    """Spikes in windows spread over an image; none are looked for in a table, or along an axis of X-ray energies or masses.

    A spike is up to three channels wide, stands 12 robust standard deviations of the noise (of its spectrum and of its channel)
    above twice what the pixels around have there, and 5 spreads of its channel above the median of its spectrum around it. In
    fewer than three different channels they are hot channels of a detector, and not counted.
    Which windows are read depends on the size of the image alone.
    """
    height, width, channels = cube["spectra"].shape
    units = str(cube["channel"].attrs.get("units", "")).lower()
    if 1 in (height, width) or channels < 2 * WIDTH or units in LINES:
        return Spikes(0, 0)
    spectra, heights, scores = (np.concatenate(part) for part in zip(*_looked_at(cube), strict=True))
    if len(spectra) < 2:
        return Spikes(0, len(spectra))
    jitter, spread = _spread(heights), _spread(spectra)
    hits = (scores > SURE) & (heights > SURE * jitter) & (heights > APART * spread)
    many_places = int(hits.any(0).sum()) >= FEWEST
    return Spikes(int(hits.any(1).sum()) if many_places else 0, len(spectra))


def _looked_at(cube: xr.Dataset) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(spectra, heights above the running median, scores), (n, channel) float64 each, of the windows."""
    found = []
    for block, good, inside in read_windows(cube):
        scores = spike_scores(block, WIDTH)
        chosen = good[inside]
        found.append(
            tuple(part[inside][chosen] for part in (block.astype(np.float64), block - scores.middle, scores.sharp))
        )
    return found


def _spread(values: np.ndarray) -> np.ndarray:
    """Robust standard deviation of each channel over the pixels: (channel,)."""
    middle = np.nanmedian(values, axis=0)
    return 1.4826 * np.nanmedian(np.abs(values - middle), axis=0)
