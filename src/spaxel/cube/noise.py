"""What the `variance` of a cube says of its noise: gathered while a sample is read, carried or dropped by steps.

A value whose variance is infinite (IVAR = 0) was not measured: it is a missing value. A variance that is zero, negative or
NaN says nothing of its value, which stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.blocks import read_blocks
from spaxel.cube.convention import note
from spaxel.cube.tiles import Tile

BLOCK = 512  # spectra that are looked at together


class Noise(NamedTuple):
    """What a variance says of the spectra of a sample.

    channel  : (channel,) mean variance of a value, nan where none is known
    row      : (n,) variance of each spectrum of the sample, its geometric mean over the channels; nan where none is known
    zero, negative : share of the finite variances that are so
    Of a variance that is nearly a product, variance_ic ≈ channel_c row_i / mean row.
    """

    channel: np.ndarray
    row: np.ndarray
    zero: float = 0.0
    negative: float = 0.0

    def of(self, rows: Any) -> Noise:
        """That of some of the spectra. rows : what picks them"""
        return self._replace(row=self.row[rows])


class Gathered:
    """Sums over all usable spectra that are looked at, and the variance of those that are kept."""

    def __init__(self, channels: int) -> None:
        self._total, self._count = np.zeros(channels), np.zeros(channels)
        self._finite, self._zero, self._negative = 0, 0, 0

    def add(self, variance: np.ndarray) -> np.ndarray:
        """Take in the variance (n, channel) of the usable spectra of a cell; returns that of each spectrum, (n, 1)."""
        blocks = [variance[i : i + BLOCK] for i in range(0, len(variance), BLOCK)]
        total, count = np.zeros(len(self._total)), np.zeros(len(self._total))
        for block in blocks:
            logs, known = self._seen(block)
            total, count = total + logs.sum(0), count + known.sum(0)
        profile = total / np.maximum(count, 1)
        middle = profile[count > 0].mean() if count.any() else 0.0
        row = [np.zeros(0)]
        for block in blocks:
            logs, known = _logs(block)
            apart = np.where(known, logs - profile, 0).sum(1) / np.maximum(known.sum(1), 1)
            row.append(np.where(known.any(1), np.exp(apart + middle), np.nan))
        return np.concatenate(row)[:, None]

    def _seen(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logs, known = _logs(block)
        finite = np.isfinite(block)
        self._finite += int(finite.sum())
        self._zero += int((block == 0).sum())
        self._negative += int((finite & (block < 0)).sum())
        self._total += np.where(known, block, 0).sum(0, dtype=np.float64)
        self._count += known.sum(0)
        return logs, known

    def noise(self, row: np.ndarray) -> Noise:
        """All of it. row : (n,) of the spectra that were kept"""
        channel = np.where(self._count > 0, self._total / np.maximum(self._count, 1), np.nan)
        finite = max(self._finite, 1)
        return Noise(channel, row, self._zero / finite, self._negative / finite)


def _logs(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of variances, 0 where these are not known, and where they are."""
    known = np.isfinite(block) & (block > 0)
    return np.log(np.where(known, block, 1), dtype=np.float64), known


def read_variance(cube: xr.Dataset, tile: Tile) -> np.ndarray:
    """The variance of one tile, (rows, columns, channel)."""
    return read_blocks([cube["variance"].data], tile)[0]


def joined_noise(parts: Sequence[Noise | None], pixels: np.ndarray) -> Noise | None:
    """The noise of samples of several cubes as of one, None unless all know theirs. pixels : (cube,) of each"""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not parts:
        return None
    channel = np.stack([part.channel for part in known])
    weight = np.where(np.isfinite(channel), pixels[:, None], 0.0)
    total = weight.sum(0)
    mean = (np.where(weight > 0, channel, 0) * weight).sum(0) / np.where(total > 0, total, np.nan)
    zero, negative = (
        float(np.average([getattr(p, name) for p in known], weights=pixels)) for name in Noise._fields[2:]
    )
    return Noise(mean, np.concatenate([part.row for part in known]), zero, negative)


def without_variance(cube: xr.Dataset, why: str) -> xr.Dataset:
    """The cube without its variance, and a sentence in its history that says why; as it is, if it has none."""
    if "variance" not in cube:
        return cube
    return note(cube.drop_vars("variance"), f"variance left out: {why}")
