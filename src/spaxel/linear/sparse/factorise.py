"""Sparse non-negative factorisation X = C S with an unknown number of components: the solver behind `spaxel.MCR`.

Each sample holds few of the components. Weights of the rows make the noise even, the Marchenko-Pastur edge counts, the
purest samples start, and an annealed coordinate descent from an l1 to an l0 price finds the codes, alternating with least
squares for the spectra. Moves out of local optima follow (`moves.py`). All that is chosen by the noise, nothing by hand.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.count.edge import Edge, edge, scan_powers
from spaxel.linear.count.knee import knee, shares_noise
from spaxel.linear.noise import Weights, biwhiten, check_table, eigenvalues, power_weights
from spaxel.linear.sparse import moves
from spaxel.linear.sparse.codes import (
    AHEAD,
    Model,
    Prices,
    Problem,
    anneal,
    code,
    make_problem,
    unit,
    update_spectra,
    valued,
)
from spaxel.linear.sparse.report import Counted, Factors, report
from spaxel.linear.sparse.starts import starts

ABOVE = 8.0  # widths above the edge, from which a near twin is looked for: noise of weighed counts is up to 6 above it
SMALL = 48  # components up to which a crowded problem gets many starts
CLEAN = 0.02  # noise over signal below which a table is first solved as if it had so much
NOISELESS = 1e-5  # and below which it has none
LARGE = 100  # components from which reheating is cut short
DOUBLE = 6  # rounds in double precision at the end, in which what single precision left open settles
CROWDED = 0.42  # of the components in an average sample


def factorise(
    X: np.ndarray,
    n_components: int | None = None,
    *,
    signed: bool = False,
    power: float | str | None = None,
    n_starts: int | None = None,
    seed: int = 0,
) -> Factors:
    """Components and concentrations of mixed spectra; the number of components is found unless it is given.

    X            : (n, channel) real, finite      n_components : fixed number, None = find it
    signed       : components may be negative (concentrations never are); five starts
    power        : noise of a sample ~ norm**power, 0 … 1; "counts": biwhitening; None: chosen by the edge
    n_starts     : None: one, more where the first leaves doubt      seed : same seed, same bits
    F = |Y - C S|² / (2 σ²) + (ln k + 3) #{c > 0} + (d/2 + 6 √(d/2)) k, Y the weighted X, C >= 0, S >= 0 unless signed
    Smooth spectra whose channels share their noise are counted where the singular values break off (`knee.py`).
    Raises CubeError for NaN, an empty table or one without signal, ParameterError for n_components outside
    1 … min(n, channel) or another unknown option.
    Fails, with a warning, where samples hold most components at once (the rotation is not identifiable), with fewer than
    two samples per component, and for spectra so alike that the rank drowns in the noise.
    """
    X = check_table(X)
    check_options(X, n_components, power, n_starts)
    rows = np.asarray(X.any(1))
    if not rows.any():
        raise CubeError("All samples are zero: there is nothing to factorise.")
    if not signed and (X[rows].max(1) <= 0).any():
        raise CubeError("There are samples without any positive value. Try signed=True, or without them.")
    weights, found = choose_weights(X[rows], power)
    broken, asked = None, n_components is not None
    if n_components is None and power is None and shares_noise(weights.apply(X[rows]), found):
        broken, weights = knee(X[rows]), power_weights(X[rows], 0.0)
        n_components = broken.n
    Y = weights.apply(X[rows])
    k = max(found.n, 1) if n_components is None else n_components
    if n_components is not None or found.n == 0:
        found = found._replace(noise=_noise_of_rank(Y, k))
    size = np.sqrt((Y**2).mean())
    problem = make_problem(Y, max(found.noise, CLEAN * size), k, signed=signed)
    clear = int((found.excess[:k] > ABOVE).sum()) if n_components is None else k
    model = solve(problem, k, fixed=n_components is not None, n_starts=n_starts, seed=seed, clear=clear)
    if found.noise < problem.sigma:
        problem = replace(problem, sigma=max(found.noise, NOISELESS * size))
        model = cool(problem, model)
    return report(X, weights, problem, model, Counted(found, broken, asked))


def solve(
    problem: Problem,
    k: int,
    *,
    fixed: bool = False,
    n_starts: int | None = None,
    seed: int = 0,
    clear: int | None = None,
) -> Model:
    """The best model found from k components: starts, moves, and more starts where the first leaves doubt.

    fixed : keep k components      n_starts, seed : as `factorise`
    clear : components that stand well above the edge, up to which one spectrum becomes two near twins; None: k
    """
    first = n_starts or (5 if problem.signed else 1)
    light, scale = single(problem)
    model = _descend(light, starts(problem, k, first, seed), k, fixed=fixed)
    extra = 0 if n_starts else _extra_starts(light, model, k)
    if extra:
        again = starts(problem, k, first + extra, seed)[first:]
        model = moves.best(model, *(_descend(light, [s], k, fixed=fixed) for s in again))
    model = apart(light, polish(light, model))
    model = halved(light, model, k if clear is None else clear)
    exact = scale * model.c.astype(float) + 0.0, model.s.astype(float)
    model = valued(problem, *_rounds(problem, *exact, problem.sigma, DOUBLE))
    return moves.join(problem, fill(problem, model, k if fixed else 1))


def single(problem: Problem) -> tuple[Problem, float]:
    """The problem in single precision, its samples near 1, and the scale taken off: half the time, and errors far below noise.

    Only for noise of at least CLEAN of the signal.
    """
    scale = float(np.sqrt((problem.y**2).mean()))
    return replace(problem, y=(problem.y / scale).astype(np.float32), sigma=problem.sigma / scale), scale


def _descend(problem: Problem, spectra: list[np.ndarray], k: int, *, fixed: bool) -> Model:
    model = moves.best(*(anneal(problem, s) for s in spectra))
    pairs = 2 if k > LARGE else 6
    model = moves.reheat(problem, model, pairs)
    model = moves.unflag(problem, model, k)
    return moves.prune(problem, model, k, k) if fixed else moves.shrink(problem, model, k)


def _extra_starts(problem: Problem, model: Model, k: int) -> int:
    if np.count_nonzero(model.c) > CROWDED * model.c.size and k <= SMALL:
        return 15
    return 5 if model.k > k or moves.flagged(problem, model).sum() > 2 else 0


def polish(problem: Problem, model: Model) -> Model:
    """Rounds at the final prices, without l1, crowded components given back, up to three times while the objective falls."""
    times, rounds = (2 if model.k > LARGE else 3), (6 if model.k > SMALL else 12)
    for _ in range(times if model.k else 0):
        begun = [(model.c, model.s), moves.give_back(model)]
        trial = moves.best(*(valued(problem, *_rounds(problem, *b, problem.sigma, rounds)) for b in begun if b))
        if model.objective - trial.objective < moves.GAIN:
            return moves.best(model, trial)
        model = trial
    return model


def apart(problem: Problem, model: Model) -> Model:
    """The model with near twins told apart, where a difference stood for one of them and the objective falls."""
    begun = None if problem.signed else moves.twins(model)
    if begun is None:
        return model
    return moves.best(model, valued(problem, *_rounds(problem, *begun, problem.sigma, 12)))


def halved(problem: Problem, model: Model, k: int) -> Model:
    """The model with up to k components, where one stood for two near twins and the objective falls."""
    while 0 < model.k < k:
        trials = [
            valued(problem, *_rounds(problem, *begun, problem.sigma, 12)) for begun in moves.halves(problem, model)
        ]
        better = moves.best(model, *(trial for trial in trials if moves.are_twins(trial)))
        if better is model:
            break
        model = polish(problem, better)
    return model


def _rounds(problem: Problem, c: np.ndarray, s: np.ndarray, level: float, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    for _ in range(rounds):
        new = update_spectra(problem.y, c, s, 3, signed=problem.signed)
        new += AHEAD * (new - s)
        c, s = unit(c, new if problem.signed else np.maximum(new, 0))
        c = code(problem.y, s, c, 4, Prices(0.0, 2 * problem.per_code * level**2))
    return c, s


def cool(problem: Problem, model: Model, most: int = 60) -> Model:
    """From a model of a noisier table to the true noise: the level follows what is left unexplained.

    Prices from a noise far below the error of the spectra would buy a code for every such error.
    """
    c, s, level = model.c, model.s, np.inf
    for _ in range(most):
        last, level = level, max(np.sqrt(((problem.y - c @ s) ** 2).mean()), problem.sigma)
        if level > 0.99 * last:
            break
        c, s = _rounds(problem, c, s, level, 3)
    return valued(problem, c, s)


def fill(problem: Problem, model: Model, k: int) -> Model:
    """Exactly k components where fewer were used: the worst explained samples are added, free of the price of a spectrum."""
    free = replace(problem, per_spectrum=0.0)
    for _ in range(3):
        if model.k >= k:
            break
        rest = problem.y - model.c @ model.s
        rest = rest if problem.signed else np.maximum(rest, 0)
        worst = np.argsort(-(rest**2).sum(1), kind="stable")[: k - model.k]
        new = rest[worst] / np.maximum(np.linalg.norm(rest[worst], axis=1), 1e-300)[:, None]
        model = anneal(free, np.vstack([model.s, new]), rounds=6, hot=False)
    return valued(problem, model.c, model.s)


def encode(
    X: np.ndarray,
    components: np.ndarray,
    noise: np.ndarray | float,
    per_code: float | None = None,
    hottest: float | None = None,
) -> np.ndarray:
    """Sparse non-negative concentrations (n, k) of new samples, with known components.

    X : (n, channel)      components : (k, channel)      noise : standard deviation per entry, one or (n,)
    per_code : price of a concentration in units of 2 σ², default ln k + 3
    hottest  : factor on σ at which the falling prices begin, default from the strongest of these samples; give the same
               one to each part of a large table, and a sample's answer does not depend on its part
    minimises |x - c S|² / (2 σ²) + per_code #{c > 0} by coordinate descent under falling prices; c is least squares on its
    support. Raises CubeError for NaN or other channels, ParameterError for noise that is not positive.
    """
    X, S = check_table(X), check_table(components, "The components")
    if X.shape[1] != S.shape[1]:
        raise CubeError(f"The samples have {X.shape[1]} channels, the components {S.shape[1]}.")
    sigma = np.broadcast_to(np.asarray(noise, np.float64), len(X))
    if not (np.isfinite(sigma).all() and (sigma > 0).all()):
        raise ParameterError("noise must be positive and finite. Try Factors.noise or level * |x|**p.")
    norms = np.linalg.norm(S, axis=1)
    S = S / np.where(norms > 0, norms, 1)[:, None]
    price = np.log(max(len(S), 1)) + 3 if per_code is None else per_code
    Y, c = X / sigma[:, None], np.zeros((len(X), len(S)))
    top = np.sqrt((Y**2).sum(1).max() / X.shape[1] / 63) if hottest is None else hottest
    for level in np.geomspace(max(top, 1.0), 1.0, 6):
        c = code(Y, S, c, 2, Prices(level, 2 * price * level**2), warm=3)
    return code(Y, S, c, 10, Prices(0.0, 2 * price)) * sigma[:, None] / np.where(norms > 0, norms, 1)


def transform(X: np.ndarray, factors: Factors) -> np.ndarray:
    """Concentrations (n, k) of new samples by the components and the noise law of `factors`; rows of zeros give zeros.

    Raises CubeError for NaN or other channels. After biwhitening the noise of a new sample is that of its counts.
    """
    X = check_table(X)
    norms = np.linalg.norm(X, axis=1)
    p = factors.weights.p
    sigma = np.sqrt(np.maximum(X.mean(1), 1e-12)) if np.isnan(p) else factors.level * norms**p
    return encode(X, factors.components, np.where(norms > 0, np.maximum(sigma, 1e-300), 1.0))


def choose_weights(X: np.ndarray, power: float | str | None) -> tuple[Weights, Edge]:
    """Weights and edge: by the scan of powers, by a power that is given, or for counts."""
    if power is None:
        weights, found, _ = scan_powers(X)
        return weights, found
    weights = biwhiten(X) if power == "counts" else power_weights(X, float(power))
    return weights, edge(eigenvalues(weights.apply(X)), *X.shape)


def _noise_of_rank(Y: np.ndarray, k: int) -> float:
    n, d = Y.shape
    free = max((n - k) * (d - k), 1)
    return float(np.sqrt(eigenvalues(Y)[k:].sum() / free))


def check_options(X: np.ndarray, n_components: int | None, power: float | str | None, n_starts: int | None) -> None:
    """Raises ParameterError for a value that `factorise` does not take."""
    most = min(X.shape)
    if n_components is not None and not (isinstance(n_components, (int, np.integer)) and 1 <= n_components <= most):
        raise ParameterError(f"n_components is {n_components!r}, expected a whole number from 1 to {most}.")
    if not (power is None or power == "counts" or (isinstance(power, (int, float)) and 0 <= power <= 2)):
        raise ParameterError(f'power is {power!r}, expected a number from 0 to 2, "counts" or None.')
    if n_starts is not None and not (isinstance(n_starts, (int, np.integer)) and 1 <= n_starts <= 1000):
        raise ParameterError(f"n_starts is {n_starts!r}, expected a whole number from 1 to 1000.")
