"""Ways to count components besides the edge. Each takes the squared singular values of a weighted table (n, channel).

All want noise that is even and white over the table.
"""

from __future__ import annotations

import numpy as np


def mdl(values: np.ndarray, n: int, d: int) -> tuple[int, np.ndarray]:
    """Minimum description length: count, and the length at k = 0, 1, … (the count is where it is least).

    values : (m,) squared singular values      -N (m-k) ln(geometric / arithmetic mean of l_(j>k)) + ½ k (2m-k) ln N
    Wax & Kailath 1985, doi:10.1109/TASSP.1985.1164557. Too few where n is near d or k near both.
    """
    m, larger = min(n, d), max(n, d)
    if not (values > 0).all():  # without noise the length is least at the rank
        rank = int((values > 0).sum())
        return rank, np.abs(np.arange(m) - rank).astype(float)
    k, logs = np.arange(m), np.log(values)
    left = m - k
    mean = np.cumsum(values[::-1])[::-1] / left
    geometric = np.cumsum(logs[::-1])[::-1] / left
    length = -larger * left * (geometric - np.log(mean)) + 0.5 * k * (2 * m - k) * np.log(larger)
    return int(length.argmin()), length


def gavish_donoho(values: np.ndarray, n: int, d: int) -> int:
    """Singular values above the optimal hard threshold for unknown noise, ω(β) x their median.

    Gavish & Donoho 2014, doi:10.1109/TIT.2014.2323359. Too few where components exceed a quarter of min(n, channel): the
    median is then no longer noise.
    """
    beta = min(n, d) / max(n, d)
    singular = np.sqrt(values)
    omega = 0.56 * beta**3 - 0.95 * beta**2 + 1.82 * beta + 1.43
    return int((singular > omega * np.median(singular)).sum())


def largest_gap(values: np.ndarray) -> tuple[int, np.ndarray]:
    """Where the ratio of neighbouring singular values is largest: count, and ln of the ratios. The last tenth is left out.

    The first ratio sets the mean spectrum apart, so it is chosen only where no other exceeds 0.2.
    """
    most = max(1, int(0.9 * len(values)) - 1)
    safe = np.sqrt(np.maximum(values, 1e-12 * max(values[0], 1e-300)))
    ratios = np.log(safe[:-1] / safe[1:])[:most] if len(values) > 1 else np.zeros(1)
    later = ratios[1:]
    return (int(later.argmax()) + 2 if later.max(initial=0) > 0.2 else 1), ratios
