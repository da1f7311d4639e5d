"""Which components each spectrum holds, by principal pivots of one small tableau per spectrum, all spectra at once.

With Gram matrix G, b = x Sᵀ and the set P of components that are held, the tableau of a spectrum is [[G, b], [bᵀ, 0]] swept
on P (Beaton 1964; Dantzig & Cottle 1968, for the complementarity problem that non-negative least squares is): beside the
components of P stand the inverse of their Gram matrix and their amounts, beside the others what they would still explain.
A pivot, by which one component enters or leaves, costs k² and not k³ as an inverse would. Only sums and products of single
numbers are made, so that a row gets the same bits whatever the others are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

VALUES = 2**17  # of the tableaux that are looked at together: what a cache holds
PIVOTS = 4  # times the components, and ten: how many are tried, before it is left to another solver
FEW = 1 / 3  # of the components that are negative without constraint: up to here that is where a spectrum starts
FLAT = 1e-12  # pivots below it, of unit spectra, are rounding
REFINED = 2  # steps of refinement of the amounts
TINY = 1e-300


class Problem(NamedTuple):
    """What all spectra share. gram : (k, k) of unit components      edge : (k,) of the constraint edge · c = 1, or None

    slack : what a component may still explain, relative to the largest of b
    """

    gram: np.ndarray
    edge: np.ndarray | None
    slack: float

    @property
    def size(self) -> int:
        """Of the equations: components, and the constraint."""
        return len(self.gram) + (self.edge is not None)

    def bordered(self) -> np.ndarray:
        """The matrix of the equations where all components are held."""
        if self.edge is None:
            return self.gram
        return np.block([[self.gram, self.edge[:, None]], [self.edge[None], np.zeros((1, 1))]])


def active_amounts(b: np.ndarray, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Amounts c (n, k) >= 0 of least ½ c G c' - b c', zeros exact, and for which rows they are known to be (n,) bool.

    b : (n, k) products of spectra with the unit components, of as many rows at each call if bits shall not depend on that
    """
    k, m = b.shape[1], problem.size
    right = np.column_stack([b, np.ones(len(b))]) if m > k else b
    whole = problem.bordered()
    inverse = np.linalg.inv(whole)
    z = right @ inverse
    z += (right - z @ whole) @ inverse
    held = np.ones(z.shape, bool)
    rows = np.flatnonzero((z[:, :k] < 0).any(1))
    turned = np.zeros((len(rows), m + 1, m + 1))
    held[rows] = _turn(b[rows], z[rows, :k], problem, turned)
    z[rows] = np.where(held[rows], turned[:, :m, m], 0.0)
    for _ in range(REFINED):
        left = np.where(held, right - z @ whole, 0.0)[rows]
        z[rows] -= np.where(held[rows], (turned[:, :m, :m] * left[:, None]).sum(2), 0.0)
    value, rest = z[:, :k], right - z @ whole
    size = np.maximum(np.abs(b).max(1, initial=0.0), TINY)[:, None]
    fits = np.where(
        held[:, :k], (value >= 0) & (np.abs(rest[:, :k]) <= problem.slack * size), rest[:, :k] <= problem.slack * size
    )
    return np.where(held[:, :k], value, 0.0), fits.all(1)


def _turn(b: np.ndarray, free: np.ndarray, problem: Problem, found: np.ndarray) -> np.ndarray:
    """Tableaux turned until nothing helps, into `found` (n, m + 1, m + 1); returns what they are swept on, (n, m) bool.

    free : (n, k) amounts without c >= 0
    """
    swept = np.ones((len(b), problem.size), bool)
    rows = max(1, VALUES // found.shape[1] ** 2)
    many = (free < 0).sum(1) > FEW * b.shape[1]
    for mine, start in ((np.flatnonzero(~many), _all_held), (np.flatnonzero(many), _none_held)):
        for i in range(0, len(mine), rows):
            part = mine[i : i + rows]
            tableau, inside = start(b[part], free[part], problem)
            _pivots(tableau, inside, b[part], problem.slack, found, swept, part)
    return swept


def _all_held(b: np.ndarray, free: np.ndarray, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Tableaux swept on everything, and what is swept."""
    n, m = len(b), problem.size
    tableau = np.zeros((n, m + 1, m + 1))
    tableau[:, :m, :m] = -np.linalg.inv(problem.bordered())
    tableau[:, : b.shape[1], m] = tableau[:, m, : b.shape[1]] = free
    return tableau, np.ones((n, m), bool)


def _none_held(b: np.ndarray, free: np.ndarray, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Tableaux of nothing; under a constraint of the one component that explains most alone."""
    n, m = len(b), problem.size
    tableau = np.zeros((n, m + 1, m + 1))
    tableau[:, :m, :m] = problem.bordered()
    tableau[:, : b.shape[1], m] = tableau[:, m, : b.shape[1]] = b
    inside = np.zeros((n, m), bool)
    if problem.edge is not None:
        tableau[:, m - 1, m] = tableau[:, m, m - 1] = 1.0
        alone = (0.5 * problem.gram.diagonal() / problem.edge - b) / problem.edge
        for which in (alone.argmin(1), np.full(n, m - 1)):
            _pivot(tableau, which, inside)
    return tableau, inside


def _pivots(
    tableau: np.ndarray, inside: np.ndarray, b: np.ndarray, slack: float, found: np.ndarray, swept: np.ndarray,
    rows: np.ndarray,
) -> None:  # fmt: skip
    """Pivot where it helps most until nothing helps; the last tableaux go into `found` and `swept` at these rows."""
    k = b.shape[1]
    least = slack * np.maximum(np.abs(b).max(1, initial=0.0), TINY)[:, None]
    for _ in range(PIVOTS * k + 10):
        value, across = tableau[:, :k, -1], np.abs(tableau[:, np.arange(k), np.arange(k)])
        wrong = np.where(inside[:, :k], value < 0, value > least)
        gain = np.where(wrong & (across > FLAT), value**2 / np.maximum(across, FLAT), 0.0)
        which = gain.argmax(1)
        going = gain[np.arange(len(gain)), which] > 0
        if not going.all():
            found[rows[~going]], swept[rows[~going]] = tableau[~going], inside[~going]
            tableau, inside, rows, which, least = (part[going] for part in (tableau, inside, rows, which, least))
        if not len(rows):
            return
        _pivot(tableau, which, inside)
    found[rows], swept[rows] = tableau, inside


def _pivot(tableau: np.ndarray, which: np.ndarray, inside: np.ndarray) -> None:
    """Sweep each tableau on one index, or sweep it back where it is swept; writes on both arrays."""
    every = np.arange(len(which))
    column = tableau[every, which]
    across = column[every, which][:, None]
    share = column / across
    tableau -= share[:, :, None] * column[:, None]
    share *= np.where(inside[every, which], -1.0, 1.0)[:, None]
    share[every, which] = -1 / across[:, 0]
    tableau[every, which] = share
    tableau[every, :, which] = share
    inside[every, which] ^= True
