"""The components of a table that a law f(c, S, θ) mixes: the law is undone, the linear solver counts, θ follows, in rounds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spaxel.linear.count.edge import edge
from spaxel.linear.noise import eigenvalues
from spaxel.linear.sparse.codes import Prices, code, unit, update_spectra
from spaxel.linear.sparse.factorise import factorise
from spaxel.methods.ebgmcr.codes import curved_codes, gauss_newton, made_linear, mixed, theta_step, undone
from spaxel.methods.ebgmcr.curves import learn_curve
from spaxel.methods.ebgmcr.laws import Aggregate

ROUNDS = 3
SETTLING = 6  # of amounts, spectra and θ, at one support
HAZE = (0.2, 0.1)  # noise over signal that is added for a start: what is small drowns, and with it false components
AHEAD = 8  # ranks beyond the one counted, that are looked at
NEAR = 0.01  # of θ, below which a round changed nothing
MOST_FALSE = 1.5  # components of the linear solution over the best number, above which it is no start


@dataclass(frozen=True)
class Solution:
    """Components S (k, channel) of norm 1, amounts C (n, k), θ (p,), noise sigma (n,) of the samples."""

    S: np.ndarray
    C: np.ndarray
    theta: np.ndarray
    sigma: np.ndarray

    @property
    def k(self) -> int:
        """Number of components."""
        return len(self.S)


@dataclass(frozen=True)
class Task:
    """What all rounds share. number : of components, None = found      fixed : known components, the first rows of S
    sparse : a price for each channel that is not 0, in place of one for the component
    """

    aggregate: Aggregate
    number: int | None = None
    signed: bool = False
    seed: int = 0
    fixed: int = 0
    sparse: bool = False


def price(X: np.ndarray, found: Solution, task: Task, n: int) -> float:
    """The objective of the solver per sample: fit in units of the noise, a price per amount, and one per component.

    X : (m, channel) some of n samples      |x - f|² / (2 σ²) + (ln k + 3) #{c > 0} + (d/2 + 6 √(d/2)) k / n
    """
    S, C = found.S, found.C
    rest = (X - mixed(task.aggregate, C, S, found.theta)) / found.sigma[:, None]
    half = X.shape[1] / 2
    usage = (np.log(max(len(S), 1)) + 3) * np.count_nonzero(C) / len(X)
    size = np.count_nonzero(S) * (np.log(2 * half) + 3) if task.sparse else (half + 6 * np.sqrt(half)) * len(S)
    return float((rest**2).sum() / (2 * len(X)) + usage + size / n)


def best_theta(X: np.ndarray, sigma: np.ndarray, aggregate: Aggregate) -> np.ndarray:
    """θ of a law that acts on each value alone, for which undoing it leaves the least rank."""
    if aggregate.linear:
        return np.zeros(0)
    return profile_theta(X, sigma, aggregate) if aggregate.grid else learn_curve(X, sigma)


def profile_theta(X: np.ndarray, sigma: np.ndarray, aggregate: Aggregate) -> np.ndarray:
    """θ of a law that acts on each value alone: the least rank after undoing it, and there the least left unexplained.

    Undoing too little or too much only adds to the rank. What is left is compared in the space of X, so that the stretch of
    the inverse does not count.
    """
    trials = [Undone(X, sigma, aggregate, np.array(theta)) for theta in aggregate.grid]
    rank = max(1, min(trial.rank for trial in trials))
    left = [trial.left(rank) for trial in trials]
    best = int(np.argmin(left))
    if 0 < best < len(left) - 1:
        at = np.exp([aggregate.grid[i][0] for i in (best - 1, best, best + 1)])
        bend = np.polyfit(at, left[best - 1 : best + 2], 2)
        if bend[0] > 0:
            return np.log(np.clip([-bend[1] / (2 * bend[0])], at[0], at[2]))
    return np.array(aggregate.grid[best])


class Undone:
    """X with the law undone at one θ: its rank, and what a given rank leaves of X."""

    def __init__(self, X: np.ndarray, sigma: np.ndarray, aggregate: Aggregate, theta: np.ndarray) -> None:
        Y, wide = undone(X, sigma, aggregate, theta)
        self.X, self.sigma, self.aggregate, self.theta = X, sigma, aggregate, theta
        self.w = (np.median(wide) / wide)[:, None]
        self.Y = Y * self.w
        self.rank = edge(eigenvalues(self.Y), *Y.shape).n

    def left(self, k: int) -> float:
        """Mean square, in units of the noise, of X less the law of rank k."""
        return float(self._left(self._vectors(), k))

    def left_by_rank(self) -> np.ndarray:
        """The same of the ranks 1, 2, … up to the rank that was counted, and some more."""
        vectors = self._vectors()
        return np.array([self._left(vectors, k) for k in range(1, min(max(self.rank, 1) + AHEAD, len(vectors)) + 1)])

    def _vectors(self) -> np.ndarray:
        Y = self.Y
        return np.linalg.eigh(Y.T @ Y if len(Y) > Y.shape[1] else Y @ Y.T)[1]

    def _left(self, vectors: np.ndarray, k: int) -> float:
        Y, top = self.Y, vectors[:, -k:]
        low = ((Y @ top) @ top.T if len(Y) > Y.shape[1] else top @ (top.T @ Y)) / self.w
        if not self.aggregate.linear:
            low = self.aggregate.mix(low.reshape(-1, 1), np.ones((1, 1)), self.theta).reshape(low.shape)
        return float((((self.X - low) / self.sigma[:, None]) ** 2).mean())


def solve_linear(Y: np.ndarray, sigma: np.ndarray, task: Task) -> Solution:
    """The linear solution of samples whose noise is known up to a factor, with the noise that it finds."""
    w = np.median(sigma) / sigma
    Y = Y if task.signed else np.maximum(Y, 0)
    number = None if task.number is None else min(task.number, *Y.shape)
    found = factorise(Y * w[:, None], number, signed=task.signed, power=0, seed=task.seed)
    noise = float(np.nanmedian(found.noise)) / w
    return Solution(found.components, found.concentrations / w[:, None], np.zeros(0), noise)


def settle(X: np.ndarray, start: Solution, task: Task, n: int = SETTLING) -> Solution:
    """Amounts, components and θ by turns, at prices that close what is not needed."""
    S, C, theta, sigma = start.S, start.C, start.theta, start.sigma
    w = 1 / sigma[:, None]
    for _ in range(n):
        if not task.aggregate.linear:
            theta = theta_step(X, C, S, sigma, task.aggregate, theta)
        Y = made_linear(X, C, S, task.aggregate, theta) * w
        c = code(Y, S, C * w, 4, Prices(0.0, 2 * (np.log(len(S)) + 3)))
        new = update_spectra(Y, c, S, 3, signed=task.signed)
        new[: task.fixed] = S[: task.fixed]
        c, S = unit(c, new if task.signed else np.maximum(new, 0))
        C = gauss_newton(X, c / w, S, task.aggregate, theta)
    return Solution(S, C, theta, sigma)


def solve_curved(X: np.ndarray, linear: Solution, task: Task) -> Solution:
    """The best solution of several starts and rounds, by `price` at the least noise found.

    X : (n, channel)      linear : the solution that takes no notice of the law
    """
    tried: list[Solution] = []
    sigma = linear.sigma
    if task.aggregate.inverse is not None:
        theta = best_theta(X, sigma, task.aggregate)
        begun = solve_linear(*undone(X, sigma, task.aggregate, theta), task)
        tried += run_rounds(X, replace(begun, theta=theta, sigma=sigma), task)
    else:
        theta = np.array(task.aggregate.start)
        for haze in HAZE:
            begun = replace(hazy_start(X, sigma, haze, task), theta=theta)
            tried += run_rounds(X, begun, task, sigma)
            if len(tried) > 1 and _stays(tried[-2], tried[-1]):
                break
        if linear.k <= MOST_FALSE * min(t.k for t in tried):
            tried += run_rounds(X, replace(linear, theta=theta), task)
    return best(X, tried, task)


def best(X: np.ndarray, tried: list[Solution], task: Task) -> Solution:
    """The one with the least price, at the least noise that any of them found."""
    level = min(float(np.median(t.sigma)) for t in tried)
    sigma = tried[0].sigma * (level / np.median(tried[0].sigma))
    chosen = min(tried, key=lambda t: price(X, replace(t, sigma=sigma), task, len(X)))
    return replace(chosen, sigma=sigma)


def hazy_start(X: np.ndarray, sigma: np.ndarray, haze: float, task: Task) -> Solution:
    """The linear solution of the samples with noise added, `haze` times their norm: small products drown in it."""
    rng = np.random.default_rng([task.seed, 24])
    added = haze * np.linalg.norm(X, axis=1) / np.sqrt(X.shape[1])
    wide = np.hypot(sigma, added)
    found = solve_linear(X + rng.standard_normal(X.shape) * added[:, None], wide, task)
    return replace(found, sigma=wide)


def run_rounds(X: np.ndarray, begun: Solution, task: Task, sigma: np.ndarray | None = None) -> list[Solution]:
    """Rounds of: settle, undo the law, solve anew; until number and θ stay. All solutions on the way."""
    sigma = begun.sigma if sigma is None else sigma
    now, found = settle(X, begun, task), []
    for _ in range(ROUNDS):
        before = now
        solved = solve_linear(made_linear(X, now.C, now.S, task.aggregate, now.theta), sigma, task)
        sigma = np.minimum(sigma, solved.sigma)
        C = curved_codes(X, solved.S, sigma, task.aggregate, now.theta)
        now = settle(X, Solution(solved.S, C, now.theta, sigma), task)
        C = curved_codes(X, now.S, sigma, task.aggregate, now.theta)
        found.append(replace(now, C=C))
        if _stays(before, now):
            break
    return found


def _stays(before: Solution, now: Solution) -> bool:
    return now.k == before.k and bool(np.abs(now.theta - before.theta).max(initial=0) < NEAR)
