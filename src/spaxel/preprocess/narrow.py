"""Spikes that the pixels around do not share: what tells a cosmic ray from a sharp band."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.preprocess.spectra import bridged

ROBUST_STEP = 1.4826 / np.sqrt(2)  # from a median absolute difference of channels to a standard deviation
SHARED = 2.0  # times what the neighbours have, above which a value is not theirs
SHARP = 3.0  # times the steps beside it, above which a value is no flank of a band


class Scores(NamedTuple):
    """Of each value of a block, (y, x, channel) float64 each.

    sharp, any : how far it stands out, in standard deviations of the noise: (e - 2 m) / s, with e the height above the running
             median, m the second largest such height among the eight neighbours (so that one of them may hold a spike too),
             s the robust noise of the spectrum, larger as the root where the median is larger than usual (photon noise).
             sharp is 0 unless e > 3 times the smaller step beside the value: it is no flank of a band
    middle : the running median      shared : what neighbours have above it in the mean
    """

    sharp: np.ndarray
    any: np.ndarray
    middle: np.ndarray
    shared: np.ndarray


def neighbours_clean(block: np.ndarray, width: int, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """(y, x, channel) -> which values are spikes, and what stands for them: the running median, and what neighbours have above.

    The pixels around are those inside the block. A spike begins at a sharp value above the threshold, and what stands above it
    beside that belongs to it.
    """
    scores = spike_scores(block, width)
    spikes = scores.sharp > threshold
    for _ in range(width // 2 - 1):
        beside = np.zeros_like(spikes)
        beside[..., 1:] |= spikes[..., :-1]
        beside[..., :-1] |= spikes[..., 1:]
        spikes |= beside & (scores.any > threshold)
    return spikes, scores.middle + scores.shared


def spike_scores(block: np.ndarray, width: int) -> Scores:
    """How far each value stands out above a running median of `width` channels, and above the pixels around it."""
    shape = block.shape
    rows = np.ascontiguousarray(block.reshape(-1, shape[2]), np.float64)
    filled, missing = bridged(rows)
    filled = np.where(missing.all(1, keepdims=True), 0.0, filled)
    middle = running_median(filled, width)
    height = np.where(missing, 0.0, filled - middle)
    second, mean = _of_neighbours(height.reshape(shape))
    steps = np.abs(np.diff(filled, prepend=filled[:, :1], append=filled[:, -1:]))
    before = np.pad(steps[:, :-2], ((0, 0), (1, 0)))
    after = np.pad(steps[:, 2:], ((0, 0), (0, 1)))
    flank = np.minimum(before, after)
    noise = _noise(filled, middle)
    with np.errstate(all="ignore"):
        score = np.where(noise > 0, (height - SHARED * second.reshape(height.shape)) / noise, 0.0)
    sharp = np.where(height > SHARP * flank, score, 0.0)
    return Scores(sharp.reshape(shape), score.reshape(shape), middle.reshape(shape), mean)


def running_median(spectra: np.ndarray, width: int) -> np.ndarray:
    """Median of `width` channels around each, (n, channel); the ends are mirrored, so that a spike there is one."""
    from scipy.ndimage import median_filter  # here and not above: others need not wait for it

    return median_filter(spectra, size=(1, width), mode="mirror")


def _of_neighbours(height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The second largest height of the eight pixels around each, and the mean without the largest; none is below zero."""
    padded = np.pad(np.maximum(height, 0), ((1, 1), (1, 1), (0, 0)))
    largest, second, total = (np.zeros_like(height) for _ in range(3))
    for i in range(3):
        for j in range(3):
            if (i, j) != (1, 1):
                other = padded[i : i + height.shape[0], j : j + height.shape[1]]
                second = np.maximum(second, np.minimum(largest, other))
                largest = np.maximum(largest, other)
                total = total + other
    return second, (total - largest) / 7


def _noise(spectra: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise of each value: (n, channel)."""
    sd = ROBUST_STEP * np.median(np.abs(np.diff(spectra)), axis=-1, keepdims=True)
    usual = np.median(middle, axis=-1, keepdims=True)
    with np.errstate(all="ignore"):
        brighter = np.where(usual > 0, middle / usual, np.where(middle > 0, np.inf, 1.0))
        return sd * np.sqrt(np.maximum(brighter, 1.0))
