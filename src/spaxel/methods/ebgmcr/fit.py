"""The fit of EnergyMCR: candidates in order, each judged on held-out samples, the better one goes on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.sparse.factorise import choose_weights, encode
from spaxel.methods.ebgmcr.codes import Heads, curved_codes, gated_codes
from spaxel.methods.ebgmcr.laws import AGGREGATES, MONOTONE, Aggregate
from spaxel.methods.ebgmcr.solve import Solution, Task, best, price, run_rounds, settle, solve_curved, solve_linear
from spaxel.methods.ebgmcr.verdict import Doubt, Evidence, Look, doubts, looks, said_of_law, simplest

FEWEST = 20  # samples from which some are held out
APART = 5  # every fifth sample is held out
COLD = 2  # times the epochs, of a cold start
GAIN = 0.3  # of the penalised error of a held-out sample, from which a law is needed
ALIKE = 0.8  # cosine from which a component is one that was known


@dataclass(frozen=True)
class Ask:
    """What is asked of the fit, beside the data. aggregate : None = the law that fits best

    kernel : (channel, channel) that smooths components, or None
    """

    aggregate: Aggregate | None
    number: int | None
    signed: bool
    seed: int
    known: np.ndarray | None = None
    kernel: np.ndarray | None = None
    sparse: bool = False
    scene: bool = False
    pool: int = 1024
    epochs: int = 500
    device: str = "cpu"


@dataclass(frozen=True)
class Found:
    """components (k, channel), theta (p,), noise (level, power, hottest), codes: solver or gates, heads of the gates if so.

    prices : error of each state on the held-out samples, in order, by name      law : what was said of the mixing laws
    """

    components: np.ndarray
    theta: np.ndarray
    noise: tuple[float, float, float]
    heads: Heads | None
    prices: dict[str, float]
    history: list[dict[str, float]]
    sentence: str
    law: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """A candidate: a law, components, θ, the noise law of a sample x, level |x|**power, and how it codes."""

    aggregate: Aggregate
    S: np.ndarray
    theta: np.ndarray
    level: float
    power: float
    heads: Heads | None = None

    def sigma(self, X: np.ndarray) -> np.ndarray:
        """Noise (n,) of samples."""
        norm = np.linalg.norm(X, axis=1)
        return np.maximum(self.level * norm**self.power, 1e-9 * norm + 1e-300)

    @property
    def begun(self) -> Aggregate:
        """The law, to be trained from θ on."""
        return self.aggregate._replace(start=tuple(self.theta))

    def codes(self, X: np.ndarray) -> np.ndarray:
        """Amounts (n, k) of samples."""
        if self.heads is not None:
            return gated_codes(X, self.S, self.sigma(X), self.aggregate, self.theta, self.heads)
        return curved_codes(X, self.S, self.sigma(X), self.aggregate, self.theta)


def fit_energy(X: np.ndarray, components: np.ndarray, level: float, power: float, ask: Ask) -> Found:
    """From the linear solution to the best state found; see spaxel.EnergyMCR.

    X : (n, channel), scaled so that the largest value is 1      components : (k, channel)      level, power : noise of a sample
    What is better is decided between states fitted to four fifths of the samples, by their `price` on the held-out fifth;
    then what was chosen is fitted to all.
    """
    linear = Task(AGGREGATES["linear"], ask.number, ask.signed, ask.seed, 0 if ask.known is None else len(ask.known))
    part, kept = _split(X, ask.seed)
    full = State(linear.aggregate, _prepared(X, components, level, power, linear, ask), np.zeros(0), level, power)
    state = full
    if not ask.scene:
        solved = solve_linear(part, full.sigma(part), linear)
        state = replace(full, S=_prepared(part, solved.S, level, power, linear, ask))
    chosen = _chosen(part, kept, state, linear, ask)
    task = replace(linear, aggregate=chosen.state.aggregate)
    if chosen.state is not state:
        state = chosen.state
        full = state if ask.scene else _again(X, state, task, ask)
    if ask.scene or not ask.epochs or task.aggregate.name == MONOTONE.name:
        found = _sorted(X, full, task, chosen.prices, [], "Nothing was trained.")
    else:
        found = _trained(X, state, full, task, ask, chosen.prices)
    return replace(found, law=chosen.law)


@dataclass(frozen=True)
class Chosen:
    """state : under the law that was chosen      prices : of all on the held-out samples      law : what `info_` says of it."""

    state: State
    prices: dict[str, Any]
    law: dict[str, Any]


def _chosen(part: np.ndarray, kept: np.ndarray, linear: State, task: Task, ask: Ask) -> Chosen:
    """The law that fits best, of all or the one that was given; the linear state where none does."""
    sigma = linear.sigma(part)
    seen = {} if ask.scene else looks(part, sigma)
    states = {law.name: _law(part, linear, replace(task, aggregate=law), ask) for law in _offered(seen, ask)}
    level = np.minimum.reduce([one.sigma(kept) for one in (linear, *states.values())])
    prices: dict[str, Any] = {"linear": _judged(kept, linear, level, len(part), sparse=ask.sparse)}
    prices |= {name: _judged(kept, one, level, len(part), sparse=ask.sparse) for name, one in states.items()}
    why: dict[str, list[Doubt]] = {}
    for name in sorted(states, key=lambda name: prices[name]):
        one = states[name]
        if prices[name] > prices["linear"] - GAIN:
            why[name] = [Doubt("held-out spectra do not need it")]
            continue
        fitted = Solution(one.S, one.codes(part), one.theta, one.sigma(part))
        why[name] = doubts(Evidence(part, sigma, seen), kept, fitted, one.codes(kept), one.aggregate)
        if not why[name]:
            return Chosen(one, prices, said_of_law(ask.aggregate, name, why, seen))
    return Chosen(linear, prices, said_of_law(ask.aggregate, "linear", why, seen))


def _offered(seen: dict[str, Look], ask: Ask) -> list[Aggregate]:
    """The laws that are worth solving for."""
    if ask.aggregate is not None:
        return [] if ask.aggregate.linear else [ask.aggregate]
    if ask.scene:
        return [AGGREGATES[name] for name in ("bilinear", "saturation", "absorbance")]
    first = simplest(seen)
    return ([] if first.law.linear else [first.law]) + [AGGREGATES["bilinear"]]


def _split(X: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Four fifths of the samples to fit to, and the fifth that is held out."""
    held_out = np.zeros(len(X), bool)
    held_out[np.random.default_rng([seed, 25]).permutation(len(X))[: len(X) // APART]] = True
    return X[~held_out], X[held_out]


def fit_cold(X: np.ndarray, ask: Ask) -> Found:
    """From a pool of random candidates, linear mixing only; see spaxel.methods.ebgmcr.net.cold. X : as in `fit_energy`.

    Raises ParameterError for what a cold start does not know: a law, components that are known or sparse, a number.
    """
    from spaxel.methods.ebgmcr.net.cold import cold_pool

    asked = {
        "mixing": ask.aggregate is None or not ask.aggregate.linear,
        "known": ask.known is not None,
        "sparse": ask.sparse,
    }
    asked |= {"n_components": ask.number is not None, "smoothing": ask.kernel is not None, "epochs": not ask.epochs}
    if wrong := [name for name, given in asked.items() if given]:
        raise ParameterError(f"start='cold' finds linear components and their number; {wrong[0]} needs start='warm'.")
    weights, found = choose_weights(X, None)
    power = float(weights.p)
    sigma = found.noise / weights.row
    level = float(np.median(sigma / np.linalg.norm(X, axis=1) ** power))
    cold = cold_pool(X, sigma, n_pool=ask.pool, epochs=COLD * ask.epochs, seed=ask.seed, nonnegative=not ask.signed)
    if not len(cold.components):
        raise CubeError("No candidate of the cold start was used. Try start='warm', or more epochs.")
    state = State(AGGREGATES["linear"], cold.components, np.zeros(0), level, power)
    return _sorted(X, state, Task(state.aggregate), {}, cold.history, cold.sentence)


def _prepared(X: np.ndarray, S: np.ndarray, level: float, power: float, task: Task, ask: Ask) -> np.ndarray:
    """The components of the start with those known in their places, first; smooth and of norm 1."""
    S = S / np.maximum(np.linalg.norm(S, axis=1, keepdims=True), 1e-300)
    if ask.known is not None:
        known = ask.known / np.linalg.norm(ask.known, axis=1, keepdims=True)
        cosine = known @ S.T
        row, column = linear_sum_assignment(-cosine)
        gone = column[cosine[row, column] > ALIKE]
        S = np.vstack([known, np.delete(S, gone, axis=0)])
        state = State(task.aggregate, S, np.zeros(0), level, power)
        settled = settle(X, Solution(S, state.codes(X), np.zeros(0), state.sigma(X)), task)
        S = settled.S
    return _smooth(S, ask)


def _smooth(S: np.ndarray, ask: Ask) -> np.ndarray:
    if ask.kernel is None:
        return S
    first = 0 if ask.known is None else len(ask.known)
    smooth = S[first:] @ ask.kernel
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-300)
    return np.vstack([S[:first], smooth])


def _judged(X: np.ndarray, state: State, sigma: np.ndarray, n: int, *, sparse: bool) -> float:
    """The price of a state on samples X, at the noise that is the same for all states."""
    task = Task(state.aggregate, sparse=sparse)
    return price(X, Solution(state.S, state.codes(X), state.theta, sigma), task, n)


def _law(X: np.ndarray, start: State, task: Task, ask: Ask) -> State:
    """The state under the law, from the linear one."""
    found = (_scene if ask.scene else _table)(X, start, task)
    return _state(X, found, task, start.power, ask)


def _again(X: np.ndarray, state: State, task: Task, ask: Ask) -> State:
    """A state under the law, fitted to all samples."""
    begun = Solution(state.S, state.codes(X), state.theta, state.sigma(X))
    return _state(X, best(X, run_rounds(X, begun, task), task), task, state.power, ask)


def _table(X: np.ndarray, start: State, task: Task) -> Solution:
    codes = encode(X, start.S, start.sigma(X))
    return solve_curved(X, Solution(start.S, codes, np.zeros(0), start.sigma(X)), task)


def _scene(X: np.ndarray, start: State, task: Task) -> Solution:
    theta = np.array(task.aggregate.start)
    begun = Solution(start.S, start.codes(X), theta, start.sigma(X))
    return settle(X, begun, task, 12)


def _state(X: np.ndarray, found: Solution, task: Task, power: float, ask: Ask) -> State:
    norm = np.maximum(np.linalg.norm(X, axis=1), 1e-300)
    level = float(np.median(found.sigma / norm**power))
    return State(task.aggregate, _smooth(found.S, ask), found.theta, level, power)


def _trained(X: np.ndarray, state: State, full: State, task: Task, ask: Ask, prices: dict[str, float]) -> Found:
    """Train on one part; what of it is better on the other (components, gates for the codes) is done again on all."""
    from spaxel.methods.ebgmcr.net.training import Training, refine

    part, kept = _split(X, ask.seed)
    training = Training(ask.epochs, ask.seed, ask.device, ask.signed, ask.sparse, task.fixed, kernel=ask.kernel)
    held_out = kept, state.sigma(kept)
    tried = refine(part, state.sigma(part), held_out, state.S, state.begun, training)
    trained = replace(state, S=tried.spectra, theta=tried.theta)
    states = {"start": state, "trained": trained, "gates": replace(trained, heads=tried.heads)}
    prices |= {
        name: _judged(kept, candidate, state.sigma(kept), len(part), sparse=ask.sparse)
        for name, candidate in states.items()
    }
    chosen = min(states, key=lambda name: prices[name])
    if chosen == "start":
        kept_words = "The start was kept: training gained nothing on held-out spectra."
        return _sorted(X, full, task, prices, tried.history, kept_words)
    again = refine(X, full.sigma(X), None, full.S, full.begun, training._replace(epochs=tried.best))
    full = replace(full, S=again.spectra, theta=again.theta, heads=again.heads if chosen == "gates" else None)
    sentence = (
        f"Training (best epoch {tried.best}) lowered the error of held-out spectra by "
        f"{prices['start'] - prices[chosen]:.2f} from {prices['start']:.2f}; abundances by "
        f"{'gates' if chosen == 'gates' else 'the solver'}."
    )
    return _sorted(X, full, task, prices, tried.history, sentence)


def _sorted(X: np.ndarray, state: State, task: Task, prices: dict, history: list, sentence: str) -> Found:
    """What was found, largest component first after those known."""
    norm = np.linalg.norm(X, axis=1)
    hottest = max(1.0, float((norm / state.sigma(X)).max()) / np.sqrt(63 * X.shape[1]))
    order = np.arange(len(state.S))
    amounts = state.codes(X).sum(0)
    order[task.fixed :] = task.fixed + np.argsort(-amounts[task.fixed :], kind="stable")
    heads = None if state.heads is None else Heads(*(part[order] for part in state.heads))
    return Found(state.S[order], state.theta, (state.level, state.power, hottest), heads, prices, history, sentence)
