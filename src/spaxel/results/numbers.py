"""Numbers of maps, counted and added over a walk: the same bits whatever the rectangles, and no map is held.

>>> import numpy as np
>>> label_counts(np.array([[0, 2, 2], [2, -1, 0]]), 4)
array([2, 0, 3, 0])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spaxel.cube.exact import Totals
from spaxel.results.walk import walk

_HALF = 2**16
SCRATCH = 40  # bytes for each pixel that `LabelSums.add` needs


def label_counts(labels: Any, n: int = 0) -> np.ndarray:
    """Pixels of each label, (number of labels, at least n) int64. labels : (y, x) int, -1 = no data"""
    found = np.zeros(n, np.int64)
    for _, _, (part,) in walk(labels, scratch=9):
        counts = np.bincount(part[part >= 0], minlength=len(found))
        counts[: len(found)] += found
        found = counts
    return found


def any_label(labels: Any) -> bool:
    """Whether any pixel has a label."""
    return any(bool((part >= 0).any()) for _, _, (part,) in walk(labels))


def mean_of(values: Any) -> float:
    """Mean of the finite values of a map, nan where there are none."""
    return float(means_by_label(values, None, 1)[0])


def means_by_label(values: Any, labels: Any, n: int) -> np.ndarray:
    """Mean of the finite values of a map in each of n components, (n,) float64, nan of one without such pixels.

    values : (y, x)      labels : (y, x) int, -1 = left out; None: all pixels are component 0
    """
    found = LabelSums(n)
    for _, _, (part, *own) in walk(values, *([] if labels is None else [labels]), scratch=SCRATCH):
        found.add(part, own[0] if own else np.zeros(part.shape, np.int64))
    return np.where(found.sizes > 0, found.sums / np.maximum(found.sizes, 1), np.nan)


class LabelSums:
    """Sums of the finite values of a map in each of n components, over rectangles in any order: sums, sizes (n,).

    >>> found = LabelSums(2)
    >>> found.add(np.array([0.5, 1.0, np.nan, 2.0]), np.array([0, 1, 1, -1]))
    >>> found.sums.tolist(), found.sizes.tolist()
    ([0.5, 1.0], [1, 1])
    """

    def __init__(self, n: int) -> None:
        self.sizes = np.zeros(n, np.int64)
        self._whole, self._totals = np.zeros(n, np.int64), [Totals(1) for _ in range(n)]

    def add(self, values: np.ndarray, labels: np.ndarray) -> None:
        """A rectangle more. values, labels : of one shape; -1 in labels: left out"""
        n, good = len(self.sizes), labels >= 0
        if values.dtype.kind == "f":
            good &= np.isfinite(values)
        group, part = labels[good], values[good]
        sizes = np.bincount(group, minlength=n)
        self.sizes += sizes
        if part.dtype.kind in "bui":  # exact in float64
            self._whole += np.bincount(group, part, n).astype(np.int64)
            return
        order = np.argsort(group, kind="stable") if n > 1 else slice(None)
        for total, of_one in zip(self._totals, np.split(part[order], np.cumsum(sizes)[:-1]), strict=True):
            total.add(of_one[:, None])

    @property
    def sums(self) -> np.ndarray:
        """The sums so far, (n,) float64, each rounded once."""
        return self._whole + np.array([float(total.sums[0]) for total in self._totals])


def quantiles(values: Any, fractions: Sequence[float]) -> np.ndarray:
    """Quantiles of the finite values of a map, as numpy.quantile has them, (fraction,) float64; nan where there are none.

    values : (y, x, ...) real; looked at in float32, twice
    """
    high = np.zeros(_HALF, np.int64)
    for _, _, (part,) in walk(values, scratch=24):
        high += np.bincount(_keys(part) >> 16, minlength=_HALF)
    n, ends = int(high.sum()), np.cumsum(high)
    if not n:
        return np.full(len(fractions), np.nan)
    wanted = [float(fraction) * (n - 1) for fraction in fractions]
    ranks = sorted({int(bound(at)) for at in wanted for bound in (np.floor, np.ceil)})
    bins = np.searchsorted(ends, ranks, side="right")
    low = {int(which): np.zeros(_HALF, np.int64) for which in bins}
    for _, _, (part,) in walk(values, scratch=24):
        keys = _keys(part)
        for which, counts in low.items():
            counts += np.bincount(keys[keys >> 16 == which] & (_HALF - 1), minlength=_HALF)
    found = {}
    for rank, which in zip(ranks, bins.tolist(), strict=True):
        inside = rank - (int(ends[which - 1]) if which else 0)
        found[rank] = _value(which << 16 | int(np.searchsorted(np.cumsum(low[which]), inside, side="right")))
    pairs = [(found[int(np.floor(at))], found[int(np.ceil(at))], at - np.floor(at)) for at in wanted]
    return np.array([below + (above - below) * part for below, above, part in pairs])


def _keys(values: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of the finite values, (n,) int64."""
    finite = np.asarray(values, np.float32)
    bits = np.ascontiguousarray(finite[np.isfinite(finite)]).view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.int64)


def _value(key: int) -> float:
    bits = key - (1 << 31) if key >> 31 else ~key & 0xFFFFFFFF
    return float(np.uint32(bits).view(np.float32))
