"""Missing values of spectra from the values that are there: a low rank, learned where values are known.

A spectrum x over its brightness b is taken for  x / b = mean + z basis + e,  z ~ N(0, 1), e ~ N(0, τ noise): factor analysis
in which a missing value weighs nothing (Tipping & Bishop 1999, doi:10.1111/1467-9868.00196; Srebro & Jaakkola 2003 for the
weights of zero). b² is the sum of x² over that of `size`², both over the channels that are there, so that k x is completed as k
times x; τ is the noise of this spectrum, found from what z does not explain, as dark spectra are noisier for their size.
What is missing becomes b (mean + E[z | what is there] basis).

All in float64 and in blocks of 512 rows, a row from itself alone: the same bits wherever it stands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 512  # rows of every product
RANK = 12  # directions, at most
WHOLE_ROWS, GAP_VALUES = 512, 600_000  # learned from, at most: spectra where none lacks a value; else so many values
WHOLE_ROUNDS, GAP_ROUNDS = 2, 15  # of expectation and maximisation
STIFF = 5.0  # channels' worth of belief that a spectrum is as noisy as the others
POWERS = 3  # of the start
BRIGHTER = 4  # rounds in which the brightness of a spectrum is found
ALIKE = 3  # rounds in which spectra are made alike in brightness
FAR = (1e-100, 1e100)  # of the largest value, outside which values are rescaled
TINY = 1e-6  # of the mean variance: least noise of a channel


class Completion(NamedTuple):
    """What completes spectra. In units of spectra over their brightness, but `lowest`.

    mean, size, noise : (channel,) mean, root of the mean square, variance of the noise      basis : (q, channel)
    lowest : (1,) 0.0 where no value that was seen is negative, else -inf: no completed value lies below it
    whole  : (1,) True where all values that were seen are whole numbers
    """

    mean: np.ndarray
    size: np.ndarray
    noise: np.ndarray
    basis: np.ndarray
    lowest: np.ndarray
    whole: np.ndarray


def fit_completion(spectra: np.ndarray) -> Completion:
    """Learn from a sample how missing values follow from others. Deterministic; no chance in it.

    spectra : (n, channel) any real dtype; NaN and infinite values are missing. Of many rows 512 to 2,048 are looked at, evenly
    A channel that no row holds becomes 0. Fails, by giving the mean of all spectra of their brightness, where what is missing
    does not follow from the rest; with fewer than some 50 spectra.
    """
    gaps = spectra.dtype.kind == "f" and not np.isfinite(spectra).all()
    most = max(WHOLE_ROWS, min(4 * WHOLE_ROWS, GAP_VALUES // spectra.shape[1])) if gaps else WHOLE_ROWS
    n = min(len(spectra), most)
    step = np.arange(n) * len(spectra) // max(n, 1)
    x = spectra[step].astype(np.float64)
    known = np.isfinite(x)
    x[~known] = 0.0
    top = np.abs(x).max(initial=0.0)
    if top and not FAR[0] < top < FAR[1]:  # their squares would leave floating point
        x = np.ldexp(x, -np.frexp(top)[1])  # the unit does not matter here
        x[np.abs(x) < FAR[0]] = 0.0  # nothing beside the largest
    lit = x.any(1)
    x, known = x[lit], known[lit].astype(np.float64)
    lowest = 0.0 if x.min(initial=0.0) >= 0 else -np.inf
    whole = bool((x == np.round(x)).all())
    bright, size = _brightness(x, known)
    y = np.divide(x, bright[:, None], out=x)
    mean, noise, basis = _start(y, known)
    for _ in range(GAP_ROUNDS if gaps else WHOLE_ROUNDS):
        mean, noise, basis, brighter = _round(y, known, mean, noise, basis, size)
        y /= brighter[:, None]
    return Completion(mean, size, noise, basis, np.array([lowest]), np.array([whole]))


def complete(spectra: np.ndarray, model: Completion) -> np.ndarray:
    """The same spectra with every missing value filled in; the very array where none is missing.

    spectra : (n, channel) float, NaN or infinite = missing; every row needs one value that is not zero
    returns : (n, channel) of its dtype; rows without missing values, and values that are there, bit for bit as they were
    """
    if spectra.dtype.kind != "f" or not len(rows := np.flatnonzero(~np.isfinite(spectra).all(1))):
        return spectra
    whole = spectra.copy()
    fill_rows(whole, rows, model)
    return whole


def fill_rows(spectra: np.ndarray, rows: np.ndarray, model: Completion) -> None:
    """Fill in the missing values of some rows of an array (n, channel), which is written on. rows : (m,) int"""
    squares = _squares(model.basis, model.noise)
    for start in range(0, len(rows), BLOCK):
        n = min(BLOCK, len(rows) - start)
        chosen = rows[np.append(np.arange(start, start + n), np.repeat(start, BLOCK - n))]
        block = spectra[chosen]
        there = np.isfinite(block)
        guess = _guess(np.where(there, block, 0).astype(np.float64), there, model, squares)
        with np.errstate(over="ignore"):
            spectra[chosen[:n]] = np.where(there, block, guess.astype(spectra.dtype))[:n]


def _guess(x: np.ndarray, there: np.ndarray, model: Completion, squares: np.ndarray) -> np.ndarray:
    """What a block (512, channel) should be, 0 where it is missing. squares : of the basis, see `_squares`

    The brightness is first that of the channels that are there, then that of the whole spectrum, as it is completed.
    """
    known = there.astype(np.float64)
    squared, size, q = (x**2).sum(1), model.size**2, len(model.basis)
    norm = known @ size
    bright = np.sqrt(squared / np.where(norm > 0, norm, 1.0))
    gram, tau, eye, guess = _square(known @ squares, q), np.ones((len(x), 1)), np.eye(q), x
    for _ in range(BRIGHTER):
        bright = np.where(bright > 0, bright, 1.0)
        y = (x / bright[:, None] - model.mean) * known
        scaled = y / model.noise
        pull = scaled @ model.basis.T
        z = np.linalg.solve(eye + gram / tau[:, :, None], (pull / tau)[:, :, None])[:, :, 0]
        tau = _noisy((scaled * y).sum(1), z, pull, gram, known)[:, None]
        guess = bright[:, None] * (model.mean + z @ model.basis)
        bright = np.sqrt((squared + ((1 - known) * guess**2).sum(1)) / size.sum())
    return np.maximum(guess, model.lowest)


def _noisy(left: np.ndarray, z: np.ndarray, pull: np.ndarray, gram: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The noise τ (n,) of each row: what z leaves of `left` (n,), per channel that is there."""
    rest = left - 2 * (z * pull).sum(1) + (z * (gram @ z[:, :, None])[:, :, 0]).sum(1)
    return (STIFF + np.maximum(rest, 0)) / (STIFF + known.sum(1))


def _factors(
    y: np.ndarray, known: np.ndarray, noise: np.ndarray, basis: np.ndarray, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E[z] (n, q), the inverse of its covariance (n, q, q) and the noise τ (n,) of rows y (n, channel), 0 if not known."""
    q = len(basis)
    scaled = y / noise
    pull, left, gram, tau = scaled @ basis.T, (scaled * y).sum(1), _square(known @ squares, q), np.ones(len(y))
    for _ in range(2):
        precision = np.eye(q) + gram / tau[:, None, None]
        z = np.linalg.solve(precision, (pull / tau[:, None])[:, :, None])[:, :, 0]
        tau = _noisy(left, z, pull, gram, known)
    return z, precision, tau


def _round(
    y: np.ndarray, known: np.ndarray, mean: np.ndarray, noise: np.ndarray, basis: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean, noise and basis after one round of expectation and maximisation.

    The last (n,): how much brighter each row is, what it lacks completed, than the values that are there made believe.
    """
    q = len(basis)
    z, precision, tau = _factors((y - mean) * known, known, noise, basis, _squares(basis, noise))
    missing = ((1 - known) * (mean + z @ basis) ** 2).sum(1)
    brighter = np.sqrt(((y * y).sum(1) + missing) / (size**2).sum())
    z = np.column_stack([z, np.ones(len(z))])
    moments = z[:, :, None] * z[:, None]
    moments[:, :q, :q] += np.linalg.inv(precision)
    weighted = known / tau[:, None]
    i, j = np.triu_indices(q + 1)
    left = _square(weighted.T @ moments[:, i, j], q + 1) + np.diag(np.append(np.ones(q), 1e-12))
    right = (weighted * y).T @ z
    found = np.linalg.solve(left, right[:, :, None])[:, :, 0]
    rest = (weighted * y * y).sum(0) - 2 * (found * right).sum(1) + (found * (left @ found[:, :, None])[:, :, 0]).sum(1)
    noise = _floored(rest / np.maximum(known.sum(0), 1))
    return found[:, q], noise, np.ascontiguousarray(found[:, :q].T), brighter


def _start(y: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, noise and basis of principal components, the mean in place of what is missing."""
    n, channels = y.shape
    count = np.maximum(known.sum(0), 1)
    mean = y.sum(0) / count
    rest = (y - mean) * known
    q = max(0, min(RANK, (channels - 1) // 2, n // 4))
    begin = min(q + 8, n, channels)
    span = np.linalg.qr(rest[np.arange(begin) * n // max(begin, 1)].T)[0]
    for _ in range(POWERS):
        span = np.linalg.qr(rest.T @ (rest @ span))[0]
    _, values, axes = np.linalg.svd(rest @ span, full_matrices=False)
    basis = (axes[:q] * (values[:q, None] / np.sqrt(max(n, 1)))) @ span.T
    left = (rest**2).sum(0) / count - (basis**2).sum(0)
    return mean, _floored(left), basis


def _floored(noise: np.ndarray) -> np.ndarray:
    """The variance of the noise, nowhere so small that one channel decides alone."""
    return np.maximum(noise, max(TINY * float(np.maximum(noise, 0).mean()), 1e-20))


def _brightness(x: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Brightness (n,) of spectra, and size (channel,) of what is left without it. x : (n, channel), 0 where not known"""
    squared, count = x**2, np.maximum(known.sum(0), 1)
    size = squared.sum(0) / count
    for _ in range(ALIKE):
        size /= size.mean() if size.any() else 1.0
        bright = squared.sum(1) / (known @ size)
        size = (squared / bright[:, None]).sum(0) / count
    return np.sqrt(squared.sum(1) / (known @ size)), np.sqrt(size)


def _squares(basis: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Products of the directions over the noise, (channel, q (q + 1) / 2): times what is known, their Gram matrix."""
    i, j = np.triu_indices(len(basis))
    return np.ascontiguousarray((basis[i] * basis[j] / noise).T)


def _square(upper: np.ndarray, q: int) -> np.ndarray:
    """Symmetric matrices (n, q, q) of their upper halves (n, q (q + 1) / 2)."""
    whole, (i, j) = np.empty((len(upper), q, q)), np.triu_indices(q)
    whole[:, i, j] = whole[:, j, i] = upper
    return whole
