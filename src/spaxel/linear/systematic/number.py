"""How many components are left when errors of a kind are taken off, or when noise is made white."""

from __future__ import annotations

import numpy as np

from spaxel.linear.count.edge import edge
from spaxel.linear.noise import eigenvalues
from spaxel.linear.systematic.colour import residual, whitened, whitening
from spaxel.linear.systematic.fitting import beginning, without_errors
from spaxel.linear.systematic.kinds import Kinds

LEFT = 12.0  # widths above the edge, up to which a factor is what an error left that was taken off
SCANNED = 64  # components up to which each number is tried
MANY = 400  # samples, from which on a part of them says first which numbers are too small
LOUDER = 1.2  # noise after errors are taken off, over the noise before, at most


def least_number(Y: np.ndarray, most: int, kinds: Kinds) -> int:
    """The smallest k that suffices: with errors taken off beside k components, no more than k are counted; at most `most`.

    Y : (n, channel) of even noise
    A factor counts from 12 widths above the edge on: what an error was larger than the model of it stays below. More components
    rarely make it count more, so the number is halved down where it is large, and looked for one by one where it is small. With
    a few too many, errors are sometimes not found, so three numbers are tried before none is looked for. Fewer samples
    show fewer factors: of a large table, the numbers below what a part of its samples needs are not tried.
    """
    at_least = least_number(_thinned(Y), most, kinds) if len(Y) > MANY else 1
    noise, begun_at = edge(eigenvalues(Y), *Y.shape).noise, beginning(Y, most, kinds)

    def suffices(k: int) -> bool:
        values = edge(eigenvalues(without_errors(Y, k, kinds, begun=begun_at).table), *Y.shape)
        return strong(values.excess) <= k and values.noise <= LOUDER * noise

    probes = dict.fromkeys(k for k in (most - 1, 2 * most // 3, most // 2) if k)
    if most <= 1 or (begun := next((k for k in probes if suffices(k)), None)) is None:
        return most
    low, high = 0, begun
    while high - low > 1 and high > SCANNED:
        k = (low + high) // 2
        low, high = (low, k) if suffices(k) else (k, high)
    first = at_least if low < at_least < high else low + 1
    return next((k for k in range(first, high) if suffices(k)), high)


def _thinned(Y: np.ndarray) -> np.ndarray:
    return Y[np.linspace(0, len(Y) - 1, MANY).astype(int)]


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
