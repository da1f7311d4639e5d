"""How large the noise is, how it depends on the signal, and the weights that make it even. Arrays (n, channel)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import CubeError, ParameterError

SMALL = 1e-13  # of the largest eigenvalue, below which an eigenvalue is rounding


class Weights(NamedTuple):
    """row[:, None] * X * channel has even noise.   row : (n,)   channel : (d,)   p : row = norm**-p, nan if not a power."""

    row: np.ndarray
    channel: np.ndarray
    p: float

    def apply(self, X: np.ndarray) -> np.ndarray:
        """The weighted samples: (n, channel)."""
        return X * self.row[:, None] * self.channel


class PoissonCheck(NamedTuple):
    """variance = gain x mean**exponent over the channels; `counts` if whole numbers with exponent and gain near 1."""

    exponent: float
    gain: float
    counts: bool
    sentence: str


def check_table(X: np.ndarray, what: str = "The samples") -> np.ndarray:
    """X as float64 (n, channel). Raises CubeError if it is not a finite, non-empty table of real numbers."""
    X = np.asarray(X)
    if X.dtype.kind not in "biuf":
        raise CubeError(f"{what} have dtype {X.dtype}, expected real numbers. Try numpy.asarray(X, float).")
    if X.ndim != 2 or 0 in X.shape:
        raise CubeError(f"{what} have shape {X.shape}, expected (n, channel) with at least one of each. Try reshape.")
    X = np.array(X, dtype=np.float64, order="C")
    if not np.isfinite(X).all():
        rows = int((~np.isfinite(X).all(1)).sum())
        raise CubeError(f"{what} hold NaN or infinite values in {rows} rows. Try without them.")
    return X


def power_weights(X: np.ndarray, p: float) -> Weights:
    """Rows divided by their norm to the power p: 0 for even noise, 0.5 for counts, 1 for a fixed signal-to-noise ratio."""
    norms = np.linalg.norm(X, axis=1)
    safe = np.where(norms > 0, norms / np.median(norms[norms > 0]) if norms.any() else 1.0, 1.0)
    return Weights(safe**-p, np.ones(X.shape[1]), float(p))


def biwhiten(X: np.ndarray, n_iterations: int = 200, tolerance: float = 1e-6) -> Weights:
    """Weights of rows and channels that make Poisson noise even with variance 1.

    X : (n, channel) counts >= 0      sqrt(u) X sqrt(v), where u X v has row sums `channel` and column sums n (Sinkhorn)
    Landa, Zhang & Kluger 2022, doi:10.1137/21M1456807      p is nan
    Raises CubeError for negative values. Rows or channels without counts keep weight 0. Fails, by slow convergence, on very
    sparse tables (far below one count per channel).
    """
    X = check_table(X)
    if (X < 0).any():
        raise CubeError("Biwhitening needs counts, but there are negative values. Try weights of rows, p = 0 … 1.")
    rows, columns = X.any(1), X.any(0)
    part = X[rows][:, columns]
    n, d = part.shape
    u, v = np.ones(n), np.ones(d)
    for _ in range(n_iterations):
        u = d / (part @ v)
        columns_now = v * (u @ part)
        v = n / (u @ part)
        if np.abs(columns_now / n - 1).max(initial=0) < tolerance:
            break
    row, channel = np.zeros(len(X)), np.zeros(X.shape[1])
    row[rows], channel[columns] = np.sqrt(u), np.sqrt(v)
    return Weights(row, channel, float("nan"))


def eigenvalues(X: np.ndarray) -> np.ndarray:
    """Squared singular values of X (n, channel), largest first: (min(n, channel),); rounding errors are set to 0."""
    gram = X @ X.T if len(X) <= X.shape[1] else X.T @ X
    values = np.maximum(np.linalg.eigvalsh(gram)[::-1], 0)
    return np.where(values > SMALL * len(gram) * values[0], values, 0.0)


def edge_noise(X: np.ndarray, n_components: int) -> float:
    """Standard deviation of even white noise, from what n_components leave.

    X : (n, channel)      sigma² = sum_(j>k) l_j / ((n - k)(channel - k)), l the squared singular values
    Raises CubeError for NaN, ParameterError unless n_components < min(n, channel).
    """
    X = check_table(X)
    if not 0 <= n_components < min(X.shape):
        raise ParameterError(f"n_components is {n_components}, expected 0 … {min(X.shape) - 1} to leave some noise.")
    rest = eigenvalues(X)[n_components:].sum()
    return float(np.sqrt(rest / ((len(X) - n_components) * (X.shape[1] - n_components))))


def neighbour_noise(image: np.ndarray) -> np.ndarray:
    """Noise covariance (channel, channel) from differences of horizontal and vertical neighbours.

    image : (y, x, channel); a list of spectra in order of time is (1, n, channel)
    Σ = cov(x_p - x_q) / 2      Green et al. 1988, doi:10.1109/36.3001
    Raises CubeError for NaN or fewer than two pixels. Too large where the scene itself changes from pixel to pixel.
    """
    image = np.asarray(image, np.float64)
    if image.ndim != 3 or image.shape[0] * image.shape[1] < 2 or not np.isfinite(image).all():
        raise CubeError(f"image has shape {image.shape}, expected (y, x, channel), finite, with two pixels or more.")
    along = [np.diff(image, axis=axis).reshape(-1, image.shape[2]) for axis in (0, 1) if image.shape[axis] > 1]
    steps = np.concatenate(along)
    return steps.T @ steps / (2 * len(steps))


def spectral_noise(X: np.ndarray) -> np.ndarray:
    """Noise of each sample (n,) from second differences along the spectrum: 1.4826 median |x_(c-1) - 2 x_c + x_(c+1)| / √6.

    X : (n, channel), of spectra that are smooth over three channels; too large where they are not.
    Raises CubeError for NaN or fewer than three channels.
    """
    X = check_table(X)
    if X.shape[1] < 3:
        raise CubeError(f"The samples have {X.shape[1]} channels; second differences need three.")
    return 1.4826 * np.median(np.abs(np.diff(X, 2, axis=1)), axis=1) / np.sqrt(6)


def regression_noise(X: np.ndarray) -> np.ndarray:
    """Noise variance of each channel (channel,): what the other channels cannot predict.

    X : (n, channel), n > channel      σ²_c = 1 / [(XᵀX / n)⁻¹]_cc · n/(n - channel + 1)
    Bioucas-Dias & Nascimento 2008, doi:10.1109/TGRS.2008.918089. Raises CubeError if n <= channel.
    """
    X = check_table(X)
    n, d = X.shape
    if n <= d:
        raise CubeError(f"There are {n} samples of {d} channels; regression needs more samples than channels.")
    moment = X.T @ X / n
    moment[np.diag_indices(d)] += 1e-10 * np.trace(moment) / d + 1e-300
    return 1 / np.diag(np.linalg.inv(moment)) * n / (n - d + 1)


def poisson_check(X: np.ndarray, n_components: int) -> PoissonCheck:
    """Whether the residual of rank n_components behaves as that of counts. X : (n, channel).

    log variance is fitted by log mean over the channels that have both. Raises as `edge_noise`.
    """
    X = check_table(X)
    if not 0 <= n_components < min(X.shape):
        raise ParameterError(f"n_components is {n_components}, expected 0 … {min(X.shape) - 1} to leave some noise.")
    left, values, right = np.linalg.svd(X, full_matrices=False)
    k = n_components
    variance = ((X - (left[:, :k] * values[:k]) @ right[:k]) ** 2).sum(0) / (len(X) - k)
    mean = X.mean(0)
    good = (mean > 0) & (variance > 0)
    if good.sum() < 3 or np.ptp(np.log(mean[good])) < 0.1:
        return PoissonCheck(np.nan, np.nan, False, "The channels are too alike to see how noise grows with the signal.")
    slope = np.polyfit(np.log(mean[good]), np.log(variance[good]), 1)[0]
    whole = bool((X >= 0).all() and (np.round(X) == X).all())
    gain = float(variance[good].sum() / mean[good].sum())
    counts = whole and 0.7 < slope < 1.3 and 0.5 < gain < 2
    kind = "counts" if counts else "no counts"
    sentence = f"Noise variance grows as signal^{slope:.2f} with gain {gain:.2g}: {kind}."
    return PoissonCheck(float(slope), gain, counts, sentence)
