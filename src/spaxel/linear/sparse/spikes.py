"""Spikes (cosmic rays, hot channels) in a table of mixtures: found by the sparse fit, left out, and the table solved again.

A spike is a value far from the fit in one channel of one sample. Left in, spikes inflate the number of components: each
lends itself to a spectrum of its own. Counts scatter by the root of what the fit says, in bright channels far more than in
dark ones: such a value is no spike. Numbers here were chosen on simulated tables (seeds below 100).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.linear.noise import check_table
from spaxel.linear.sparse.factorise import encode, factorise
from spaxel.linear.sparse.report import Factors

FAR = 4.0  # robust standard deviations from which a value is left out
SURE = 6.0  # and from which it tells that there are spikes
SHARE, ROWS = 1e-3, 0.3  # of such values, and of samples that hold one, from which a table is called spiky
SEEN = 3.0  # effective number of samples, below which a component may be made of spikes, and does not vouch for a value
ROUNDS, INNER, PASSES = 3, 2, 30
MOST = 0.1  # of the values, above which what lies far from the fit cannot be spikes


class Despiked(NamedTuple):
    """factors : of the table whose spikes are replaced by the fit      spikes : (n, channel) bool, which values these are
    share : of the values, that lie far from the fit; above MOST they are no spikes, and nothing was left out
    """

    factors: Factors
    spikes: np.ndarray
    share: float


def counts_noise(X: np.ndarray, fit: np.ndarray) -> np.ndarray | float:
    """Standard deviation of counts whose mean is `fit` (n, channel): √(fit + 1); 0 where X holds no counts.

    Counts are whole numbers, none negative. The one added is for channels that are nearly dark: there a single count is no
    spike, however little the fit says.
    """
    if (X < 0).any() or (np.round(X) != X).any():
        return 0.0
    return np.sqrt(np.maximum(fit, 0) + 1)


def has_spikes(X: np.ndarray, found: Factors) -> bool:
    """Whether at least 0.1 % of the values, in 30 % of the samples, lie 6 robust standard deviations off the fit.

    X : (n, channel)      found : its factorisation. Scales are those of the sample (no less than half its noise) and of the
    channel; counts must also lie 6 of their own standard deviations off. Never for smooth tables whose channels share their
    noise: there the fit leaves structure.
    """
    X = check_table(X)
    rows = np.isfinite(found.noise) & X.any(1)
    if found.knee is not None or found.n == 0 or min(X[rows].shape) < 8:
        return False
    fit = found.concentrations[rows] @ found.components
    rest = X[rows] - fit
    scale = np.maximum(_scales(rest), 0.5 * found.noise[rows, None])
    z = np.abs(rest) / np.maximum(scale, 1e-300)
    far = z > SURE * np.maximum(1.4826 * np.median(z, axis=0), 0.5)
    far &= np.abs(rest) > SURE * counts_noise(X[rows], fit)
    return bool(far.mean() > SHARE and far.any(1).mean() > ROWS)


def despiked(
    X: np.ndarray, found: Factors, n_components: int | None = None, *, signed: bool = False, seed: int = 0
) -> Despiked:
    """The factorisation of X without its spikes, from one with them.

    X : (n, channel)      found : its factorisation      n_components, signed, seed : as `factorise`
    Three rounds of: codes by the components seen in more than three samples -> least squares for their spectra, where
    values more than 4 robust standard deviations off the fit are replaced by it, until settled -> the table so mended is
    factorised. Where more than a tenth of the values lie so far off, these are no spikes: `found` is given back, nothing is
    left out. Raises CubeError for NaN. Fails for components present in one to three samples (taken for spikes where they are
    sharp).
    """
    X = check_table(X)
    first, none = found, np.zeros(X.shape, bool)
    spikes, mended = none, X
    for _ in range(ROUNDS):
        vouching = found.effective > SEEN
        spectra = found.components[vouching if vouching.any() else slice(None)]
        noise = np.where(np.isfinite(found.noise), found.noise, np.nanmedian(found.noise))
        for _ in range(INNER):
            codes = encode(mended, spectra, np.maximum(noise, 1e-12 * np.abs(X).max()))
            codes = codes[:, codes.any(0)]
            if not codes.size:
                return Despiked(found, spikes, float(spikes.mean()))
            spectra, fit, spikes = _mended(X, codes, signed=signed)
            mended = np.where(spikes, fit, X)
        if (share := float(spikes.mean())) > MOST:
            return Despiked(first, none, share)
        found = factorise(mended, n_components, signed=signed, seed=seed)
    return Despiked(found, spikes, share)


def _mended(X: np.ndarray, codes: np.ndarray, *, signed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra by least squares without the values far from the fit, the fit, and which values these are."""
    inverse = np.linalg.pinv(codes)
    mended, spectra, spikes = X, np.empty(0), np.zeros(X.shape, bool)
    for _ in range(PASSES):
        spectra = inverse @ mended
        spectra = spectra if signed else np.maximum(spectra, 0)
        fit = codes @ spectra
        rest = X - fit
        far = np.abs(rest) > FAR * np.maximum(_scales(rest), counts_noise(X, fit))
        settled = np.array_equal(far, spikes)
        spikes, mended = far, np.where(far, X - rest, X)
        if settled:
            break
    used = spectra.any(1)
    return spectra[used], codes[:, used] @ spectra[used], spikes


def _scales(rest: np.ndarray) -> np.ndarray:
    """Robust standard deviation of each sample: (n, 1)."""
    return 1.4826 * np.median(np.abs(rest), axis=1, keepdims=True)
