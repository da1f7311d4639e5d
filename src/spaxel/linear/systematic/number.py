"""How many components are left when errors of a kind are taken off, or when noise is made white."""

from __future__ import annotations

import numpy as np

from spaxel.linear.count.edge import edge
from spaxel.linear.noise import eigenvalues
from spaxel.linear.systematic.colour import residual, whitened, whitening
from spaxel.linear.systematic.fitting import without_errors
from spaxel.linear.systematic.kinds import Kinds

LEFT = 12.0  # widths above the edge, up to which a factor is what an error left that was taken off
SCANNED = 64  # components up to which each number is tried
LOUDER = 1.2  # noise after errors are taken off, over the noise before, at most


def least_number(Y: np.ndarray, most: int, kinds: Kinds) -> int:
    """The smallest k that suffices: with errors taken off beside k components, no more than k are counted; at most `most`.

    Y : (n, channel) of even noise
    A factor counts from 12 widths above the edge on: what an error was larger than the model of it stays below. More components
    rarely make it count more, so the number is halved down where it is large, and looked for one by one where it is small. With
    a few too many, errors are sometimes not found, so three numbers are tried before none is looked for.
    """
    noise = edge(eigenvalues(Y), *Y.shape).noise

    def suffices(k: int) -> bool:
        values = edge(eigenvalues(without_errors(Y, k, kinds).table), *Y.shape)
        return strong(values.excess) <= k and values.noise <= LOUDER * noise

    probes = dict.fromkeys(k for k in (most - 1, 2 * most // 3, most // 2) if k)
    if most <= 1 or (begun := next((k for k in probes if suffices(k)), None)) is None:
        return most
    low, high = 0, begun
    while high - low > 1 and high > SCANNED:
        k = (low + high) // 2
        low, high = (low, k) if suffices(k) else (k, high)
    return next((k for k in range(low + 1, high) if suffices(k)), high)


def white_number(Y: np.ndarray, most: int) -> int:
    """The number when noise is made white by what that number leaves: from `most` down until it stays. Y : see above."""
    k = most
    while True:
        table = whitened(Y, whitening(residual(Y, k)))
        counted = edge(eigenvalues(table), *table.shape).n
        if counted >= k or counted == 0:
            return k
        k = counted


def strong(excess: np.ndarray) -> int:
    """Factors that stand well above the edge of the noise. excess : (m,) of each eigenvalue over the edge, in its widths."""
    return int(np.cumprod(excess > LEFT).sum())
