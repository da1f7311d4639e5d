"""Factorisation of a small table under constraints: what a chemist knows of the mixtures beyond that nothing is negative.

Concentrations and spectra in turn, each exactly or by a majoriser (`blocks.py`), with steps that look ahead where that lowers
the cost. The number of components is given; spaxel.MCR finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spaxel.linear.constrained.checks import Conditions, check_conditions
from spaxel.linear.constrained.half_steps import Rules, Table, deviations, least_squares, poisson
from spaxel.linear.constrained.missing import filled, known_entries
from spaxel.linear.constrained.outliers import sample_trust
from spaxel.linear.constrained.starts import Begin, guesses
from spaxel.linear.constrained.trilinear import in_runs
from spaxel.pace import paced

SWEEPS = 3  # of each half, per round
TRY = 20  # rounds of each start before the best goes on
FALLS = 1e-6  # of the cost in ten rounds, at least, to go on
RIDGE = 1e-6  # of the mean eigenvalue, added to the Gram matrix whose volume is priced


@dataclass(frozen=True)
class Constrained:
    """X ≈ concentrations @ components under constraints.

    components     : (k, channel), the known ones first, as given; others at norm 1 (at closure: as bright as they are), the
                     most abundant first, or in the order of `allowed`
    concentrations : (n, k); nan for a sample without known entries
    objective      : the cost after each round, never rising      sample_weights : (n,) 1, less for outliers, 0 = junk
    explained      : share of the variance of the known entries around their mean      noise : standard deviation of an entry
    """

    components: np.ndarray
    concentrations: np.ndarray
    objective: np.ndarray
    sample_weights: np.ndarray
    explained: float
    noise: float


class Plan(NamedTuple):
    """Rules of both halves, the loss, and the price of volume with what is added to its Gram matrix."""

    codes: Rules
    spectra: Rules
    loss: str
    volume: float = 0.0
    ridge: float = 0.0


class Search(NamedTuple):
    """start : (k, channel) one more start, or None      seed : same seed, same bits      most : rounds at most
    only : no other start
    """

    start: np.ndarray | None = None
    seed: int = 0
    most: int = 1000
    only: bool = False


PLAIN, ONCE = Conditions(), Search()


class _Seen(NamedTuple):
    x: np.ndarray  # (n, channel), 0 where nothing is known
    w: np.ndarray | None  # weights
    seen: np.ndarray  # (n,) samples that have a known value; of these:
    total: np.ndarray  # what they were divided by
    trust: np.ndarray


class _State(NamedTuple):
    c: np.ndarray
    s: np.ndarray
    cost: float


def constrain(
    X: np.ndarray,
    n_components: int,
    conditions: Conditions = PLAIN,
    *,
    weights: np.ndarray | None = None,
    search: Search = ONCE,
) -> Constrained:
    """Components and concentrations of a table under any of the conditions.

    X : (n, channel), NaN = missing      weights : per entry (1 / variance of the noise), 0 = missing
    ½ Σ w (x - c s)² or Σ w (c s - x log c s), + min_volume σ² n / 2 log det (S Sᵀ), c >= 0. Tauler 1995, doi:10.1016/
    0169-7439(95)00047-X; Leplat, Ang & Gillis 2019 for the volume; Bro & Sidiropoulos 1998 for one maximum.
    Raises CubeError for a table that cannot be used, ParameterError for conditions that do not fit together or the table.
    Fails, silently, where the conditions leave more than one answer: see `feasible`.
    """
    x, w = known_entries(X, weights)
    known, runs = conditions.known, conditions.runs
    conditions = conditions._replace(known=None if known is None else np.asarray(known, np.float64))
    check_conditions(x, n_components, conditions)
    seen: np.ndarray = np.any(x if w is None else w > 0, axis=1)
    seen = seen if conditions.alike is None else np.ones(len(x), bool)  # a run has a shape where it has no signal, too
    table = Table(x[seen], None if w is None else w[seen], np.ones(int(seen.sum())))
    whole = filled(table.x, table.w, n_components)
    total = np.ones(len(whole))
    if conditions.min_volume and not conditions.closure:  # spectra over their total intensity mix with a sum of one
        total = np.maximum(whole.sum(1), 1e-9 * np.abs(whole).sum(1).max())
        table = Table(table.x / total[:, None], table.w, total**2 / (total**2).mean())
        whole = whole / total[:, None]
    trust = sample_trust(whole, n_components, search.seed) if conditions.robust else np.ones(len(whole))
    table = table._replace(row=table.row * trust)
    closed = conditions.closure or conditions.min_volume > 0
    allowed = None if conditions.allowed is None else conditions.allowed[seen]
    alike = None if conditions.alike is None else in_runs(np.asarray(conditions.alike)[seen])
    codes = Rules(closed=closed, runs=None if runs is None else np.asarray(runs)[seen], allowed=allowed, alike=alike)
    spectra = Rules(-np.inf if conditions.signed else 0.0, fixed=0 if known is None else len(known))
    plan = Plan(codes, spectra, conditions.loss)
    found, plan, history = _solve(table, whole, n_components, plan, conditions, search)
    return _finished(_Seen(x, w, np.asarray(seen), total, trust), found, plan, history, closure=conditions.closure)


def _solve(
    table: Table, whole: np.ndarray, k: int, plan: Plan, conditions: Conditions, search: Search
) -> tuple[_State, Plan, list[float]]:
    """Tries each start for a few rounds, and goes on with the best; prices of volume and of outliers come from there."""
    min_volume, most = conditions.min_volume, search.most
    codes = plan.codes
    begin = Begin(
        conditions.known, search.start, codes.closed, plan.spectra.lowest, search.seed, search.only, codes.allowed,
        codes.alike,
    )  # fmt: skip
    begun = guesses(whole, table.row > 0, k, begin)
    if plan.loss == "poisson":
        begun = [_positive(c, s, plan) for c, s in begun]
    states = [_round(table, c, s, plan) for c, s in begun]  # from here on all rules hold
    tried = [_descend(table, state, plan, TRY) for state in states]
    least = min(state.cost for state, _ in tried)
    found, history = next(one for one in tried if one[0].cost - least <= FALLS * abs(least))  # no rounding decides
    if min_volume:
        found, _ = _descend(table, found, plan, most // 4)
        n, d = table.x.shape
        free = max((n * d if table.w is None else int((table.w > 0).sum())) - k * (n + d - k), 1)
        ridge = RIDGE * float((found.s**2).sum()) / k
        plan = plan._replace(volume=min_volume * n * found.cost / free, ridge=ridge)
        found, history = found._replace(cost=_cost(table, found.c, found.s, plan)), []
    found, more = _descend(table, found, plan, most)
    return found, plan, [*history, *more]


def _positive(c: np.ndarray, s: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """A start for multiplicative steps, which never leave zero."""
    c, s = np.maximum(c, 1e-3 * c.mean()), s.copy()
    s[plan.spectra.fixed :] = np.maximum(s[plan.spectra.fixed :], 1e-3 * s.mean())
    c = c if plan.codes.allowed is None else np.where(plan.codes.allowed, c, 0.0)
    return (c / c.sum(1, keepdims=True) if plan.codes.closed else c), s


def _descend(table: Table, state: _State, plan: Plan, most: int) -> tuple[_State, list[float]]:
    """Rounds until ten of them lower the cost by less than a millionth: the last state, and the cost after each."""
    last, ahead, history = state.s, 0.5, [state.cost]
    tiny = 1e-20 * float((table.x**2).mean()) * table.x.size
    for _ in paced(range(most), "rounds"):
        beyond = _ahead(state.s, last, ahead, plan)
        trial = _round(table, state.c, beyond, plan)
        good = trial.cost <= state.cost
        if not good:
            trial = _round(table, state.c, state.s, plan)
        ahead = min(1.2 * ahead, 1.0) if good else 0.3 * ahead
        if trial.cost > state.cost:  # rounding
            break
        last, state = state.s, trial
        history.append(state.cost)
        then = history[-11] if len(history) > 10 else np.inf
        if state.cost <= tiny or then - state.cost < FALLS * abs(then):
            break
    return state, history


def _ahead(s: np.ndarray, last: np.ndarray, ahead: float, plan: Plan) -> np.ndarray:
    beyond = np.maximum(s + ahead * (s - last), plan.spectra.lowest)
    if plan.loss == "poisson":
        beyond = np.maximum(beyond, 0.1 * s)
    beyond[: plan.spectra.fixed] = s[: plan.spectra.fixed]
    return beyond


def _round(table: Table, c: np.ndarray, s: np.ndarray, plan: Plan) -> _State:
    half = least_squares if plan.loss == "gaussian" else poisson
    c = half(table, s, c, plan.codes, SWEEPS if plan.codes.runs is None else 1)  # one maximum is slow to find
    spectra = plan.spectra
    if plan.volume:
        spectra = spectra._replace(pull=2 * plan.volume * np.linalg.inv(_gram(s, plan)))
    s = np.ascontiguousarray(half(table.turned(), c.T, s.T, spectra, SWEEPS).T)
    if not plan.codes.closed:
        norms = np.linalg.norm(s[spectra.fixed :], axis=1)
        norms = np.where(norms > 0, norms, 1.0)
        s[spectra.fixed :] /= norms[:, None]
        c[:, spectra.fixed :] *= norms
    return _State(c, s, _cost(table, c, s, plan))


def _gram(s: np.ndarray, plan: Plan) -> np.ndarray:
    return s @ s.T + plan.ridge * np.eye(len(s))


def _cost(table: Table, c: np.ndarray, s: np.ndarray, plan: Plan) -> float:
    """The whole objective, with the price of volume."""
    volume = plan.volume * np.linalg.slogdet(_gram(s, plan))[1] if plan.volume else 0.0
    return float((table.row * deviations(table, c, s, plan.loss)).sum() + volume)


def _finished(data: _Seen, found: _State, plan: Plan, history: list[float], *, closure: bool) -> Constrained:
    """In the units of the data: known components first, then the most abundant; free ones of norm 1 unless closed."""
    x, w, seen, total, trust = data
    fixed, (c, s, _) = plan.spectra.fixed, found
    c = c * total[:, None]
    if not closure:
        norms = np.linalg.norm(s[fixed:], axis=1)
        norms = np.where(norms > 0, norms, 1.0)
        s, c = np.vstack([s[:fixed], s[fixed:] / norms[:, None]]), np.hstack([c[:, :fixed], c[:, fixed:] * norms])
    order = np.append(np.arange(fixed), fixed + np.argsort(-c[:, fixed:].sum(0), kind="stable"))
    order = order if plan.codes.allowed is None else np.arange(len(s))
    c, s = c[:, order], s[order]
    codes, weights = np.full((len(x), len(s)), 0.0 if w is None and not closure else np.nan), np.ones(len(x))
    codes[seen], weights[seen] = c, trust
    known = np.ones(x.shape) if w is None else w
    mean = (known * x).sum(0) / known.sum(0)
    rest = (known[seen] * trust[:, None] * (x[seen] - c @ s) ** 2).sum()
    spread = (known[seen] * trust[:, None] * (x[seen] - mean) ** 2).sum()
    n, d = c.shape[0], s.shape[1]
    free = max(int((known > 0).sum()) - len(s) * (n + d - len(s)), 1)
    explained = 1 - rest / spread if spread > 0 else 1.0
    return Constrained(s, codes, np.array(history), weights, float(explained), float(np.sqrt(rest / free)))
