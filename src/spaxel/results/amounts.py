"""How much of each component there is in an unmixed result, piece by piece: what pages, tables and commands say of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.exact import Totals
from spaxel.errors import CubeError
from spaxel.results.walk import walk

PIECE = 2**24  # bytes of abundances that are worked on at once, or one row


class Amounts(NamedTuple):
    """Of each component, (component,) float64; NaN where no pixel holds data.

    share   : mean of its part of all abundances of a pixel, a / sum of a: 0 to 1, the shares of all add up to 1
    mean    : mean abundance, in whatever unit the method gives
    present : part of the pixels in which its abundance is above zero
    pixels  : number of pixels with data
    """

    share: np.ndarray
    mean: np.ndarray
    present: np.ndarray
    pixels: int


def amounts(result: xr.Dataset) -> Amounts:
    """Share, mean and presence of each component of an unmixed result, over the pixels with data.

    A pixel without any component (all abundances zero) has no share and counts as zero of each. A large run on disk is never
    laid out whole, and the numbers are the same bit by bit however it is read. Raises CubeError for one without abundances.
    """
    if "abundances" not in result:
        raise CubeError("This result holds no abundances. Try a run of unmix.")
    k, pixels = result.sizes["component"], 0
    share, total, present = Totals(k), Totals(k), np.zeros(k, np.int64)
    for _, _, (part,) in walk(result["abundances"], scratch=40 * k):
        for rows in _some_rows(part.reshape(-1, k)):
            pixels += len(rows)
            total.add(rows)
            share.add(rows / np.maximum(rows.sum(1, keepdims=True), 1e-30))
            present += (rows > 0).sum(0)
    n = pixels or np.nan
    return Amounts(share.sums / n, total.sums / n, present / n, pixels)


def _some_rows(rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rows (n, component) in which all is finite, some thousand at a time, as float64."""
    step = max(1, PIECE // (8 * rows.shape[1]))
    for start in range(0, len(rows), step):
        some = rows[start : start + step].astype(np.float64)
        yield some[np.isfinite(some).all(1)]
