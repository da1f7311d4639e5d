"""How much of each component is in each spectrum: non-negative, and if wanted with a sum of one.

Both problems are solved exactly, by pivots (spaxel.linear.pivoting); the few spectra whose answer is not certain then, as where
components are nearly dependent, by a primal active set that walks for all of them at once. Blocks have a fixed size (the last
is padded), so the answer for a spectrum does not depend on the others.
"""

from __future__ import annotations

import warnings

import numpy as np

from spaxel.errors import CubeError
from spaxel.linear.pivoting import Problem, active_amounts
from spaxel.linear.vertex import check_spectra

BLOCK = 512  # spectra that are solved together, as in `mapping`
DUAL = 1e-11  # what a multiplier may be wrong by, relative to the data
DEPENDENT = 1e-13  # relative eigenvalue of the Gram matrix of unit components below which they are dependent
DARK = 0.1  # norm, relative to the median, below which a spectrum is dark


def nnls(X: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Non-negative least squares: argmin ‖x - c S‖² with c >= 0, for each row x of X.

    X : (n, channel)      S : (k, channel), signed or not      returns : (n, k), zeros exact
    Lawson & Hanson 1974, ch. 23, on Gram matrices (Bro & de Jong 1997), from the clipped least squares solution.
    Raises CubeError for NaN, unequal channels, or components of which one is zero or a mixture of the others.
    Fails to be exact to 1e-8 if components are nearly dependent (condition number of unit spectra above 10^4).
    """
    return _in_blocks(*_checked(X, S), closed=False)


def fcls(X: np.ndarray, S: np.ndarray, *, unit_norm: bool = False) -> np.ndarray:
    """Fully constrained least squares: argmin ‖x - c S‖² with c >= 0 and sum c = 1, for each row x of X.

    X : (n, channel)      S : (k, channel)      returns : (n, k), zeros exact, sums 1 to rounding
    unit_norm : True divides spectra and components by their norms first: brightness (slope, shadow) then does not
                count, at the price of noise in dark pixels, of which it warns; an all-zero spectrum gives nan
    Heinz & Chang 2001, doi:10.1109/36.911111
    Raises as `nnls`; components need only be affinely independent.
    Fails under uneven light unless unit_norm; with it, where a dark material (water) is told by its darkness.
    """
    X, S = _checked(X, S)
    if not unit_norm:
        return _in_blocks(X, S, closed=True)
    norm, length = np.linalg.norm(X, axis=1), np.linalg.norm(S, axis=1)
    if not length.all():
        raise CubeError("A component is all zero, so it has no unit norm. Try to leave it out.")
    warn_dark(norm)
    lit = norm > 0
    unit = X / np.where(lit, norm, 1.0)[:, None]
    return np.where(lit[:, None], _in_blocks(unit, S / length[:, None], closed=True), np.nan)


def free_brightness(X: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Shares at a free brightness per spectrum: x = b sum_k c_k s_k with b >= 0 and sum c = 1, that is, NNLS over its sum.

    X : (n, channel)      S : (k, channel)      returns : (n, k); nan where nothing fits (b = 0)
    The least squares solution of that model. Shares depend on how bright each component is (twice as bright, half the
    share before closure), which free brightness does not tell: choose it. Raises and fails as `nnls`.
    """
    c = nnls(X, S)
    total = c.sum(1, keepdims=True)
    return np.divide(c, total, out=np.full_like(c, np.nan), where=total > 0)


def warn_dark(norm: np.ndarray) -> float:
    """The share of spectra darker than a tenth of the median norm; a UserWarning if there are any. norm : (n,)."""
    share = float((norm < DARK * np.median(norm)).mean()) if len(norm) else 0.0
    if share:
        warnings.warn(
            f"{share:.1%} of the spectra are darker than {DARK:.0%} of the median; at unit norm their abundances are "
            "mostly noise. Try without unit norm, or mark them as invalid.",
            UserWarning,
            stacklevel=3,
        )
    return share


def _checked(X: np.ndarray, S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    X, S = check_spectra(X, zeros=True), check_spectra(S, zeros=True)
    if X.shape[1] != S.shape[1]:
        raise CubeError(f"The spectra have {X.shape[1]} channels, the components {S.shape[1]}. Try the same axis.")
    return X, S


def _in_blocks(X: np.ndarray, S: np.ndarray, *, closed: bool) -> np.ndarray:
    """Solve with components (and so their multipliers) scaled to unit norm."""
    length = np.linalg.norm(S, axis=1)
    scale = np.where(length > 0, length, 1.0)
    unit = S / scale[:, None]
    size = length.max(initial=0.0) or 1.0  # so that the constraint has numbers like those of the Gram matrix
    X, edge = X / size, size / scale if closed else None
    problem = Problem(unit @ unit.T, edge, DUAL)
    _check_independent(problem)
    out = np.empty((len(X), len(S)))
    for start in range(0, len(X), BLOCK):
        block = X[start : start + BLOCK]
        n = len(block)
        if n < BLOCK:
            block = np.concatenate([block, np.repeat(block[:1], BLOCK - n, axis=0)])
        out[start : start + n] = _solved(block @ unit.T, problem)[:n]
    out *= size / scale
    return _closed(out) if closed else out


def _closed(c: np.ndarray) -> np.ndarray:
    return c / c.sum(1, keepdims=True)


def _solved(b: np.ndarray, problem: Problem) -> np.ndarray:
    """Amounts of a block of unit components, (BLOCK, k)."""
    c, exact = active_amounts(b, problem)
    rows = np.flatnonzero(~exact)
    if len(rows):
        walked = _walk(b[np.resize(rows, len(b))], problem.gram, problem.edge)
        c[rows] = walked[: len(rows)]
    return c


def _check_independent(problem: Problem) -> None:
    gram, edge = problem.gram, problem.edge
    if edge is not None:
        border = edge / np.linalg.norm(edge)
        gram = gram + border[:, None] * border  # positive definite on the constraint's null space is enough
    values = np.linalg.eigvalsh(gram)
    if values[0] <= DEPENDENT * values[-1]:
        raise CubeError(
            f"The {len(gram)} components are dependent (one is zero or a mixture of the others), so abundances are not "
            "determined. Try fewer components."
        )


def _walk(b: np.ndarray, gram: np.ndarray, edge: np.ndarray | None) -> np.ndarray:
    """Active set for all rows at once: argmin ½ c G c' - b c', c >= 0, and edge · c = 1 if given. b : (n, k)."""
    passive = np.ones(b.shape, dtype=bool)
    z, multiplier = _solve(b, gram, edge, passive)
    c = np.maximum(z, 0.0)
    if edge is not None:
        c /= (c @ edge)[:, None]  # positive, because edge · z = 1
    passive = c > 0
    slack = DUAL * np.maximum(np.abs(b).max(1), 1e-300)[:, None]
    done = (z >= 0).all(1)
    for _ in range(10 * b.shape[1] + 20):
        if done.all():
            return c
        z, multiplier = _solve(b, gram, edge, passive)
        blocked = passive & (z <= 0)
        inside = ~blocked.any(1)
        c = np.where(np.asarray(done)[:, None], c, _step(c, z, blocked))
        dual = np.where(passive, -np.inf, b - c @ gram - multiplier)
        worst = dual.argmax(1)
        done |= inside & (dual.max(1) <= slack[:, 0])
        passive = c > 0
        rows = np.nonzero(inside & ~done)[0]
        passive[rows, worst[rows]] = True
    if not done.all():
        warnings.warn(f"{int((~done).sum())} of {len(b)} abundances are not exact.", UserWarning, stacklevel=5)
    return c


def _step(c: np.ndarray, z: np.ndarray, blocked: np.ndarray) -> np.ndarray:
    """From c towards z until the first blocked abundance is zero; all the way where none is blocked."""
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = np.where(blocked, c / (c - z), 1.0)
    reach = np.nan_to_num(reach, nan=0.0)
    share = reach.min(1, keepdims=True)
    moved = np.maximum(c + share * (z - c), 0.0)
    moved[blocked & (reach <= share)] = 0.0
    return np.where(share < 1, moved, np.maximum(z, 0.0))


def _solve(
    b: np.ndarray, gram: np.ndarray, edge: np.ndarray | None, passive: np.ndarray
) -> tuple[np.ndarray, np.ndarray | float]:
    """Least squares on the passive set of each row, zero elsewhere, and the constraint's multiplier times edge.

    One inverse is made for each different passive set, and one step of refinement.
    """
    n, k = b.shape
    sets, which = _distinct(passive)
    p = sets.astype(np.float64)
    size = k + (edge is not None)
    K = np.zeros((len(sets), size, size))
    K[:, :k, :k] = gram * p[:, :, None] * p[:, None, :] + np.eye(k) * (1 - p)[:, None, :]
    right = np.zeros((n, size, 1))
    right[:, :k, 0] = np.where(passive, b, 0.0)
    if edge is not None:
        K[:, k, :k] = K[:, :k, k] = p * edge
        right[:, k] = 1.0
    inverse, K = np.linalg.inv(K)[which], K[which]
    z = inverse @ right
    z = (z + inverse @ (right - K @ z))[:, :, 0]
    return np.where(passive, z[:, :k], 0.0), (z[:, k:] * edge if edge is not None else 0.0)


def _distinct(passive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different rows, and which of them each row is."""
    k = passive.shape[1]
    if k > 62:
        sets, which = np.unique(passive, axis=0, return_inverse=True)
        return sets, which.ravel()
    code = passive @ (1 << np.arange(k, dtype=np.int64))
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    return passive[first], which
