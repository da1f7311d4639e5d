"""Where a constrained factorisation begins: spectra from the purest samples, known ones among them, and concentrations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment, nnls

from spaxel.linear.constrained.half_steps import Rules, Table, least_squares
from spaxel.linear.sparse.codes import Problem
from spaxel.linear.sparse.starts import farthest, normalised, starts, subspace

Guess = tuple[np.ndarray, np.ndarray]  # concentrations (n, k), spectra (k, channel)
SIGNED = 5  # starts of signed spectra
PLAIN = Rules()


class Begin(NamedTuple):
    """known : (m, channel) components, or None      start : (k, channel) one more start, or None
    closed : scales such that concentrations sum to about 1      lowest : 0, or -inf for signed spectra
    only : no start besides `start`
    """

    known: np.ndarray | None = None
    start: np.ndarray | None = None
    closed: bool = False
    lowest: float = 0.0
    seed: int = 0
    only: bool = False


def guesses(whole: np.ndarray, trusted: np.ndarray, k: int, begin: Begin) -> list[Guess]:
    """Starts for k components of a table without holes (n, channel), best bets first.

    trusted : (n,) bool, samples to take spectra from
    """
    known, start, closed, lowest, seed, only = begin
    spectra = [] if start is None else [normalised(np.asarray(start, np.float64))]
    spectra += [] if only and spectra else _purest(whole[trusted], k, lowest, seed)
    spectra = [_with_known(_exactly(whole[trusted], s, k, lowest), known) for s in spectra]
    return [_guess(whole, s, 0 if known is None else len(known), closed=closed) for s in spectra]


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
