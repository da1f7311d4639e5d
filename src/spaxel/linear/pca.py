"""Principal components of a sample, and how many of them stand above the noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST = 10  # components that `auto` keeps at most
CLEAR = 1.1  # times the variance that a known noise makes along a direction, from which it counts
LARGE = 1e15  # values are divided where they are larger, or all smaller than its inverse
EXACT_BELOW = 600  # features up to which the covariance is decomposed exactly


class Projection(NamedTuple):
    """Scores are (x - mean) @ basis. mean : (feature,)   basis : (feature, d)   variance : (d,) of the scores."""

    mean: np.ndarray
    basis: np.ndarray
    variance: np.ndarray


def fit_pca(
    features: np.ndarray, n_components: int | None = None, seed: int = 0, noise: np.ndarray | None = None
) -> Projection:
    """Principal components of (n, feature) data.

    n_components : None keeps those above the noise (2 to 10): singular values above the optimal hard threshold for
                   unknown noise, 2.858 x their median for square data (Gavish & Donoho 2014, doi:10.1109/TIT.2014.2323359)
    noise        : (feature,) variance by noise where it is known, for n_components None: then those are kept whose variance is
                   above that of noise of so much along them, (1 + √(feature / n))² times it; a direction that noisy
                   features make is left out, however large it is
    seed         : of the randomised decomposition that is used above 600 features
    Signs are fixed: the largest entry of each column is positive.
    """
    n, n_features = features.shape
    most = min(n_features, max(1, n - 1), MOST if n_components is None else n_components)
    mean = features.mean(0)
    centred = features - mean
    size = _out_of_range(centred)
    centred = centred if size == 1 else centred.astype(np.float64) / size
    if min(n_features, n) <= EXACT_BELOW:
        singular, right = _exact(centred)
    else:
        from sklearn.utils.extmath import randomized_svd

        _, singular, right = randomized_svd(centred, max(most, 40), n_iter=4, random_state=seed)
    if n_components is None:
        total = float(np.multiply(centred, centred, out=centred).sum())  # it is not needed any more, and may be large
        if noise is None:
            count = _above_noise(singular, total, n, n_features)
        else:
            order, count = _above_known(singular**2 / max(1, n - 1), right, noise, n)
            singular, right = singular[order], right[order]
        most = int(np.clip(count, min(2, most), most))
    basis = right[:most].T
    basis = basis * np.where(basis[np.abs(basis).argmax(0), np.arange(most)] < 0, -1.0, 1.0)
    return Projection(mean, np.ascontiguousarray(basis), (singular[:most] * size) ** 2 / max(1, n - 1))


def _out_of_range(values: np.ndarray) -> float:
    """What values are divided by where their squares would leave single precision; else 1."""
    largest = float(np.maximum(values.max(initial=0.0), -values.min(initial=0.0)))
    return largest if 0 < largest < 1 / LARGE or largest > LARGE else 1.0


def _above_known(variance: np.ndarray, right: np.ndarray, noise: np.ndarray, n: int) -> tuple[np.ndarray, int]:
    """Order of the principal components, those above a known noise first, and how many are."""
    edge = (1 + np.sqrt(right.shape[1] / n)) ** 2
    above = variance[: len(right)] > CLEAR * edge * (right**2 @ noise)
    return np.argsort(~above, kind="stable"), int(above.sum())


def _exact(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n, n_features = centred.shape
    if n < n_features:
        _, singular, right = np.linalg.svd(centred, full_matrices=False)
        return singular, right
    values, vectors = np.linalg.eigh(centred.T @ centred)
    return np.sqrt(np.maximum(values[::-1], 0)), vectors[:, ::-1].T


def _above_noise(singular: np.ndarray, total: float, n: int, n_features: int) -> int:
    """Number of singular values above the hard threshold.

    The median is known if all values are; else the noise level is taken from the variance that the leading ones leave.
    """
    beta = min(n, n_features) / max(n, n_features)
    if len(singular) == min(n, n_features):
        omega = 0.56 * beta**3 - 0.95 * beta**2 + 1.82 * beta + 1.43
        return int((singular > omega * np.median(singular)).sum())
    rest = max(total - float((singular**2).sum()), 0.0) / max((n - len(singular)) * (n_features - len(singular)), 1)
    return int((singular > 1.02 * np.sqrt(rest) * (np.sqrt(n) + np.sqrt(n_features))).sum())
