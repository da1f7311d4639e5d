"""How near the shares of an unmixed map come to true ones, piece by piece, with exact sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from spaxel.cube.exact import Totals
from spaxel.errors import CubeError
from spaxel.metrics.spectra import assign_columns
from spaxel.results.walk import walk

ROWS = 2**16  # pixels that are worked on at once


def rmse_of_shares(found: Any, true: Any) -> float:
    """Root mean square error of shares (abundances over their sum), over all true components after matching.

    found : (y, x, component)      true : (y, x, truth_component); pixels without a share in either are left out
    The matching is that of the smallest error; a true component without partner is compared with 0. The same bits in
    memory and from the disk. Raises CubeError if no pixel is left.
    """
    k, t = found.shape[-1], true.shape[-1]
    squares, products, errors, n = Totals(k), Totals(k * t), Totals(t), 0
    for own, known in _pairs(found, true):
        n += len(own)
        squares.add(own**2)
        products.add((known[:, :, None] * own[:, None]).reshape(-1, t * k))
    if not n:
        raise CubeError("No pixel has abundances in both. Try another truth.")
    matching = assign_columns((squares.sums[None] - 2 * products.sums.reshape(t, k)) / n)
    for own, known in _pairs(found, true):
        guess = np.column_stack([own, np.zeros(len(own))])[:, matching]  # -1 is the column of zeros
        errors.add((guess - known) ** 2)
    return float(np.sqrt((errors.sums / n).mean()))


def _pairs(found: Any, true: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Shares of some pixels, (n, component) and (n, truth_component) float64, where both are known."""
    for _, _, maps in walk(found, true):
        rows = [values.reshape(-1, values.shape[-1]) for values in maps]
        for start in range(0, len(rows[0]), ROWS):
            own, known = (_shares(one[start : start + ROWS]) for one in rows)
            good = np.isfinite(own).all(1) & np.isfinite(known).all(1)
            yield own[good], known[good]


def _shares(rows: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return rows.astype(np.float64) / rows.sum(1, keepdims=True, dtype=np.float64)
