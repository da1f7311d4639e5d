"""What is to be said of a table with more factors than components: which systematic error, and what the number is without."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.linear.count.edge import edge
from spaxel.linear.noise import eigenvalues
from spaxel.linear.systematic.fitting import without_errors
from spaxel.linear.systematic.number import least_number, white_number
from spaxel.linear.systematic.signs import kinds_of, signs

NUMBERS = {"drift": 4, "gain": 3, "moves": 4}  # of each sample, that an error has
CLEAR = 5.0  # standard deviations of what noise gains by an error
FAR = 150.0  # widths above the noise, from which on a component is no remnant


class Error(NamedTuple):
    """name : drift, gain, moves or coloured      number : of components without it, of `counted` with it
    clear : whether the weakest of these stands far above the noise; if not, weak components may be taken for the error
    """

    name: str
    number: int
    counted: int
    clear: bool


def systematic_error(Y: np.ndarray, k: int, noise: float) -> Error | None:
    """The systematic error that explains why k factors stand above the noise of Y (n, channel); None if none does.

    Each error that shows a sign is taken off; of those that leave fewer components, the one with the best price is it, if this
    is clearly lower than that of k factors: what is left unexplained over the variance of the noise, (√n + √channel)² for each
    factor (what one takes of noise), and 1 for each number of an error. Fails for errors that are none of these, and for two
    at once.
    """
    if k < 2 or min(Y.shape) < 8 or k >= min(Y.shape) - 1 or noise <= 0:
        return None
    seen, shared = signs(Y, k, noise)
    if shared:
        number = white_number(Y, k)
        if number < k:
            return Error("coloured", number, k, clear=True)
    least, best = _price(Y, k, noise), None
    for name in seen:
        number, numbers = least_number(Y, k, kinds_of(name)), NUMBERS[name] * len(Y)
        if number < k:
            table = without_errors(Y, number, kinds_of(name)).table
            price = _price(table, number, noise) + numbers + CLEAR * np.sqrt(2 * numbers)
            if price < least:
                weakest = edge(eigenvalues(table), *table.shape).excess[number - 1]
                least, best = price, Error(name, number, k, clear=bool(weakest > FAR))
    return best


def _price(table: np.ndarray, k: int, noise: float) -> float:
    n, d = table.shape
    return float(eigenvalues(table)[k:].sum() / noise**2 + k * (np.sqrt(n) + np.sqrt(d)) ** 2)
