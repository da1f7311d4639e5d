"""Ways to count components besides the edge. Each takes a weighted table Y (n, channel), or its squared singular values.

All want noise that is even and white over the table. On scenes the subspace estimators (HFC, NWHFC, HySime) count what
varies, not what is a material: 2 to 14 times too many, so take them as an upper bound.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from spaxel.errors import CubeError
from spaxel.linear.noise import check_table

FALSE_ALARM = 1e-3  # of HFC


def mdl(values: np.ndarray, n: int, d: int) -> tuple[int, np.ndarray]:
    """Minimum description length: count, and the length at k = 0, 1, … (the count is where it is least).

    values : (m,) squared singular values      -N (m-k) ln(geometric / arithmetic mean of l_(j>k)) + ½ k (2m-k) ln N
    Wax & Kailath 1985, doi:10.1109/TASSP.1985.1164557. Too few where n is near d or k near both.
    """
    m, larger = min(n, d), max(n, d)
    if not (values > 0).all():  # without noise the length is least at the rank
        rank = int((values > 0).sum())
        return rank, np.abs(np.arange(m) - rank).astype(float)
    k, logs = np.arange(m), np.log(values)
    left = m - k
    mean = np.cumsum(values[::-1])[::-1] / left
    geometric = np.cumsum(logs[::-1])[::-1] / left
    length = -larger * left * (geometric - np.log(mean)) + 0.5 * k * (2 * m - k) * np.log(larger)
    return int(length.argmin()), length


def gavish_donoho(values: np.ndarray, n: int, d: int) -> int:
    """Singular values above the optimal hard threshold for unknown noise, ω(β) x their median.

    Gavish & Donoho 2014, doi:10.1109/TIT.2014.2323359. Too few where components exceed a quarter of min(n, channel): the
    median is then no longer noise.
    """
    beta = min(n, d) / max(n, d)
    singular = np.sqrt(values)
    omega = 0.56 * beta**3 - 0.95 * beta**2 + 1.82 * beta + 1.43
    return int((singular > omega * np.median(singular)).sum())


def largest_gap(values: np.ndarray) -> tuple[int, np.ndarray]:
    """Where the ratio of neighbouring singular values is largest: count, and ln of the ratios. The last tenth is left out.

    The first ratio sets the mean spectrum apart, so it is chosen only where no other exceeds 0.2.
    """
    most = max(1, int(0.9 * len(values)) - 1)
    safe = np.sqrt(np.maximum(values, 1e-12 * max(values[0], 1e-300)))
    ratios = np.log(safe[:-1] / safe[1:])[:most] if len(values) > 1 else np.zeros(1)
    later = ratios[1:]
    return (int(later.argmax()) + 2 if later.max(initial=0) > 0.2 else 1), ratios


def parallel_analysis(Y: np.ndarray, seed: int = 0, flips: int = 2) -> int:
    """Deflated parallel analysis: components whose next is no larger than that of the residual with random signs.

    Y : (n, channel)      seed, flips : of the signs. For a count k the rank-k residual is sign-flipped; its largest
    eigenvalue, corrected for the degrees of freedom lost, is what noise can do. The smallest k that passes, by bisection.
    After Hong, Sheng & Dobriban 2020, arXiv:2012.02985. Raises CubeError for NaN. Misses components among much stronger ones
    without deflation; with it, errors of one.
    """
    Y = check_table(Y)
    n, d = Y.shape
    left, values, right = np.linalg.svd(Y, full_matrices=False)
    rng = np.random.default_rng([seed, 5])

    def enough(k: int) -> bool:
        rest = (left[:, k:] * values[k:]) @ right[k:]
        tops = []
        for _ in range(flips):
            flipped = rest * rng.choice([-1.0, 1.0], rest.shape)
            tops.append(np.linalg.eigvalsh(flipped @ flipped.T if n < d else flipped.T @ flipped)[-1])
        edge_k, edge_0 = (np.sqrt(n - k) + np.sqrt(d - k)) ** 2, (np.sqrt(n) + np.sqrt(d)) ** 2
        return values[k] ** 2 < max(tops) * edge_k / edge_0 * n * d / ((n - k) * (d - k))

    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def bi_cross_validation(Y: np.ndarray, seed: int = 0) -> tuple[int, np.ndarray]:
    """Rank that best predicts a quarter of the table from the other three: count, and the error of rank 0, 1, …

    Y : (n, channel)      A ≈ B D_k⁺ C over a random 2 x 2 split, each block once      seed : of the split
    Owen & Perry 2009, doi:10.1214/08-AOAS227. Raises CubeError for NaN or fewer than four samples or channels. Cannot count
    beyond half of min(n, channel), and is off by many near it.
    """
    Y = check_table(Y)
    if min(Y.shape) < 4:
        raise CubeError(f"The table has shape {Y.shape}; cross-validation needs four samples and channels.")
    rng = np.random.default_rng([seed, 6])
    rows, columns = (np.array_split(rng.permutation(size), 2) for size in Y.shape)
    most = min(len(rows[1]), len(columns[1]))
    error = np.zeros(most + 1)
    for i in range(2):
        for j in range(2):
            error += _held_out(Y, (rows[i], rows[1 - i]), (columns[j], columns[1 - j]), most)
    return int(error.argmin()), error


def _held_out(Y: np.ndarray, rows: tuple, columns: tuple, most: int) -> np.ndarray:
    left, values, right = np.linalg.svd(Y[np.ix_(rows[1], columns[1])], full_matrices=False)
    rest = Y[np.ix_(rows[0], columns[0])].copy()
    sides = Y[np.ix_(rows[0], columns[1])] @ right.T
    tops = left.T @ Y[np.ix_(rows[1], columns[0])]
    error = np.full(most + 1, np.inf)
    error[0] = (rest**2).sum()
    for k in range(most):
        if values[k] <= 1e-12 * values[0]:
            error[k + 1 :] = error[k]
            break
        step = tops[k] / values[k]
        along = sides[:, k] @ rest @ step
        error[k + 1] = error[k] - 2 * along + (sides[:, k] @ sides[:, k]) * (step @ step)
        rest -= np.outer(sides[:, k], step)
    return error


def hfc(X: np.ndarray, whiten: bool = False) -> int:
    """Virtual dimensionality: eigenvalues of the correlation that exceed those of the covariance (Neyman-Pearson, 0.1 %).

    X : (n, channel), raw, n > channel      whiten : by the noise that channels cannot predict of each other (NWHFC)
    Chang & Du 2004, doi:10.1109/TGRS.2003.819189. Raises CubeError if n <= channel. An upper bound on scenes; blind (zero)
    where components have no common mean.
    """
    X = check_table(X)
    n, deviation = len(X), _regression(X)[2]
    if whiten:
        X = X / deviation
    centred = X - X.mean(0)
    raw = np.linalg.eigvalsh(X.T @ X / n)[::-1]
    covariance = np.linalg.eigvalsh(centred.T @ centred / n)[::-1]
    threshold = norm.isf(FALSE_ALARM) * np.sqrt(2 * (raw**2 + covariance**2) / n)
    return int((raw - covariance > threshold).sum())


def hysime(X: np.ndarray) -> int:
    """Signal subspace of least error: directions whose power exceeds twice that of the noise.

    X : (n, channel), raw, n > channel      Bioucas-Dias & Nascimento 2008, doi:10.1109/TGRS.2008.918089
    Raises CubeError if n <= channel. On scenes an upper bound, 2 to 14 times the number of materials.
    """
    X = check_table(X)
    noise, rest, _ = _regression(X)
    signal = X - rest
    axes = np.linalg.eigh(signal.T @ signal / len(X))[1]
    power = ((X @ axes) ** 2).mean(0)
    return int((power > 2 * np.einsum("ij,jk,ki->i", axes.T, noise, axes)).sum())


def _regression(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise covariance, noise (n, channel) and its deviation (channel,): what the other channels cannot predict."""
    X = check_table(X)
    n, d = X.shape
    if n <= d:
        raise CubeError(f"There are {n} samples of {d} channels; this estimator needs more samples than channels.")
    moment = X.T @ X / n
    moment[np.diag_indices(d)] += 1e-10 * np.trace(moment) / d + 1e-300
    inverse = np.linalg.inv(moment)
    rest = X @ inverse / inverse.diagonal()
    return rest.T @ rest / n, rest, np.maximum(rest.std(0), 1e-300)
