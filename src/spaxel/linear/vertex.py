"""The purest spectra of a mixture: corners of the simplex (or cone) that the data fill. All return row indices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import CubeError, ParameterError

EXACT_BELOW = 600  # smaller side up to which a decomposition is exact
FLAT = 1e-10  # what is left of the largest spectrum, relative, below which no direction is left
BETTER = 1 + 1e-9  # a swap must enlarge the volume at least by so much
MOST_SWEEPS = 50


class Simplex(NamedTuple):
    """Corners of a simplex among the rows of X.

    indices : (k,) rows      log_volume : (sweep + 1,) log of the volume x (k-1)!, never falls; -inf is a flat start
    converged : no swap enlarges the volume any more
    """

    indices: np.ndarray
    log_volume: np.ndarray
    converged: bool


def spa(X: np.ndarray, k: int) -> np.ndarray:
    """Successive projection: the longest spectrum, then the one longest off the span of those chosen, and so on.

    X : (n, channel), signed or not      returns : (k,) different row indices, in the order of choice
    Finds the corners exactly where X = C S with rows of C non-negative of sum <= 1, each corner present and S of full rank.
    Araújo et al. 2001, doi:10.1016/S0169-7439(01)00119-8; Gillis & Vavasis 2014, doi:10.1109/TPAMI.2013.226
    Raises CubeError for NaN or no data, ParameterError if k exceeds the rank or the number of spectra.
    Fails on bright outliers, which it takes first, and without normalisation under uneven light.
    """
    X = check_spectra(X)
    check_count(X, k)
    square = np.einsum("ij,ij->i", X, X)
    largest = square.max()
    basis = np.empty((k, X.shape[1]))
    chosen = np.empty(k, dtype=np.intp)
    for j in range(k):
        chosen[j] = i = int(square.argmax())
        direction = X[i] - (X[i] @ basis[:j].T) @ basis[:j]
        direction -= (direction @ basis[:j].T) @ basis[:j]  # twice is enough (Kahan, in Parlett 1980)
        length = np.linalg.norm(direction)
        if length <= FLAT * np.sqrt(largest):
            raise ParameterError(f"The spectra span only {j} directions, so they have no {k} corners. Try k = {j}.")
        basis[j] = direction / length
        square = np.maximum(square - (X @ basis[j]) ** 2, 0.0)
        square[chosen[: j + 1]] = -1.0
    return chosen


def nfindr(X: np.ndarray, k: int, start: np.ndarray | None = None, most_sweeps: int = MOST_SWEEPS) -> Simplex:
    """The rows that span the simplex of the largest volume, by swaps of one corner at a time.

    X : (n, channel)      start : (k,) row indices, None takes those of `spa` on the reduced data
    volume = |det [1 y_1; ... 1 y_k]| / (k-1)! with y the scores on k-1 principal components. All swaps of a corner are
    tried at once: exchanging corner j for row i multiplies the determinant by (M^-T z_i)_j, z = (1, y); the best swap
    of all corners and rows is taken, the inverse is then rebuilt. Winter 1999, doi:10.1117/12.366289
    Raises as `spa`. Fails on outliers and on noise (which enlarges the volume: give it means, not pixels), ends in a
    local maximum that depends on the start.
    """
    X = check_spectra(X)
    check_count(X, k, affine=True)
    if k == 1:
        return Simplex(spa(X, 1), np.zeros(1), True)
    Z = _homogeneous(X, k - 1)
    chosen = spa(Z, k) if start is None else _checked_start(start, k, len(X))
    if _log_volume(Z[chosen]) < -30 * k:  # a flat start has no inverse
        chosen = spa(Z, k)
    volumes = [_log_volume(Z[chosen])]
    for _ in range(most_sweeps * k):
        ratio = np.abs(np.linalg.solve(Z[chosen].T, Z.T))  # (corner, row)
        j, i = np.unravel_index(int(ratio.argmax()), ratio.shape)
        if ratio[j, i] <= BETTER:
            return Simplex(chosen, np.array(volumes), True)
        chosen = chosen.copy()
        chosen[j] = i
        volumes.append(_log_volume(Z[chosen]))
    return Simplex(chosen, np.array(volumes), False)


def check_spectra(X: np.ndarray, *, zeros: bool = False) -> np.ndarray:
    """X as float64, if it is (n, channel), finite and (unless `zeros`) not all zero; else CubeError."""
    X = np.asarray(X)
    if X.ndim != 2 or 0 in X.shape or X.dtype.kind not in "biuf":
        raise CubeError(
            f"Expected real spectra (n, channel), got {X.dtype} of shape {X.shape}. Try reshape(-1, channels)."
        )
    X = X.astype(np.float64, copy=False)
    if not np.isfinite(X).all():
        raise CubeError("The spectra hold NaN or infinite values. Try to leave those pixels out (spaxel.cube.usable).")
    if not (zeros or X.any()):
        raise CubeError("All spectra are zero: nothing is mixed. Try another file or crop.")
    return X


def check_count(X: np.ndarray, k: int, *, affine: bool = False) -> None:
    """ParameterError unless 1 <= k <= min(n, channel), or min(n, channel + 1) corners of a simplex (affine)."""
    n, channels = X.shape
    most = min(n, channels + affine)
    if isinstance(k, bool) or int(k) != k or not 1 <= k <= most:
        raise ParameterError(
            f"{k} components from {n} spectra of {channels} channels: must be a whole number from 1 to {most}."
        )


def _checked_start(start: np.ndarray, k: int, n: int) -> np.ndarray:
    start = np.asarray(start)
    if start.shape != (k,) or start.dtype.kind not in "iu" or start.min() < 0 or start.max() >= n:
        raise ParameterError(f"start must be {k} row indices from 0 to {n - 1}, got {start!r}.")
    return start.astype(np.intp)


def _homogeneous(X: np.ndarray, d: int) -> np.ndarray:
    """A one and d principal scores, each scaled to reach 1, or 0 where the data do not spread: (n, 1 + d)."""
    centred = X - X.mean(0)
    scores = centred @ leading(centred, d)
    reach = np.abs(scores).max(0)
    scores = scores / np.where(reach > FLAT * np.abs(X).max(), reach, np.inf)
    return np.column_stack([np.ones(len(X)), scores])


def leading(A: np.ndarray, d: int) -> np.ndarray:
    """The d leading right singular vectors, (channel, d); always the same for the same A."""
    n, channels = A.shape
    if channels <= EXACT_BELOW:
        return np.linalg.eigh(A.T @ A)[1][:, ::-1][:, :d]
    if n <= EXACT_BELOW:
        return np.linalg.svd(A, full_matrices=False)[2][:d].T
    from sklearn.utils.extmath import randomized_svd  # here and not above: a cut needs nothing of scikit-learn

    return randomized_svd(A, d, n_iter=6, random_state=0)[2].T


def _log_volume(M: np.ndarray) -> float:
    return float(np.linalg.slogdet(M)[1])
