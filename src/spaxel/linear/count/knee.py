"""Smooth spectra whose neighbouring channels share their noise: is it so, and where do the singular values break off.

Every rule and number here was chosen on simulated smooth tables (benchmarks/smooth_tables.py, seeds below 100), none on a
real one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.linear.count.edge import Edge
from spaxel.linear.noise import check_table, eigenvalues

SMOOTH = 0.5  # correlation of neighbouring channels from which on spectra are smooth
EVEN = 0.1  # correlation of channels at lags 1 … 3 that white noise may leave, plus k / channel of the rank removed
SEEN = 2.0  # second differences over the noise of the edge, up to which both see the same noise
ROUNDING = 1e-6  # of the size, below which noise is none
FADED = (
    1e-4  # of the largest singular value: a table without noise that has counted so small ones fades, it has no rank
)
FLOOR = 1e-5  # of the largest singular value, below which gaps are not looked at
AHEAD, DULL = 10, 0.1  # gaps that follow, and what is added to their mean
TIED = 0.8  # of the best break, from which on a smaller count is taken
NEAR = 0.5  # of the best break, from which on a count is named beside it
SURE = ((8.0, 0.95), (5.0, 0.85), (4.0, 0.55), (3.0, 0.35))  # break, and how often it was right
TIE, UNSURE = 0.4, 0.25  # at most so often where another count is tied; below these breaks, or where the gap disagrees


class Knee(NamedTuple):
    """n : components      sure : 0 … 1      others : counts nearly as clear      breaks : (m,) of counts 2, 3, …"""

    n: int
    sure: float
    others: tuple[int, ...]
    breaks: np.ndarray


def knee(X: np.ndarray) -> Knee:
    """Where the singular values of smooth spectra break off: the count for noise of any covariance.

    X : (n, channel), n, channel >= 2. Noise that channels share falls off gradually, s_k / s_(k+1) small and even; a
    component stands above it by a step.   break_k = ln(s_k / s_(k+1)) / (0.1 + mean of the next ten such gaps)
    The first k >= 2 with a break of at least 0.8 of the largest; k up to a third of min(n, channel). 1 if no gap exceeds 0.2.
    `sure` is how often such a break was right on simulated tables, whose noise hid a component in a fourth of them.
    Raises CubeError for NaN or no data. Fails where the weakest component is no stronger than the noise: too few, or a
    count of the noise; a drift of the baseline that is one curve is a component like others.
    """
    X = check_table(X)
    s = np.sqrt(eigenvalues(X))
    if len(s) < 3 or s[0] == 0:
        return Knee(1, 0.0, (), np.zeros(0))
    floored = np.maximum(s, FLOOR * s[0])
    gaps = np.log(floored[:-1] / floored[1:])
    most = max(2, min(len(s) // 3, len(gaps) - 1, int((s > FLOOR * s[0]).sum())))
    breaks = np.array([gaps[k] / (gaps[k + 1 : k + 1 + AHEAD].mean() + DULL) for k in range(1, most)])
    if gaps[1:most].max() < 0.2:
        return Knee(1, UNSURE, (), breaks)
    best = float(breaks.max())
    n = int(np.flatnonzero(breaks >= TIED * best)[0]) + 2
    others = tuple(int(k) + 2 for k in np.argsort(-breaks, kind="stable") if breaks[k] >= NEAR * best and k + 2 != n)
    agree = n == int(gaps[1:most].argmax()) + 2
    sure = next((chance for least, chance in SURE if best >= least), UNSURE) if agree else UNSURE
    if (breaks >= TIED * best).sum() > 1:
        sure = min(sure, TIE)
    return Knee(n, sure, others, breaks)


def shares_noise(Y: np.ndarray, found: Edge) -> bool:
    """Whether neighbouring channels share their noise, so that its edge counts noise.

    Y : (n, channel) weighted samples, of which `found` is the edge. Never where spectra are not smooth along the channels
    (correlation of neighbours below 0.5). Else white noise would leave, at the rank of the edge, a residual without
    correlation at lags 1 … 3, some samples and channels to measure it by, and either second differences as large as
    itself or a last component far above it. A table without noise is white if its values end by a step.
    """
    (n, d), k = Y.shape, found.n
    if min(n, d) < 6 or k < 2 or smoothness(Y) < SMOOTH:
        return False
    left, values, right = np.linalg.svd(Y, full_matrices=False)
    if found.noise <= ROUNDING * np.sqrt((Y**2).mean()):
        return bool(values[k - 1] < FADED * values[0])
    rest = (left[:, k:] * values[k:]) @ right[k:]
    power = max(float((rest**2).sum()), 1e-300)
    lags = [abs(float((rest[:, lag:] * rest[:, :-lag]).sum())) / power for lag in (1, 2, 3)]
    seen = np.sqrt((np.diff(Y, 2, axis=1) ** 2).mean() / 6) < SEEN * found.noise
    measured = k <= (0.8 if seen else 0.5) * min(n, d)
    return not (measured and max(lags) < EVEN + k / d and (seen or not found.hidden))


def smoothness(X: np.ndarray) -> float:
    """Correlation of neighbouring channels, each sample less its mean: near 1 for smooth spectra. X : (n, channel)."""
    X = X - X.mean(1, keepdims=True)
    power = float((X**2).sum())
    return float((X[:, 1:] * X[:, :-1]).sum()) / power if power > 0 else 0.0


def knee_words(broken: Knee, n_edge: int) -> str:
    """Why this count, in words. n_edge : what the edge counted."""
    others = f", nearly as much after {', '.join(map(str, sorted(broken.others)))}" if broken.others else ""
    return (
        f"neighbouring channels share their noise, so its edge ({n_edge}) counts noise; the singular values break off most "
        f"after {broken.n}{others}"
    )
