"""From abundances to a measured value: a straight line, or a plane, with errors of samples that were left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import CubeError
from spaxel.linear.abundance_errors import CURRIE

FEWEST = 4  # known values
FREE = 3  # known values above the number of coefficients, from which on all components are tried together


class Line(NamedTuple):
    """value = offset + abundances @ slopes.

    slopes : (k,), 0 for components that are not used      inverse : (k + 1, k + 1), (A'A)^-1 of [1, abundances], 0 where unused
    spread : standard deviation of a value about the line, by samples that were left out
    """

    offset: float
    slopes: np.ndarray
    inverse: np.ndarray
    spread: float

    def values(self, abundances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (n,) of abundances (n, k), and the standard error of each as a measurement would differ from it."""
        A = _design(abundances)
        leverage = np.einsum("ij,jk,ik->i", A, self.inverse, A)
        return self.offset + abundances @ self.slopes, self.spread * np.sqrt(1 + leverage)

    @property
    def limit(self) -> float:
        """Value that is told from none in 19 of 20 samples, with a false alarm in one of 20 (Currie 1968).

        None is where the line says 0, for a sample that is otherwise as the known ones are: not where all abundances are 0.
        """
        spread_out = np.linalg.pinv(self.inverse[1:, 1:], hermitian=True)  # n times the covariance of the abundances
        middle = -spread_out @ self.inverse[1:, 0]
        value = self.offset + middle @ self.slopes
        along = self.slopes @ spread_out @ self.slopes
        leverage = self.inverse[0, 0] - middle @ self.inverse[1:, 1:] @ middle + value**2 / max(along, 1e-300)
        return CURRIE * self.spread * float(np.sqrt(1 + leverage))


class Calibration(NamedTuple):
    """line : of all known values      left_out : (n,) what a sample is said to hold without its own value, nan if unknown."""

    line: Line
    left_out: np.ndarray


def calibration(abundances: np.ndarray, known: np.ndarray) -> Calibration:
    """The line of known values (n,), nan where unknown, by abundances (n, k) of one component or of all.

    Which, is chosen by the errors of left-out samples; and `left_out` chooses anew without each sample, so that its errors are
    not those of a choice that has seen it. The abundances themselves have seen every spectrum, but no known value.
    Raises CubeError for fewer than four known values, or if all are the same.
    Fails where the value is not straight in the abundances, and outside the range of known values.
    """
    held = np.isfinite(known) & np.isfinite(abundances).all(1)
    y, c = known[held].astype(np.float64), abundances[held].astype(np.float64)
    if len(y) < FEWEST or np.ptp(y) == 0:
        raise CubeError(
            f"{len(y)} samples have a known value, of {len(np.unique(y))} kinds; at least {FEWEST} that differ are needed."
        )
    choices = _choices(c)
    out = np.array([_left_out(c[:, used], y) for used in choices])  # (choice, n)
    squares = (out - y) ** 2
    total = squares.sum(1)
    said = np.full(len(known), np.nan)
    said[held] = [_without(c, y, i, choices) for i in range(len(y))]
    return Calibration(_line(c, y, choices[int(total.argmin())], said[held] - y), said)


def _choices(c: np.ndarray) -> list[np.ndarray]:
    """Components that are tried together: each alone, and all."""
    n, k = c.shape
    alone = [np.array([j]) for j in range(k) if np.ptp(c[:, j]) > 0]
    whole = [np.arange(k)] if 1 < k <= n - FREE and np.linalg.matrix_rank(_design(c)) == k + 1 else []
    if not alone:
        raise CubeError("No component varies between the samples with a known value: nothing can be calibrated.")
    return alone + whole


def _design(c: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(c)), c])


def _left_out(c: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Values (n,) by the least squares of all other samples, from residual / (1 - leverage)."""
    A = _design(c)
    hat = A @ np.linalg.pinv(A)
    rest = y - hat @ y
    return y - rest / np.maximum(1 - hat.diagonal(), 1e-9)


def _without(c: np.ndarray, y: np.ndarray, i: int, choices: list[np.ndarray]) -> float:
    """The value of sample i by the line that is chosen and fitted without it."""
    others = np.arange(len(y)) != i
    part, known = c[others], y[others]
    errors = [((_left_out(part[:, used], known) - known) ** 2).sum() for used in choices]
    used = choices[int(np.argmin(errors))]
    line = np.linalg.lstsq(_design(part[:, used]), known, rcond=None)[0]
    return float(line[0] + c[i, used] @ line[1:])


def _line(c: np.ndarray, y: np.ndarray, used: np.ndarray, rest: np.ndarray) -> Line:
    """The line by these components. rest : (n,) errors of left-out samples, whose variance is spread² / (1 - leverage)"""
    A, k = _design(c[:, used]), c.shape[1]
    found = np.linalg.lstsq(A, y, rcond=None)[0]
    inverse = np.linalg.pinv(A.T @ A)
    free = 1 - np.einsum("ij,jk,ik->i", A, inverse, A)
    spread = float(np.sqrt((rest**2 * np.maximum(free, 0.0)).mean()))
    slopes, whole, places = np.zeros(k), np.zeros((k + 1, k + 1)), np.concatenate([[0], used + 1])
    slopes[used] = found[1:]
    whole[np.ix_(places, places)] = inverse
    return Line(float(found[0]), slopes, whole, spread)
