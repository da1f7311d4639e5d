"""How far a factorisation is from unique: other mixtures of its components that fit as well and are not negative either.

C S = (C T⁻¹)(T S) for every T. Of all T that keep both sides non-negative, those are sought at which one component carries
the most and the least of the signal: the band of feasible solutions (rotational ambiguity).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from spaxel.errors import ParameterError
from spaxel.linear.noise import check_table
from spaxel.pace import paced

MOST = 4  # components up to which bands are sought
WITHIN = 2.0  # standard deviations of noise by which an entry may be negative
CUTS = 30  # times that entries which became negative are added to those that are watched
STARTS = 3  # of every search: no change, and changes at random
NEAR = 8  # ways in which T moves a little
SEED = 13
SLACK = 1e-7  # of the largest entry of a component, by which it may be negative after rounding


class Feasible(NamedTuple):
    """Bands of k components. Spectra at norm 1 (at closure as they are), profiles to match.

    spectra, profiles : (2, k, channel), (2, n, k): of each component where it carries least, and most
    lower, upper      : (k, channel) least and largest of each spectrum over all solutions found
    share             : (2, k) least and largest signal |c_j s_j| / |C S|      ambiguity : (k,) their difference, 0 = unique
    sentence          : what this means, or why it was not computed (ambiguity is then nan)
    """

    spectra: np.ndarray
    profiles: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    share: np.ndarray
    ambiguity: np.ndarray
    sentence: str


class _Task(NamedTuple):
    c: np.ndarray
    s: np.ndarray
    slack_c: np.ndarray  # by which entries may be negative, (k,)
    slack_s: np.ndarray
    size_c: np.ndarray  # the largest entry of each component, (k,)
    size_s: np.ndarray
    row: np.ndarray  # (p,) of the entries of T that may change
    column: np.ndarray
    closed: float  # 1 if rows of T keep their sum


def feasible_bands(
    concentrations: np.ndarray, components: np.ndarray, *, noise: float = 0.0, closure: bool = False, known: int = 0
) -> Feasible:
    """Bands of feasible solutions around X ≈ concentrations @ components, for at most four components.

    concentrations : (n, k) >= 0      components : (k, channel) >= 0      noise : standard deviation of an entry of X
    closure        : concentrations keep their sum      known : so many components, from the first, cannot change
    T has a diagonal of 1 (at closure, rows that sum to 1); an entry may be negative by two standard errors. Each extreme is
    sought by sequential quadratic programming from several starts, over the entries that are about to become negative. Tauler
    2001, doi:10.1002/cem.654; for two components it is the band of Lawton & Sylvestre 1971, exactly.
    Raises CubeError for NaN, ParameterError for negative values or another number of components.
    Fails to be the whole band where another extreme is hidden from every start; other constraints (one maximum) make the true
    band narrower.
    """
    c, s = check_table(concentrations, "The concentrations"), check_table(components, "The components")
    k = len(s)
    if c.shape[1] != k or (c < 0).any() or (s < 0).any() or not 0 <= known <= k:
        raise ParameterError(f"Bands need {k} non-negative concentrations and spectra, and 0 to {k} known components.")
    if k > MOST:
        return _none(c, s, too_many(k))
    if not (s.any(1).all() and c.any(0).all()):
        return _none(c, s, "Bands of feasible solutions are not computed, because a component is empty.")
    scale = np.ones(k) if closure else np.linalg.norm(s, axis=1)
    c, s = c * scale, s / scale[:, None]
    row, column = np.nonzero(~np.eye(k, dtype=bool))
    free = row >= known
    slack, size = (_errors(s.T, noise), _errors(c, noise)), (c.max(0), s.max(1))
    task = _Task(c, s, *slack, *size, row[free], column[free], float(closure))
    watched = _border(s.T), _border(c)
    wanted = paced([(sign, j) for sign in (1.0, -1.0) for j in range(k)], "bands")
    extremes = [_extreme(task, j, sign, watched) for sign, j in wanted]
    found = [extremes[:k], extremes[k:]]
    return _finished(task, found)


def too_many(k: int) -> str:
    """Why there are no bands of k components, if k is more than MOST."""
    return f"Bands of feasible solutions are not computed for more than {MOST} components; here are {k}."


def _none(c: np.ndarray, s: np.ndarray, why: str) -> Feasible:
    k = len(s)
    return Feasible(np.stack([s, s]), np.stack([c, c]), s, s, np.full((2, k), np.nan), np.full(k, np.nan), why)


def _errors(design: np.ndarray, noise: float) -> np.ndarray:
    """By how much the other factor's entries may be negative, (k,): standard errors of least squares on `design` (m, k)."""
    gram = design.T @ design
    return WITHIN * noise * np.sqrt(np.maximum(np.linalg.pinv(gram, hermitian=True).diagonal(), 0))


def _turn(task: _Task, theta: np.ndarray) -> np.ndarray:
    turn = np.eye(len(task.s))
    turn[task.row, task.column] = theta
    turn[np.diag_indices(len(turn))] -= task.closed * (turn.sum(1) - 1)
    return turn


def _extreme(task: _Task, j: int, sign: float, watched: tuple[set[int], set[int]]) -> np.ndarray:
    """T at which component j carries least (sign 1) or most (-1) of the signal."""
    best = np.zeros(len(task.row))
    if not len(best):
        return _turn(task, best)
    for start in _starts(task, j):
        theta = _searched(task, j, sign, start, watched)
        if sign * _share(task, j, theta)[0] < sign * _share(task, j, best)[0]:
            best = theta
    return _turn(task, best)


def _starts(task: _Task, j: int) -> list[np.ndarray]:
    """No change, and random changes shrunk until they are allowed."""
    rng = np.random.default_rng([SEED, j])
    starts = [np.zeros(len(task.row))]
    for _ in range(STARTS - 1 if len(task.s) > 2 else 0):  # between two components all borders lie in one direction
        step = rng.standard_normal(len(task.row))
        while not _allowed(task, step) and np.abs(step).max() > 1e-4:
            step /= 2
        starts.append(step)
    return starts


def _border(points: np.ndarray) -> set[int]:
    """Rows of (m, k) that come near zero first when T moves a little, in one way or another; all, if few."""
    k = points.shape[1]
    if len(points) <= 4 * k:
        return set(range(len(points)))
    ways = np.random.default_rng([SEED, 0]).standard_normal((NEAR, k, k)) * 0.3
    ways[:, np.arange(k), np.arange(k)] = 1.0
    scaled = points / np.maximum(points.max(0), 1e-300)
    return set((scaled @ ways.reshape(-1, k).T).argmin(0).tolist())


def _searched(task: _Task, j: int, sign: float, theta: np.ndarray, watched: tuple[set[int], set[int]]) -> np.ndarray:
    """An extreme under all constraints: under those watched, then with those that it breaks (they join), and so on."""
    start, bounds = theta, [(-20.0, 20.0)] * len(theta)
    for _ in range(CUTS):
        part = task._replace(s=task.s[:, sorted(watched[0])], c=task.c[sorted(watched[1])])
        positive = {"type": "ineq", "fun": partial(_room, part), "jac": partial(_slope, part)}
        found = minimize(
            lambda t: tuple(sign * v for v in _share(task, j, t)), theta, jac=True, method="SLSQP", bounds=bounds,
            constraints=positive, options={"maxiter": 100, "ftol": 1e-10},
        )  # fmt: skip
        theta = found.x if np.isfinite(found.x).all() else start
        if _allowed(task, theta):
            return theta
        s, c = _turned(task, theta)
        worst = set(s.argmin(1).tolist()), set(c.argmin(0).tolist())
        if all(new <= old for new, old in zip(worst, watched, strict=True)):
            break
        for new, old in zip(worst, watched, strict=True):
            old |= new
    return _back(task, start, theta)


def _back(task: _Task, start: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """The farthest point towards theta that is allowed."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _allowed(task, start + middle * (theta - start)) else (low, middle)
    return start + low * (theta - start)


def _turned(task: _Task, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    turn = _turn(task, theta)
    return turn @ task.s, task.c @ _inverse(turn)


def _inverse(turn: np.ndarray) -> np.ndarray:
    return np.linalg.inv(turn) if abs(np.linalg.det(turn)) > 1e-9 else np.linalg.pinv(turn)


def _room(task: _Task, theta: np.ndarray) -> np.ndarray:
    """What every entry is above its lowest allowed value, relative to the size of its component."""
    s, c = _turned(task, theta)
    return np.append((s + task.slack_s[:, None]).T / task.size_s, (c + task.slack_c) / task.size_c)


def _slope(task: _Task, theta: np.ndarray) -> np.ndarray:
    """Derivatives of `_room`, (entries, p)."""
    p, turn = np.arange(len(theta)), _turn(task, theta)
    inverse = _inverse(turn)
    slope_s = np.zeros((task.s.shape[1], len(turn), len(theta)))
    slope_s[:, task.row, p] = (task.s[task.column] - task.closed * task.s[task.row]).T / task.size_s[task.row]
    moved = (task.c @ inverse)[:, task.row]
    slope_c = -moved[:, None, :] * ((inverse[task.column] - task.closed * inverse[task.row]) / task.size_c).T[None]
    return np.concatenate([slope_s.reshape(-1, len(theta)), slope_c.reshape(-1, len(theta))])


def _allowed(task: _Task, theta: np.ndarray) -> bool:
    if abs(np.linalg.det(_turn(task, theta))) < 1e-9:
        return False
    return bool(_room(task, theta).min() >= -SLACK)


def _share(task: _Task, j: int, theta: np.ndarray) -> tuple[float, np.ndarray]:
    """Log of the squared signal of component j over the whole, and its derivatives."""
    turn = _turn(task, theta)
    inverse = _inverse(turn)
    gram_c, gram_s = task.c.T @ task.c, task.s @ task.s.T
    column, row = inverse[:, j], turn[j]
    size_c, size_s = column @ gram_c @ column, row @ gram_s @ row
    pull = gram_s @ row
    slope = -2 * (column @ gram_c @ inverse)[task.row] * (column[task.column] - task.closed * column[task.row]) / size_c
    slope += np.where(task.row == j, 2 * (pull[task.column] - task.closed * pull[task.row]) / size_s, 0.0)
    return float(np.log(size_c * size_s / (gram_c * gram_s).sum())), slope


def _finished(task: _Task, found: list[list[np.ndarray]]) -> Feasible:
    k = len(task.s)
    pairs = []
    for turn in (np.eye(k), *found[0], *found[1]):
        s, c = turn @ task.s, task.c @ np.linalg.inv(turn)
        scale = np.ones(k) if task.closed else np.linalg.norm(s, axis=1)
        pairs.append((np.maximum(s / scale[:, None], 0.0), np.maximum(c * scale, 0.0)))
    everything = np.stack([s for s, _ in pairs])
    spectra = np.stack([[pairs[1 + side * k + j][0][j] for j in range(k)] for side in (0, 1)])
    profiles = np.stack([np.column_stack([pairs[1 + side * k + j][1][:, j] for j in range(k)]) for side in (0, 1)])
    total = np.linalg.norm(task.c @ task.s)
    share = np.linalg.norm(profiles, axis=1) * np.linalg.norm(spectra, axis=2) / total
    ambiguity = np.maximum(share[1] - share[0], 0.0)
    words = ", ".join(f"{a:.2f}" for a in ambiguity)
    sentence = (
        f"Rotational ambiguity {words} (share of the signal by which a component can grow or shrink; 0 is unique)."
    )
    return Feasible(spectra, profiles, everything.min(0), everything.max(0), share, ambiguity, sentence)
