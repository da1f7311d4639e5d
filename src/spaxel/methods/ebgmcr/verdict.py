"""Whether a mixing law fits: beside the others, beside a free curve, in halves of the samples, and in what it leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from spaxel.methods.ebgmcr.codes import mixed
from spaxel.methods.ebgmcr.laws import AGGREGATES, MONOTONE, Aggregate
from spaxel.methods.ebgmcr.solve import Solution, Task, Undone, best_theta, settle

MORE = 1.04  # times what the best law leaves, that a law may leave
FEWER = 0.9  # times the components of a law, below which a free curve makes it doubtful
SPREAD = 0.06  # of the largest value, by which the curves of two halves may differ
CHANGED = 0.25  # of γ, by which it may differ between halves
STRONGEST = 5.0  # γ that is believed
STRUCTURE = 0.06  # share of the squared residual that follows the predicted signal, from which it is structure
ABOVE = 3.0  # times the noise, from which a predicted signal is looked at
BINS = 10
READINGS = np.linspace(0.05, 1, 20)


class Doubt(NamedTuple):
    """Why a law does not fit. strange : for a strength that nothing physical has, which held-out spectra need all the same"""

    words: str
    strange: bool = False


class Look(NamedTuple):
    """A law that acts on each value alone: θ, the rank that is left where it is undone, and what ranks leave of the data."""

    law: Aggregate
    theta: np.ndarray
    rank: int
    left: np.ndarray


def look(X: np.ndarray, sigma: np.ndarray, law: Aggregate, theta: np.ndarray | None = None) -> Look:
    """Undo a law at its best θ, or at this one.   X : (n, channel), largest value 1      sigma : (n,)"""
    theta = best_theta(X, sigma, law) if theta is None else theta
    tried = Undone(X, sigma, law, theta)
    return Look(law, theta, max(tried.rank, 1), tried.left_by_rank())


def looks(X: np.ndarray, sigma: np.ndarray) -> dict[str, Look]:
    """All laws that act on each value alone, the simplest first, the free curve last."""
    laws = [AGGREGATES["linear"], AGGREGATES["saturation"], AGGREGATES["absorbance"], MONOTONE]
    return {law.name: look(X, sigma, law) for law in laws}


def simplest(found: dict[str, Look]) -> Look:
    """The simplest law that is about as good as the best one: linear, else one with a name, else the free curve."""
    if is_enough(found["linear"], found):
        return found["linear"]
    named = min(
        (found[name] for name in ("saturation", "absorbance")), key=lambda one: (one.rank, one.left[one.rank - 1])
    )
    return named if is_enough(named, found) else found["monotone"]


def is_enough(one: Look, found: dict[str, Look]) -> bool:
    """Whether no other law leaves clearly less of the data at the least rank that any law has."""
    rank = min(other.rank for other in (one, *found.values()))
    return float(one.left[rank - 1]) <= MORE * min(float(other.left[rank - 1]) for other in found.values())


class Evidence(NamedTuple):
    """The samples X (n, channel) that a law was fitted to, their noise (n,), and all laws beside each other; {} of a scene."""

    X: np.ndarray
    sigma: np.ndarray
    seen: dict[str, Look]


def doubts(told: Evidence, held: np.ndarray, found: Solution, codes: np.ndarray, law: Aggregate) -> list[Doubt]:
    """Why a law that was fitted does not fit; [] if it does.

    held : (m, channel) that were not fitted, with their codes (m, k)      found : what was fitted
    """
    X, seen = told.X, told.seen
    if not seen:  # a scene
        return _strange(law, found.theta)
    why, free = [], seen["monotone"]
    if law.name in seen:
        here = look(X, told.sigma, law, found.theta)
        if not is_enough(here, seen):
            why.append(Doubt(f"a free curve leaves {free.rank} components, {law.name} {here.rank}"))
    elif free.rank < FEWER * found.k:
        why.append(Doubt(f"a free curve leaves {free.rank} components, {law.name} {found.k}"))
    why += _strange(law, found.theta)
    why += _halves(X, found, law)
    level = float(np.median(found.sigma / np.linalg.norm(X, axis=1)))
    if structure(held, codes, found, law, level * np.linalg.norm(held, axis=1)) > STRUCTURE:
        why.append(Doubt("what it leaves follows the predicted signal"))
    return why


def _strange(law: Aggregate, theta: np.ndarray) -> list[Doubt]:
    """A strength that nothing physical has."""
    if law.name == "bilinear" and not 0 <= theta[0] <= STRONGEST:
        return [Doubt(f"its strength is {theta[0]:.2g}, outside 0 to {STRONGEST:g}", strange=True)]
    return []


def _halves(X: np.ndarray, found: Solution, law: Aggregate) -> list[Doubt]:
    """Whether θ is another one in another half of the samples."""
    order = np.random.default_rng([len(X), 35]).permutation(len(X))
    parts = [np.sort(order[: len(X) // 2]), np.sort(order[len(X) // 2 :])]
    if law.inverse is not None:
        curves = [_shape(law, best_theta(X[of], found.sigma[of], law)) for of in parts]
        apart = float(np.abs(curves[0] - curves[1]).max())
        return [Doubt(f"two halves of the samples give curves that differ by {apart:.0%}")] if apart > SPREAD else []
    task = Task(law)
    theta = [settle(X[of], replace(found, C=found.C[of], sigma=found.sigma[of]), task, 3).theta for of in parts]
    apart = float(np.abs(theta[0] - theta[1]).max())
    limit = max(0.05, CHANGED * float(np.abs(found.theta).max()))
    return [Doubt(f"two halves of the samples give strengths that differ by {apart:.2g}")] if apart > limit else []


def _shape(law: Aggregate, theta: np.ndarray) -> np.ndarray:
    """The inverse of a law at READINGS, 1 at the largest."""
    assert law.inverse is not None
    values = law.inverse(np.append(READINGS, 0.999), theta)
    return values[:-1] / values[-1]


def structure(X: np.ndarray, codes: np.ndarray, found: Solution, law: Aggregate, sigma: np.ndarray) -> float:
    """Share of the squared residual of new samples that is a function of the predicted signal, chance taken off: 0 to 1."""
    fit = mixed(law, codes, found.S, found.theta)
    rest = ((X - fit) / sigma[:, None])[fit > ABOVE * sigma[:, None]]
    signal = fit[fit > ABOVE * sigma[:, None]]
    if len(rest) < 10 * BINS:
        return 0.0
    edges = np.quantile(signal, np.linspace(0, 1, BINS + 1)[1:-1])
    at = np.searchsorted(edges, signal)
    number = np.maximum(np.bincount(at, minlength=BINS), 1)
    explained = (np.bincount(at, rest, BINS) ** 2 / number).sum()
    total = float((rest**2).sum())
    return max(0.0, float(explained / max(total, 1e-300)) - BINS / len(rest))


def said_of_law(
    asked: Aggregate | None, chosen: str, why: dict[str, list[Doubt]], seen: dict[str, Look]
) -> dict[str, Any]:
    """What `info_` says: chosen, fits, sentence, why (of each law that was refused), rank (that undoing each law leaves).

    asked : None = all laws      "fits" is False where what was chosen stands only as nothing else did: linear, where a curve
    or a strength that light cannot have explains held-out spectra better.
    """
    strange = any(all(doubt.strange for doubt in own) for own in why.values() if own)  # refused for its strength alone
    fits = chosen != "linear" or not (strange or (seen and not is_enough(seen["linear"], seen)))
    said = {name: [doubt.words for doubt in own] for name, own in why.items()}
    about = {"asked": "auto" if asked is None else asked.name, "chosen": chosen, "fits": fits, "why": said}
    about["rank"] = {name: one.rank for name, one in seen.items()}
    refused = "; ".join(f"{name}: {', '.join(words)}" for name, words in said.items() if words)
    if fits:
        words = {"linear": "Mixing is linear, as far as these spectra tell."}.get(
            chosen, f"The mixing law is {chosen}."
        )
        return about | {"sentence": f"{words} Others were refused ({refused})." if refused else words}
    if asked is None:
        return about | {"sentence": f"Mixing is not linear, and none of these laws fits ({refused})."}
    if asked.linear:
        least = min(seen.values(), key=lambda one: one.rank)
        words = f"with {least.law.name} undone {least.rank} components are left of {seen['linear'].rank}"
        return about | {"sentence": f"Mixing is not linear: {words}."}
    return about | {"sentence": f"Mixing is not linear, and {asked.name} does not fit ({refused})."}
