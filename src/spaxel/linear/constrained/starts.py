"""Where a constrained factorisation begins: spectra from the purest samples, known ones among them, and concentrations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment, nnls

from spaxel.linear.constrained.half_steps import Rules, Table, least_squares
from spaxel.linear.constrained.trilinear import alike_in_runs
from spaxel.linear.sparse.codes import Problem
from spaxel.linear.sparse.starts import farthest, normalised, starts, subspace

Guess = tuple[np.ndarray, np.ndarray]  # concentrations (n, k), spectra (k, channel)
SIGNED = 5  # starts of signed spectra
PLAIN = Rules()


class Begin(NamedTuple):
    """known : (m, channel) components, or None      start : (k, channel) one more start, or None
    closed : scales such that concentrations sum to about 1      lowest : 0, or -inf for signed spectra
    only : no start besides `start`
    allowed : (n, k) bool, False where a concentration is 0      alike : (run, time) rows of runs with the same profiles
    """

    known: np.ndarray | None = None
    start: np.ndarray | None = None
    closed: bool = False
    lowest: float = 0.0
    seed: int = 0
    only: bool = False
    allowed: np.ndarray | None = None
    alike: np.ndarray | None = None


def guesses(whole: np.ndarray, trusted: np.ndarray, k: int, begin: Begin) -> list[Guess]:
    """Starts for k components of a table without holes (n, channel), best bets first.

    trusted : (n,) bool, samples to take spectra from
    """
    known, start, closed, lowest, seed, only, allowed, alike = begin
    spectra = [] if start is None else [normalised(np.asarray(start, np.float64))]
    spectra += [] if only and spectra else _purest(whole[trusted], k, lowest, seed)
    spectra = [_with_known(_exactly(whole[trusted], s, k, lowest), known) for s in spectra]
    fixed = 0 if known is None else len(known)
    if allowed is not None:
        spectra = [_placed(whole, s, allowed, fixed) for s in spectra]
        spectra = [_by_place(whole, allowed, known, lowest), *spectra]
    begun = [_guess(whole, s, fixed, closed=closed) for s in spectra]
    return [(_ruled(c, allowed, alike, closed=closed), s) for c, s in begun]


def _placed(whole: np.ndarray, s: np.ndarray, allowed: np.ndarray, fixed: int) -> np.ndarray:
    """Spectra in the order in which least of their amounts lies where it is not allowed; known ones stay."""
    energy = _amounts(whole, s)[:, fixed:] ** 2 * (s[fixed:] ** 2).sum(1)
    order = linear_sum_assignment((energy.T @ ~allowed[:, fixed:]).T)[1]
    return np.vstack([s[:fixed], s[fixed:][order]])


def _by_place(whole: np.ndarray, allowed: np.ndarray, known: np.ndarray | None, lowest: float) -> np.ndarray:
    """Spectra by the samples in which each component may be: those that hold few others count most."""
    weight = allowed / np.maximum(allowed.sum(1, keepdims=True), 1) ** 2
    s = normalised(np.maximum(weight.T @ whole, lowest))
    s = np.where(s.any(1, keepdims=True), s, whole.shape[1] ** -0.5)
    return s if known is None else np.vstack([known, s[len(known) :]])


def _ruled(c: np.ndarray, allowed: np.ndarray | None, alike: np.ndarray | None, *, closed: bool) -> np.ndarray:
    """Amounts that keep to zeros and to profiles that are alike."""
    if allowed is not None:
        c = np.where(allowed, c, 0.0)
        if closed:
            lost = ~c.any(1)
            c[lost] = allowed[lost]
            c = c / c.sum(1, keepdims=True)
    if alike is None:
        return c
    one = np.ones(len(c)) if allowed is None else allowed.astype(np.float64).T
    bends = np.broadcast_to(one, c.T.shape)
    return np.column_stack(
        [alike_in_runs(bend * y, bend, y, alike, one_maximum=False) for y, bend in zip(c.T, bends, strict=True)]
    )


def _purest(whole: np.ndarray, k: int, lowest: float, seed: int) -> list[np.ndarray]:
    """Extreme samples of what has signal: by their shares of the total, by their size, and between the two.

    These do not depend on the order of the samples; signed spectra have the starts of the sparse factorisation.
    """
    if lowest < 0:
        return starts(Problem(whole[whole.any(1)], 1.0, 0.0, 0.0, signed=True), k, SIGNED, seed)
    lit = np.maximum(whole, 0)
    lit = lit[lit.any(1)]
    left, values, right = subspace(lit, k)
    scores = left * values
    length = np.maximum(np.linalg.norm(scores, axis=1), 1e-300)
    clouds = [scores, scores / np.sqrt(length)[:, None]]
    first = starts(Problem(lit, 1.0, 0.0, 0.0), k, 1, seed)
    return first + [normalised(np.maximum(scores[farthest(cloud, k)] @ right, 0)) for cloud in clouds]


def _exactly(whole: np.ndarray, s: np.ndarray, k: int, lowest: float) -> np.ndarray:
    """k spectra: more are cut, fewer are completed by what they explain worst."""
    while len(s) < k:
        rest = whole - (_amounts(whole, s) @ s if len(s) else 0.0)
        rest = rest if lowest < 0 else np.maximum(rest, 0)
        worst = rest[int((rest**2).sum(1).argmax())]
        size = np.linalg.norm(worst)
        new = worst / size if size > 0 else np.full(whole.shape[1], whole.shape[1] ** -0.5)
        s = np.vstack([s, new])
    return s[:k]


def _with_known(s: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    """Known spectra first; the ones that they match best are left out."""
    if known is None:
        return s
    alike = normalised(np.asarray(known, np.float64)) @ normalised(s).T
    out = linear_sum_assignment(-alike)[1]
    return np.vstack([known, np.delete(s, out, axis=0)])


def _amounts(whole: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Non-negative concentrations, nearly."""
    c = np.maximum(whole @ np.linalg.pinv(s), 0)
    return least_squares(Table(whole, None, np.ones(len(whole))), s, c, PLAIN, 20)


def _guess(whole: np.ndarray, s: np.ndarray, fixed: int, *, closed: bool) -> Guess:
    c = _amounts(whole, s)
    if not closed:
        return c, s
    if fixed < len(s) and c[:, fixed:].any(0).all():
        scale = _even(1 - c[:, :fixed].sum(1), c[:, fixed:])
        c[:, fixed:] *= scale
        s = np.vstack([s[:fixed], s[fixed:] / scale[:, None]])
    total = c.sum(1, keepdims=True)
    return np.where(total > 0, c / np.where(total > 0, total, 1.0), 1 / len(s)), s


def _even(target: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Scales for which c @ scale is nearest to the target, none less than a hundredth of the largest."""
    scale = nnls(c, target)[0]
    return np.maximum(scale, 0.01 * scale.max()) if scale.any() else np.ones(len(scale))
