"""Codes of spectra that are mixed by a law f(c, S, θ) which is not linear, and what the law leaves when it is undone.

All by NumPy. A spectrum is made linear around a code c0: x' = c0 S + x - f(c0, S, θ), which keeps its noise as it is; then
the solver of linear mixtures says which components it holds, and Gauss-Newton steps through f give the amounts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spaxel.linear.sparse.factorise import encode
from spaxel.methods.ebgmcr.laws import AGGREGATES, Aggregate, find_aggregate

PASSES = 4  # of making linear and coding
STEPS = 5  # of Gauss-Newton
SMALL = 1e-4  # of a sample's total: the step of a numerical derivative


class Heads(NamedTuple):
    """The amortised codes of a pool: amounts |A x|, gates [g·x / σ > edge].   amounts, gates : (k, channel)   edges : (k,)"""

    amounts: np.ndarray
    gates: np.ndarray
    edges: np.ndarray


@dataclass(frozen=True, eq=False)
class Coder:
    """What codes new spectra with a fitted model: a function that can be pickled.

    S : (k, channel)      theta : (p,)      mixing : name of the law, or a function      noise : (level, power, hottest)
    scale : of the spectra that were fitted      heads : where the gates say what a spectrum holds, not the solver
    """

    S: np.ndarray
    theta: np.ndarray
    mixing: str | Callable[..., Any]
    noise: list[float]
    scale: float
    heads: Heads | None = None

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Amounts (n, k) of spectra x (n, channel), and the spectra that they explain."""
        law, S, theta = law_of(self.mixing, self.theta), self.S, self.theta
        x = x / self.scale
        norm = np.linalg.norm(x, axis=1)
        level, power, hottest = self.noise
        sigma = np.maximum(level * norm**power, 1e-9 * norm + 1e-300)
        if self.heads is None:
            amounts = curved_codes(x, S, sigma, law, theta, hottest)
        else:
            amounts = gated_codes(x, S, sigma, law, theta, self.heads)
        return amounts * self.scale, mixed(law, amounts, S, theta) * self.scale


def law_of(mixing: str | Callable[..., Any], theta: np.ndarray) -> Aggregate:
    """The law of a fitted model: linear where nothing was learned."""
    return find_aggregate(mixing) if theta.size else AGGREGATES["linear"]


def mixed(aggregate: Aggregate, C: np.ndarray, S: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """The spectra (n, channel) that amounts C (n, k) of components S (k, channel) make."""
    return C @ S if aggregate.linear else aggregate.mix(C, S, theta)


def made_linear(X: np.ndarray, C: np.ndarray, S: np.ndarray, aggregate: Aggregate, theta: np.ndarray) -> np.ndarray:
    """X as it would be if it were mixed linearly: C S + X - f(C, S, θ), noise unchanged."""
    return X if aggregate.linear else C @ S + X - aggregate.mix(C, S, theta)


def undone(X: np.ndarray, sigma: np.ndarray, aggregate: Aggregate, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of a law that acts on each value alone, and the noise (n,) behind it; else X and sigma as they are."""
    if aggregate.inverse is None:
        return X, sigma
    Y = aggregate.inverse(X, theta)
    step = 0.1 * sigma[:, None]
    wider = aggregate.inverse(X + step, theta) - Y
    return Y, np.sqrt((wider**2).mean(1)) / 0.1


def curved_codes(
    X: np.ndarray,
    S: np.ndarray,
    sigma: np.ndarray,
    aggregate: Aggregate,
    theta: np.ndarray,
    hottest: float | None = None,
) -> np.ndarray:
    """Sparse amounts (n, k) >= 0 of spectra X (n, channel) through f; each row from its own spectrum alone.

    sigma : (n,) noise      hottest : as of spaxel.linear.sparse.factorise.encode
    """
    Y, wide = undone(X, sigma, aggregate, theta)
    C = encode(Y, S, wide, hottest=hottest)
    if aggregate.linear:
        return C
    for _ in range(PASSES):
        C = encode(made_linear(X, C, S, aggregate, theta), S, sigma, hottest=hottest)
    return gauss_newton(X, C, S, aggregate, theta)


def gauss_newton(X: np.ndarray, C: np.ndarray, S: np.ndarray, aggregate: Aggregate, theta: np.ndarray) -> np.ndarray:
    """Least squares through f on the support of C: amounts that would be negative become 0. A step that does not help a
    row is not taken."""
    fit = aggregate.mix(C, S, theta)
    lowest = ((X - fit) ** 2).sum(1)
    for _ in range(STEPS):
        new = C.copy()
        for rows, columns, J in tangents(C, S, aggregate, theta, fit):
            normal = J @ J.transpose(0, 2, 1)
            normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(J.shape[1]) + 1e-300
            right = J @ (X - fit)[rows][:, :, None]
            new[rows[:, None], columns] += np.linalg.solve(normal, right)[:, :, 0]
        new = np.maximum(new, 0)
        trial = aggregate.mix(new, S, theta)
        cost = ((X - trial) ** 2).sum(1)
        better = cost < lowest
        C = np.where(better[:, None], new, C)
        fit = np.where(better[:, None], trial, fit)
        lowest = np.minimum(cost, lowest)
    return C


def tangents(
    C: np.ndarray, S: np.ndarray, aggregate: Aggregate, theta: np.ndarray, fit: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Derivatives of f by the amounts on the support, rows grouped by how many they hold.

    returns : (rows (g,), columns (g, m), J (g, m, channel)) for each m
    """
    number = (C > 0).sum(1)
    order = np.argsort(C <= 0, axis=1, kind="stable")
    step = np.maximum(SMALL * C.sum(1), 1e-300)
    groups: list[tuple[np.ndarray, np.ndarray, list[np.ndarray]]]
    groups = [(r := np.flatnonzero(number == m), order[r, :m], []) for m in np.unique(number[number > 0])]
    for slot in range(number.max(initial=0)):
        moved = C.copy()
        moved[np.arange(len(C)), order[:, slot]] += step
        slope = (aggregate.mix(moved, S, theta) - fit) / step[:, None]
        for rows, columns, parts in groups:
            if slot < columns.shape[1]:
                parts.append(slope[rows])
    return [(rows, columns, np.stack(parts, 1)) for rows, columns, parts in groups]


def theta_step(
    X: np.ndarray, C: np.ndarray, S: np.ndarray, sigma: np.ndarray, aggregate: Aggregate, theta: np.ndarray
) -> np.ndarray:
    """θ after a Gauss-Newton step in which the amounts move along (variable projection)."""
    fit = aggregate.mix(C, S, theta)
    rest = (X - fit) / sigma[:, None]
    slopes = []
    for i in range(len(theta)):
        near = np.array(theta, float)
        near[i] += SMALL
        slopes.append((aggregate.mix(C, S, near) - fit) / SMALL / sigma[:, None])
    slope = np.stack(slopes, 1)
    for rows, _, J in tangents(C, S, aggregate, theta, fit):
        J = J / sigma[rows, None, None]
        normal = J @ J.transpose(0, 2, 1)
        normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(J.shape[1]) + 1e-300
        along = np.linalg.solve(normal, J @ slope[rows].transpose(0, 2, 1))
        slope[rows] -= along.transpose(0, 2, 1) @ J
    flat = slope.transpose(1, 0, 2).reshape(len(theta), -1)
    normal = flat @ flat.T
    move = np.linalg.lstsq(normal, flat @ rest.ravel(), rcond=1e-10)[0]
    return theta + np.clip(move, -0.7, 0.7)


def gated_codes(
    X: np.ndarray, S: np.ndarray, sigma: np.ndarray, aggregate: Aggregate, theta: np.ndarray, heads: Heads
) -> np.ndarray:
    """Amounts (n, k) where trained gates say which components a spectrum holds: least squares through f on these."""
    amounts, gates, edges = heads
    gates = gates / np.maximum(np.linalg.norm(gates, axis=1, keepdims=True), 1e-300)
    view = undone(X, sigma, aggregate, theta)[0]
    for last in (False, False, True):
        opened = (view @ gates.T) / sigma[:, None] > edges
        C = np.where(opened, np.maximum(np.abs(view @ amounts.T), 1e-12), 0)
        if not last:
            view = made_linear(X, C, S, aggregate, theta)
    return gauss_newton(X, C, S, aggregate, theta)
