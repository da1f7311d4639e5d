"""Sparse non-negative codes and the spectra they point at, by coordinate descent on Gram matrices.

All functions here are inner parts of `factor.py`: they trust their arguments. Letters: y (n, channel) weighted samples,
c (n, k) concentrations, s (k, channel) unit spectra.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spaxel.linear.sparse.descent import descend
from spaxel.pace import paced

ROUNDS = 12  # of one annealing
AHEAD = 0.5  # of each step of the spectra, added to it: halves the number of rounds; 1 diverges
LAST, MANY = 3, 8  # rounds whose codes are swept so often: few sweeps leave false codes that spectra then fit
START_DB = 18.0  # a clean table is annealed from the noise of a dirty one


@dataclass(frozen=True)
class Problem:
    """Samples, their noise and the price of a code and of a spectrum: all that the objective needs.

    y : (n, channel), noise of standard deviation `sigma` everywhere      signed : spectra may be negative
    F = |y - c s|² / (2 sigma²) + per_code #{c > 0} + per_spectrum k
    """

    y: np.ndarray
    sigma: float
    per_code: float
    per_spectrum: float
    signed: bool = False


@dataclass(frozen=True)
class Model:
    """Concentrations c (n, k) >= 0, spectra s (k, channel) of norm 1, and the objective they reach."""

    c: np.ndarray
    s: np.ndarray
    objective: float = np.inf

    @property
    def k(self) -> int:
        """Number of spectra."""
        return len(self.s)


def make_problem(y: np.ndarray, sigma: float, n_components: int, *, signed: bool = False) -> Problem:
    """Prices from the number of components expected and of channels: ln k + 3 per code, d/2 + 6 sqrt(d/2) per spectrum.

    A spectrum costs the fit it can gain from noise alone, plus six standard deviations; (d/2) ln n (BIC) prunes true
    spectra at 10 dB.
    """
    half = y.shape[1] / 2
    return Problem(y, sigma, np.log(max(n_components, 1)) + 3, half + 6 * np.sqrt(half), signed)


def residual_chi2(problem: Problem, model: Model) -> np.ndarray:
    """|y_i - c_i s|² / sigma² of each sample: (n,), near the number of channels where the model is right."""
    residual = problem.y - model.c @ model.s
    return np.einsum("ij,ij->i", residual, residual) / problem.sigma**2


def valued(problem: Problem, c: np.ndarray, s: np.ndarray) -> Model:
    """The model without its unused spectra, and with its objective."""
    used = (c > 0).any(0)
    model = Model(np.ascontiguousarray(c[:, used]), s[used])
    fit = residual_chi2(problem, model).sum() / 2
    cost = fit + problem.per_code * np.count_nonzero(model.c) + problem.per_spectrum * model.k
    return Model(model.c, model.s, float(cost))


class Prices(NamedTuple):
    """Of codes: l1 of their size, in the first sweeps      l0 of each that is not 0, in those that follow."""

    l1: float
    l0: float


FREE = Prices(0.0, 0.0)


def code(
    y: np.ndarray, s: np.ndarray, c: np.ndarray, n_sweeps: int, prices: Prices = FREE, warm: int = 0
) -> np.ndarray:
    """New codes (n, k) of y (n, channel): `warm` sweeps with the l1 price only, then `n_sweeps` with the l0 price."""
    l1, l0 = prices
    gram, target = s @ s.T, s @ y.T
    turned = np.array(c.T, target.dtype, order="C")
    if warm:
        descend(turned, target - target.dtype.type(l1), gram, warm, 0)
    least = np.sqrt(l0 / np.maximum(gram.diagonal(), 1e-12))
    descend(turned, target, gram, n_sweeps, least)
    return np.ascontiguousarray(turned.T)


def update_spectra(y: np.ndarray, c: np.ndarray, s: np.ndarray, n_sweeps: int, *, signed: bool) -> np.ndarray:
    """Spectra (k, channel) by hierarchical least squares (HALS); one that would vanish is left as it was."""
    target = c.T @ y
    new = s.astype(target.dtype)
    descend(new, target, c.T @ c, n_sweeps, None if signed else 0)
    gone = ~new.any(1)
    new[gone] = s[gone]
    return new


def unit(c: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same product with spectra of norm 1."""
    norms = np.maximum(np.linalg.norm(s, axis=1), np.finfo(s.dtype).tiny)
    return c * norms, s / norms[:, None]


def anneal(
    problem: Problem,
    s: np.ndarray,
    c: np.ndarray | None = None,
    *,
    rounds: int = ROUNDS,
    l1: float = 3.0,
    hot: bool = True,
) -> Model:
    """Alternate codes and spectra while both prices fall to their final values.

    s : (k, channel) unit spectra to start from      c : (n, k) codes, None = zero
    l1 : price of a unit of code in sigmas at the start, 0.5 at the end
    hot : the noise level falls from that of 18 dB, if this is above sigma; else it is sigma throughout
    """
    y, sigma = problem.y, problem.sigma
    s = s.astype(y.dtype, copy=False)
    c = np.zeros((len(y), len(s)), y.dtype) if c is None else c
    level = np.sqrt((y**2).sum(1).mean() * 10 ** (-START_DB / 10) / y.shape[1])
    levels = np.geomspace(max(sigma, level) if hot else sigma, sigma, rounds)
    sweeps = [3] * (rounds - LAST) + [MANY] * LAST
    plan = list(zip(levels, np.geomspace(l1, 0.5, rounds), sweeps, strict=True))
    for level, price, most in paced(plan, "rounds"):
        c = code(y, s, c, most, Prices(price * level, 2 * problem.per_code * level**2), warm=3)
        new = update_spectra(y, c, s, 3, signed=problem.signed)
        new += AHEAD * (new - s)
        c, s = unit(c, new if problem.signed else np.maximum(new, 0))
    c = code(y, s, c, MANY, Prices(0.0, 2 * problem.per_code * sigma**2))
    return valued(problem, c, s)
