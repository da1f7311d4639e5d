"""Whether a table looks as if it had systematic errors: quick signs, each of which is then looked into."""

from __future__ import annotations

import numpy as np

from spaxel.linear.sparse.starts import subspace
from spaxel.linear.systematic.colour import autocorrelation
from spaxel.linear.systematic.fitting import explained
from spaxel.linear.systematic.kinds import DRIFT, Kinds, polynomials, slopes

ROWS = 200  # samples that are looked at
SCORE = 5.0  # standard deviations by which an error explains more of the residual than it would of noise
WEAKEST = (8, 3)  # the weakest eighth of the factors is looked at, and the weakest third: the last may be half noise
SHARE = {"drift": 0.3, "gain": 0.08, "moves": 0.08}  # of the weakest factors, that an error explains
EVEN = 0.1  # correlation of neighbours that white noise may leave, plus k / channel of the rank removed


def signs(Y: np.ndarray, k: int, noise: float) -> tuple[list[str], bool]:
    """Which of drift, gain, moves may be there, and whether neighbouring channels share their noise.

    Y : (n, channel), evenly weighted, of which k factors were counted above the noise of standard deviation `noise`
    An error shows in what the factors leave (score test, as few of its directions are counted), or in the weakest factors.
    """
    rows = np.linspace(0, len(Y) - 1, min(len(Y), ROWS)).astype(int)
    right, part = subspace(Y, k)[2], Y[rows]
    m = (part @ right.T) @ right
    rest = part - m
    ends = [right[: max(1, k - max(1, k // share))] for share in WEAKEST]
    seen = []
    for kind in ("drift", "gain", "moves"):
        dof = len(_tangents(Y[:1], kind)) * len(rows) * max(1 - k / len(Y), 1e-3)
        score = (explained(_tangents(m, kind), rest, right) / max(noise, 1e-300) ** 2 - dof) / np.sqrt(2 * dof)
        if score > SCORE or any(_mostly(part, m, few, kind) for few in ends):
            seen.append(kind)
    shared = bool(np.abs(autocorrelation(rest, 3)[1:]).max() > EVEN + k / Y.shape[1])
    return seen, shared


def _mostly(part: np.ndarray, m: np.ndarray, few: np.ndarray, kind: str) -> bool:
    """Whether an error explains much of what all factors (m) say of spectra beyond the first of them. few : (j, channel)."""
    without = (part @ few.T) @ few
    weak = m - without
    power = max(float((weak**2).sum()), 1e-300)
    return explained(_tangents(without, kind), weak, few) > SHARE[kind] * power


def kinds_of(name: str) -> Kinds:
    """The kinds with this one alone."""
    return Kinds()._replace(**{name: True})


def _tangents(m: np.ndarray, kind: str) -> np.ndarray:
    if kind != "drift":
        return slopes(m, kinds_of(kind))
    P = polynomials(m.shape[1], DRIFT)
    return np.broadcast_to(P[:, None], (len(P), *m.shape))
