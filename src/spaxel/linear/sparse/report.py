"""What a factorisation says about itself: in the units of the data, with errors and warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spaxel.linear.count.edge import Edge
from spaxel.linear.count.knee import Knee, knee_words
from spaxel.linear.noise import Weights
from spaxel.linear.sparse import moves
from spaxel.linear.sparse.codes import Model, Problem

SURE = 0.98  # expected cosine below which components are called uncertain
CROWDED = 0.4  # of the components in an average sample, above which the rotation is open; the grid has 0.31 at most
ALIKE = 0.78  # cosine of two components above which, and widths of the last one below which, others may hide
CLEAR = 150.0
ONCE = 1.5  # effective number of samples up to which a component counts as seen once


@dataclass(frozen=True)
class Factors:
    """X ≈ concentrations @ components, and how far to trust it.

    components     : (k, channel), norm 1, most abundant first      concentrations : (n, k) >= 0, in the units of X
    n, n_confirmed : components; those seen in more than one sample, (sum c)² / sum c² > 1.5
    noise          : standard deviation per entry of each sample (n,), for the mean channel
    level          : of a sample x it is level x |x|**p (p nan: biwhitened, level of the weighted table)
    objective      : F, lower is better, comparable on the same X and weights only
    weights        : of rows and channels      errors : (k,) standard error of a channel of each component
    usage          : (k,) number of samples      effective : (k,) (sum c)² / sum c²
    r2, r2_expected: share of variance explained, and what is right for this noise: do not try to exceed it
    n_edge         : count of the edge      warnings : sentences, the last of them `doubts`: those about the number
    knee           : where the singular values break off, if channels share their noise and this decided the number
    """

    components: np.ndarray
    concentrations: np.ndarray
    n: int
    n_confirmed: int
    noise: np.ndarray
    level: float
    objective: float
    weights: Weights
    errors: np.ndarray
    usage: np.ndarray
    effective: np.ndarray
    r2: float
    r2_expected: float
    n_edge: int
    warnings: tuple[str, ...]
    knee: Knee | None = None
    doubts: tuple[str, ...] = ()


class Counted(NamedTuple):
    """What the number rests on.

    found : the edge      broken : the knee, where it decided the number      asked : whether somebody gave the number
    """

    found: Edge
    broken: Knee | None = None
    asked: bool = False


def report(X: np.ndarray, weights: Weights, problem: Problem, model: Model, counted: Counted) -> Factors:
    """The model in the units of X, most abundant component first.

    X : (n, channel)      weights : of the rows that are not all zero, which were solved
    """
    found, broken, _ = counted
    rows = X.any(1)
    channel = np.where(weights.channel > 0, weights.channel, np.inf)
    s = model.s / channel
    norms = np.maximum(np.linalg.norm(s, axis=1), 1e-300)
    c = np.zeros((len(X), model.k))
    c[rows] = model.c * norms / np.where(weights.row > 0, weights.row, np.inf)[:, None]
    s /= norms[:, None]
    order = np.argsort(-c.sum(0), kind="stable")
    scale = 1 / float(np.median(channel[np.isfinite(channel)]))
    noise = np.full(len(X), np.nan)
    noise[rows] = problem.sigma * scale / np.where(weights.row > 0, weights.row, np.nan)
    inverse = np.linalg.pinv(model.c.T @ model.c, hermitian=True)
    errors = problem.sigma * np.sqrt(np.maximum(inverse.diagonal(), 0)) * scale / norms
    effective = model.c.sum(0) ** 2 / np.maximum((model.c**2).sum(0), 1e-300)
    length = np.linalg.norm(X[rows], axis=1)
    power = 0.0 if np.isnan(weights.p) else weights.p
    r2, expected = _explained(X, c, s, noise, model)
    doubts = tuple(_words_of_number(problem, model, counted))
    return Factors(
        components=s[order],
        concentrations=c[:, order],
        n=model.k,
        n_confirmed=int((effective > ONCE).sum()),
        noise=noise,
        level=float(np.nanmedian(noise[rows] / length**power)) if power else float(np.nanmedian(noise)),
        objective=model.objective,
        weights=weights,
        errors=errors[order],
        usage=np.count_nonzero(model.c, axis=0)[order],
        effective=effective[order],
        r2=r2,
        r2_expected=expected,
        n_edge=found.n,
        warnings=(*_warnings(problem, model, effective, found), *doubts),
        knee=broken,
        doubts=doubts,
    )


def _explained(X: np.ndarray, c: np.ndarray, s: np.ndarray, noise: np.ndarray, model: Model) -> tuple[float, float]:
    total = ((X - X.mean(0)) ** 2).sum()
    if total == 0:
        return 1.0, 1.0
    dof = np.count_nonzero(model.c) + model.k * (X.shape[1] - 1)
    left = X.shape[1] * np.nansum(noise**2) * max(1 - dof / X.size, 0)
    return float(1 - ((X - c @ s) ** 2).sum() / total), float(1 - left / total)


def _expected_cosine(problem: Problem, model: Model) -> float:
    """Mean cosine with the true spectra that the noise allows, if the codes are right: 1 / √(1 + channel x error²)."""
    if not model.k:
        return 1.0
    variance = problem.sigma**2 * np.linalg.pinv(model.c.T @ model.c, hermitian=True).diagonal()
    return float((1 / np.sqrt(1 + problem.y.shape[1] * np.maximum(variance, 0))).mean())


def _alike(model: Model) -> float:
    """Cosine of the two components that are most alike."""
    return float(np.triu(model.s @ model.s.T, 1).max(initial=0.0))


def _warnings(problem: Problem, model: Model, effective: np.ndarray, found: Edge) -> list[str]:
    """What is doubtful besides the number of components."""
    (n, d), k, n_edge, said = problem.y.shape, model.k, found.n, []
    per_sample = np.count_nonzero(model.c) / n
    once = int((effective <= ONCE).sum())
    bad = int(moves.flagged(problem, model).sum())
    if n_edge == 0:
        said.append("No component stands above the noise: the one given may be noise.")
    if k > 1 and per_sample > CROWDED * k:
        said.append(
            f"Samples hold {per_sample:.1f} of {k} components on average: other mixtures of the components fit as well "
            "(rotational ambiguity). Try samples that hold fewer of them."
        )
    if n < 2 * k:
        said.append(
            f"There are {n} samples for {k} components; below {2 * k} some are missed or mixed. Try more samples."
        )
    if once:
        said.append(f"{once} of {k} components occur in a single sample: outliers, or not yet confirmed.")
    if bad:
        said.append(f"{bad} of {n} samples are explained much worse than the others. Look at their residuals.")
    if k > 0.8 * min(n, d):
        said.append(f"{k} components in {n} samples of {d} channels leave little to measure the noise by.")
    uncertain = _expected_cosine(problem, model)
    if uncertain < SURE:
        said.append(
            f"The noise leaves the components uncertain (cosine with the true ones about {uncertain:.2f}); weak ones may "
            "be missed. Try more samples."
        )
    return said


def _words_of_number(problem: Problem, model: Model, counted: Counted) -> list[str]:
    """What is doubtful about the number of components."""
    found, broken, asked = counted
    k, n_edge, said = model.k, found.n, []
    if broken is not None:
        return [
            f"The number is right in about {broken.sure:.0%} of such tables: {knee_words(broken, n_edge)}. "
            "Try n_components if you know it."
        ]
    if found.hidden or (n_edge > 1 and found.excess[n_edge - 1] < CLEAR and _alike(model) > ALIKE):
        said.append(
            f"The last of {n_edge} components stands only {found.excess[n_edge - 1]:.0f} widths above the noise: more may hide "
            "below it, as where spectra are alike. Try more samples or less noise."
        )
    if asked:
        return said + _words_of_asked(k, n_edge)
    if k < n_edge:
        few = "one that stands for two nearly alike" if k == n_edge - 1 else "some that stand for two nearly alike"
        said.append(
            f"The edge of the noise counts {n_edge} components, of which the last stands {found.excess[n_edge - 1]:.0f} widths "
            f"above it, but the factorisation uses {k}: {few}, or too little of the weakest to tell it by. Compare with "
            f"n_components={n_edge}."
        )
    elif k > n_edge > 0:
        said.append(
            f"The edge of the noise counts {n_edge} components, but the factorisation needs {k}: the weakest may lie below the "
            f"edge, or noise or an error of the instrument may be among them. Compare with n_components={n_edge}."
        )
    return said


def _words_of_asked(k: int, n_edge: int) -> list[str]:
    """A sentence where a number that was given is far from that of the edge."""
    far = n_edge and abs(k - n_edge) > max(1, 0.02 * k)
    return [f"The edge of the noise counts {n_edge} components, the factorisation uses {k}."] if far else []


def table_sentence(found: Factors, number: int | None) -> str:
    """How many components, and why, in words. number : if it was given."""
    components = "1 component" if found.n == 1 else f"{found.n} components"
    if number is not None:
        asked = "as asked" if found.n == number else f"not {number} as asked: no more are told apart"
        return f"{components}, {asked}; the noise edge alone would say {found.n_edge}."
    if found.knee is not None:
        return (
            f"{components}, right in about {found.knee.sure:.0%} of such tables: "
            f"{knee_words(found.knee, found.n_edge)}; explained {found.r2:.4f} of the variance. Option n_components decides."
        )
    agree = found.n == found.n_edge
    counts = "two counts agree" if agree else "two counts differ"
    return (
        f"{components}, {counts}: the noise edge says {found.n_edge}, the factorisation needs {found.n}, of which "
        f"{found.n_confirmed} are seen in more than one spectrum; explained {found.r2:.3f} of the variance, where the noise "
        f"lets expect {found.r2_expected:.3f}. Option n_components decides."
    )
