"""The energy of a set of known spectra as the explanation of one spectrum, and of all sets with one more.

x = a · S + noise, a >= 0, S the rows of the pool in the set; noise of unknown level, the same in all channels. The energy of a
set of k out of m is minus the logarithm of its posterior probability (up to a constant that all sets share):

    (n - k)/2 ln(π |x - a S|²) - ln Γ((n - k)/2) + ½ ln det S S' - Σ ln Φ(a / error) + k ln |x| + ln C(m, k)

The level of the noise is integrated out (its prior is 1/σ), amounts are integrated over a >= 0 with a flat prior from 0 to
what alone would make a spectrum as large as x, every number of spectra from none to the most is as likely, and so is every
set of one number. Φ is the part of an amount's distribution above zero, each taken by itself. Where noise is alike in
neighbouring channels, n channels tell as much as n / heat do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, log_ndtr

ALIKE = 1e-5  # of a spectrum that the others of a set must leave, else it tells nothing more
EXACT = 1e-13  # of the energy of a spectrum, below which nothing is left
SPARE = 12  # more spectra than asked for, that a set may have while it is made smaller
REMEMBERED = 200_000  # numbers about sets of each kind that a pool remembers, before it forgets them all

Set = tuple[int, ...]  # of rows of a pool, in rising order


class Known(NamedTuple):
    """Of a set of k, whatever spectrum it explains: inverse (k, k) of its products, and ln of the inverse's determinant."""

    inverse: np.ndarray
    determinant: float


class Beside(NamedTuple):
    """Of a set of k beside the whole pool.

    gram, along : (k, m) its products with the pool, and the inverse times these
    alone       : (m,) of each spectrum of the pool, what the set leaves of its square
    """

    gram: np.ndarray
    along: np.ndarray
    alone: np.ndarray


@dataclass(frozen=True, eq=False)
class Pool:
    """Known spectra (m, channel) of norm 1, their products (m, m), and the most that a spectrum may hold.

    What does not depend on the spectrum that is explained is remembered: many spectra ask for the same sets.
    """

    spectra: np.ndarray
    gram: np.ndarray
    most: int
    sets: dict[Set, Known] = field(default_factory=dict, repr=False)
    larger: dict[Set, Beside] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Number of known spectra."""
        return len(self.spectra)

    def known(self, chosen: Set) -> Known:
        """What `fit` needs of a set."""
        found = self.sets.get(chosen)
        if found is None:
            at = list(chosen)
            inverse = np.linalg.inv(self.gram.take(at, 0).take(at, 1))
            found = Known(inverse, float(np.linalg.slogdet(inverse)[1]))
            if len(self.sets) * len(at) ** 2 > REMEMBERED:
                self.sets.clear()
            self.sets[chosen] = found
        return found

    def beside(self, base: Set) -> Beside:
        """What `with_one_more` needs of a set."""
        found = self.larger.get(base)
        if found is None:
            gram = self.gram[list(base)]
            along = self.known(base).inverse @ gram
            found = Beside(gram, along, 1 - (gram * along).sum(0))
            if len(self.larger) * 2 * gram.size > REMEMBERED:
                self.larger.clear()
            self.larger[base] = found
        return found


def make_pool(spectra: np.ndarray, most: int) -> Pool:
    """A pool of spectra (m, channel), none of them zero."""
    unit = spectra / np.linalg.norm(spectra, axis=1, keepdims=True)
    return Pool(unit, unit @ unit.T, min(most, len(unit), max(1, spectra.shape[1] // 3)))


class Energies:
    """The sets that were looked at for one spectrum, each with minus its energy.   x : (channel,), not zero"""

    def __init__(self, pool: Pool, x: np.ndarray, heat: float = 1.0) -> None:
        self.pool, self.x = pool, x
        self.products, self.square = pool.spectra @ x, float(x @ x)
        self.warm(heat)

    def warm(self, heat: float) -> None:
        """Forget all sets; from now on the noise of so many channels is one."""
        self.heat = min(max(heat, 1.0), len(self.x) / (2.0 * self.pool.most + 2))
        self.seen: dict[Set, float] = {}
        self.opened: set[Set] = set()
        k = np.arange(self.pool.most + SPARE + 1)
        self.free = np.maximum(len(self.x) / self.heat - k, 0.5)
        m = self.pool.size
        chance = gammaln(k + 1) + gammaln(np.maximum(m - k, 0) + 1) - gammaln(m + 1)
        self.constant = gammaln(self.free / 2) - self.free / 2 * np.log(np.pi / self.heat) + chance
        self.constant += k / 2 * (np.log(self.heat) - np.log(self.square))

    def fit(self, chosen: Set) -> tuple[np.ndarray, np.ndarray, float]:
        """Amounts (k,), inverse of the products (k, k), and what is left of |x|²."""
        inverse, at = self.pool.known(chosen).inverse, list(chosen)
        amounts = inverse @ self.products[at]
        return amounts, inverse, max(self.square - float(self.products[at] @ amounts), EXACT * self.square)

    def variance(self, left: float | np.ndarray, k: int) -> float | np.ndarray:
        """Of the noise, where `left` of |x|² is not explained by k spectra."""
        return left / max(len(self.x) - k, 1) * self.heat

    def of(self, chosen: Set, *, keep: bool = True) -> float:
        """Minus the energy of one set."""
        if chosen in self.seen:
            return self.seen[chosen]
        k = len(chosen)
        if not k:
            value = self.constant[0] - self.free[0] / 2 * np.log(self.square)
        else:
            amounts, inverse, left = self.fit(chosen)
            error = np.sqrt(np.diag(inverse) * self.variance(left, k))
            value = self.constant[k] - self.free[k] / 2 * np.log(left) + self.pool.known(chosen).determinant / 2
            value += log_ndtr(amounts / error).sum()
        if keep:
            self.seen[chosen] = float(value)
        return float(value)

    def with_one_more(self, base: Set, least: float) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the pool that can be added to a set, and minus the energy of each larger set; only those above `least`.

        Each value is what `of` gives, here for the whole pool at once.
        """
        k = len(base)
        rest, alone, determinant, left = self.products, np.ones(self.pool.size), 0.0, self.square
        if k:
            amounts, inverse, left = self.fit(base)
            gram, along, alone = self.pool.beside(base)
            rest, determinant = rest - amounts @ gram, -self.pool.known(base).determinant
        able = (alone > ALIKE) & (rest > 0)
        alone = np.where(able, alone, 1.0)
        after = np.maximum(left - np.where(able, rest, 0.0) ** 2 / alone, EXACT * self.square)
        value = self.constant[k + 1] - self.free[k + 1] / 2 * np.log(after) - (determinant + np.log(alone)) / 2
        rows = np.flatnonzero(able & (value > least))
        if not len(rows):
            return rows, value[rows]
        alone, after, new = alone[rows], after[rows], rest[rows] / alone[rows]
        noise = self.variance(after, k + 1)
        value = value[rows] + log_ndtr(new * np.sqrt(alone / noise))
        if k:
            part = along[:, rows]
            spread = np.sqrt((np.diag(inverse)[:, None] + part**2 / alone) * noise)
            value += log_ndtr((amounts[:, None] - part * new) / spread).sum(0)
        return rows, value
