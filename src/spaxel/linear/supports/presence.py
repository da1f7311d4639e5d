"""What the sets that may explain a spectrum say of each group of known spectra: how probable, how much, how uncertain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spaxel.linear.supports.energies import Energies, Pool, Set
from spaxel.linear.supports.search import NEAR, STEPS, best, search


@dataclass(frozen=True, eq=False)
class Groups:
    """Spectra of a pool that are taken together.

    of : (m,) the group of each, from 0      number : of groups      unit : (m,) amount of the user's for 1 of norm 1
    """

    of: np.ndarray
    number: int
    unit: np.ndarray


class Presence(NamedTuple):
    """Of one spectrum. Each (group,): sums over the sets that were looked at, weighed by exp(-energy).

    probability : that one of the group is in it      amount, error : mean and standard deviation, if one is
    alone : root of the mean square of the amount, whether one is or not      likely : (m,) amounts of the best set, norm 1
    mean : (m,) mean amounts, norm 1      heat : channels whose noise is one      settled : whether the walk came to an end
    """

    probability: np.ndarray
    amount: np.ndarray
    error: np.ndarray
    alone: np.ndarray
    likely: np.ndarray
    mean: np.ndarray
    heat: float
    settled: bool


def each_alone(m: int) -> Groups:
    """A group for each spectrum, amounts of norm 1."""
    return Groups(np.arange(m), m, np.ones(m))


def presence_of(pool: Pool, x: np.ndarray, groups: Groups, steps: int = STEPS) -> Presence:
    """Which spectra of a pool a spectrum x (channel,) holds, and how much; a spectrum of zeros holds none."""
    if not x.any():
        zero, none = np.zeros(groups.number), np.zeros(pool.size)
        return Presence(zero, zero, zero, zero, none, none, 1.0, True)
    found, settled = search(pool, x, steps)
    probability, first, second = (np.zeros(groups.number) for _ in range(3))
    mean = np.zeros(pool.size)
    for share, one in weighed(found):
        if not one:
            continue
        at = list(one)
        amounts, inverse, left = found.fit(one)
        mean[at] += share * amounts
        where, total, spread = _of_groups(groups, at, amounts, inverse)
        spread = spread * found.variance(left, len(one))
        probability[where] += share
        first[where] += share * total
        second[where] += share * (total**2 + spread)
    seen = np.maximum(probability, 1e-300)
    error = np.sqrt(np.maximum(second / seen - (first / seen) ** 2, 0))
    likely = np.zeros(pool.size)
    if top := list(best(found)):
        likely[top] = np.maximum(found.fit(tuple(top))[0], 0)
    probability = np.minimum(probability, 1.0)
    return Presence(probability, first / seen, error, np.sqrt(second), likely, mean, found.heat, settled)


def _of_groups(
    groups: Groups, at: list[int], amounts: np.ndarray, inverse: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which groups a set holds, the amount of each, and its variance where that of the noise is 1; each (group of the set,)."""
    unit = groups.unit[at]
    if len(set(groups.of[at].tolist())) == len(at):  # as nearly always: the sums below have one term
        return groups.of[at], unit * amounts, unit * np.diag(inverse) * unit
    where, place = np.unique(groups.of[at], return_inverse=True)
    into = np.zeros((len(where), len(at)))
    into[place, np.arange(len(at))] = unit
    return where, into @ amounts, np.einsum("gi,ij,gj->g", into, inverse, into)


def weighed(found: Energies) -> list[tuple[float, Set]]:
    """The sets that matter and their shares of 1, the best first."""
    least = max(found.seen.values()) - NEAR
    kept = sorted(((value, one) for one, value in found.seen.items() if value > least), reverse=True)
    weight = np.exp(np.array([value for value, _ in kept]) - kept[0][0])
    return list(zip((weight / weight.sum()).tolist(), (one for _, one in kept), strict=True))
