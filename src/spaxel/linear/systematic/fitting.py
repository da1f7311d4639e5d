"""Systematic errors fitted beside k components, and taken off: what is left has the noise that it had.

A table is y_i = G(θ_i, m_i) + b_i P + noise, the m_i in a space of k dimensions that nobody knows yet, θ_i a few numbers of
each sample. That space and the θ are found in turn (Gauss-Newton, the m_i eliminated). Of the table, G(θ, m) - m is taken off.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.linear.systematic.directions import leading
from spaxel.linear.systematic.kinds import DRIFT, Kinds, distorted, polynomials, slopes

ROUNDS = 25
AGAIN = 8  # rounds of a spectrum whose components are known
SETTLED = 1e-3  # of the rms of what is taken off
RIDGE = 1e-6  # of the mean square of slopes
LARGEST = 1.0  # number of an error
MOST = 0.7  # of the table that may be taken off, in its norm


class Fit(NamedTuple):
    """table : (n, channel) without the errors      theta : (n, q) of each sample      taken : what was taken off."""

    table: np.ndarray
    theta: np.ndarray
    taken: np.ndarray


def without_errors(Y: np.ndarray, k: int, kinds: Kinds, rounds: int = ROUNDS, begun: np.ndarray | None = None) -> Fit:
    """The table Y (n, channel), even noise, without errors of these kinds, beside k components.

    begun : what `beginning` gives for Y and these kinds, for whoever asks for several k
    A drift is what no component explains: the part of the smooth coefficients that goes along with abundances stays.
    Fails where there are not far more channels than components, and where errors are larger than what makes components
    differ: nothing is taken off where more than half of the energy would be.
    """
    k = max(1, min(k, min(Y.shape) - 1))
    if not kinds.drift:
        return _moved_back(Y, k, kinds, rounds, begun)[0]
    P = polynomials(Y.shape[1], DRIFT)
    smooth = Y @ P.T
    fit, near = _moved_back(Y - smooth @ P, k, kinds, rounds, begun)
    left = leading(fit.table, k, near).left
    table = fit.table + left @ (left.T @ smooth) @ P
    return Fit(table, fit.theta, Y - table)


def beginning(Y: np.ndarray, most: int, kinds: Kinds) -> np.ndarray:
    """Directions from which `without_errors` begins beside any number of components up to `most`: (more, channel)."""
    if kinds.drift:
        P = polynomials(Y.shape[1], DRIFT)
        Y = Y - (Y @ P.T) @ P
    return leading(Y, min(most, min(Y.shape) - 1)).near


def taken_off(x: np.ndarray, components: np.ndarray, kinds: Kinds) -> np.ndarray:
    """What errors of these kinds added to new spectra x (n, channel) of known components (k, channel), each row on its own."""
    right = np.linalg.svd(components, full_matrices=False)[2]
    P = polynomials(x.shape[1], DRIFT)
    theta, taken = np.zeros((len(x), len(slopes(x[:1], kinds)))), np.zeros_like(x)
    for _ in range(AGAIN if theta.shape[1] else 1):
        rest = x - taken
        m = (rest @ right.T) @ right
        tangents = slopes(m, kinds)
        if kinds.drift:
            tangents = np.concatenate([tangents, np.broadcast_to(P[:, None], (len(P), *x.shape))])
        found = _solved(tangents, x - distorted(m, theta, kinds), right)
        q = theta.shape[1]
        theta = np.clip(theta + found[:, :q], -LARGEST, LARGEST)
        taken = distorted(m, theta, kinds) - m + (found[:, q:] @ P if kinds.drift else 0.0)
    return taken


def _moved_back(
    Y: np.ndarray, k: int, kinds: Kinds, rounds: int, near: np.ndarray | None
) -> tuple[Fit, np.ndarray | None]:
    """The table without gains and moves, and directions that are near to its own."""
    taken = np.zeros_like(Y)
    theta = np.zeros((len(Y), len(slopes(Y[:1], kinds))))
    if not theta.shape[1]:
        return Fit(Y, theta, taken), near
    for _ in range(rounds):
        rest = Y - taken
        _, right, near = leading(rest, k, near)
        scores = rest @ right.T
        m = scores @ right
        theta = np.clip(theta + _solved_by_scores(slopes(right, kinds), scores, rest - m, right), -LARGEST, LARGEST)
        theta -= theta.mean(0)  # what all samples share belongs to the components
        new = distorted(m, theta, kinds) - m
        if np.linalg.norm(new) > MOST * np.linalg.norm(Y):  # such an error is none: too few components to see it by
            return Fit(Y, np.zeros_like(theta), np.zeros_like(Y)), None
        change = np.linalg.norm(new - taken)
        taken = new
        if change < SETTLED * np.linalg.norm(taken):
            break
    return Fit(Y - taken, theta, taken), near


def _solved_by_scores(shapes: np.ndarray, scores: np.ndarray, rest: np.ndarray, right: np.ndarray) -> np.ndarray:
    """As `_solved`, where the tangents of sample i are scores_i (k,) of the same shapes (q, k, channel): never held as such."""
    off = shapes - (shapes @ right.T) @ right
    q = len(off)
    gram, target = np.empty((len(scores), q, q)), np.empty((len(scores), q))
    for i in range(q):
        target[:, i] = np.einsum("ij,ij->i", rest @ off[i].T, scores)
        for j in range(i + 1):
            gram[:, i, j] = gram[:, j, i] = np.einsum("ij,ij->i", scores @ (off[i] @ off[j].T), scores)
    return _least(gram, target)


def _solved(tangents: np.ndarray, rest: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Least squares of rest_i (channel,) by the tangents (q, n, channel) of each sample, off the space of `right`: (n, q)."""
    off = tangents - (tangents @ right.T) @ right
    gram = np.einsum("qij,pij->iqp", off, off)
    return _least(gram, np.einsum("qij,ij->iq", off, rest))


def _least(gram: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Numbers (n, q) of normal equations (n, q, q) and (n, q)."""
    q = target.shape[1]
    size = np.einsum("iqq->i", gram) / q
    gram += (RIDGE * size + 1e-300)[:, None, None] * np.eye(q)
    return np.linalg.solve(gram, target[:, :, None])[:, :, 0]


def explained(tangents: np.ndarray, rest: np.ndarray, right: np.ndarray) -> float:
    """Energy of rest (n, channel) that the tangents of each sample explain. Arguments as of `_solved`."""
    off = tangents - (tangents @ right.T) @ right
    return float((np.einsum("qij,iq->ij", off, _solved(tangents, rest, right)) * rest).sum())
