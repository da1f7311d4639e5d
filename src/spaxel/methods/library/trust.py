"""How far a probability can be trusted: mixtures of this very library at the noise of these data are simulated and unmixed.

What the sets say is the whole truth only if all sets that matter were looked at, which nobody can know where many spectra of
a library are alike. So probabilities are compared with what was in the simulated mixtures, and a line through the logits
turns one into the other; the errors of amounts are widened until 19 of 20 hold the truth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from spaxel.linear.supports.energies import Pool
from spaxel.linear.supports.presence import Groups, Presence, presence_of

SIMULATED = 80  # mixtures
SUREST = 0.998  # no probability is above, none below 1 - SUREST but zero
LOOKED = 1e-3  # probability from which a pair of mixture and group is looked at
STIFF = 0.5  # how strongly the line is held to what the sets say
FEWEST = 12  # mixtures of a kind from which it has a line of its own
HALF = 0.5  # probability from which one is present


class Trust(NamedTuple):
    """slope, shift : (2,) of the logit, where the walk did not settle and where it did      widen : of the errors

    found : part of what was in the simulated mixtures that was said to be      right : part of what was said that was
    """

    slope: np.ndarray
    shift: np.ndarray
    widen: np.ndarray
    found: np.ndarray
    right: np.ndarray


def trust_of(pool: Pool, groups: Groups, seen: list[Presence], left: np.ndarray, seed: int) -> Trust:
    """From the spectra that were looked at. left : (n, channel) what the best sets leave of them"""
    rng = np.random.default_rng([seed, 33])
    said, truth, settled, off = [], [], [], []
    for x, amounts in _mixtures(pool, seen, left, rng):
        one = presence_of(pool, x, groups)
        true = np.bincount(groups.of, amounts * groups.unit, groups.number)
        said.append(one.probability)
        truth.append(true > 0)
        settled.append(one.settled)
        sure = (one.probability > HALF) & (true > 0)
        off.append(np.abs(one.amount - true)[sure] / np.maximum(one.error[sure], 1e-12 * true[sure]))
    p, t, ended = (np.array(part, kind) for part, kind in ((said, float), (truth, bool), (settled, bool)))
    if not said:  # nothing was found that could be simulated
        return Trust(np.ones(2), np.zeros(2), np.ones(1), np.full(1, np.nan), np.full(1, np.nan))
    lines = [_line(p[of], t[of]) if of.sum() >= FEWEST else _line(p, t) for of in (~ended, ended)]
    slope, shift = (np.array(part) for part in zip(*lines, strict=True))
    wide = np.concatenate(off)
    widen = max(1.0, float(np.quantile(wide, 0.95)) / 1.96) if len(wide) > FEWEST else 1.0
    trust = Trust(slope, shift, np.array(widen), np.array(0.0), np.array(0.0))
    here = np.array([trusted(trust, one, end) for one, end in zip(p, ended, strict=True)]) > HALF
    both = float((here & t).sum())
    return trust._replace(found=np.array(both / max(t.sum(), 1)), right=np.array(both / max(here.sum(), 1)))


def trusted(trust: Trust, probability: np.ndarray, settled: bool) -> np.ndarray:
    """Probabilities as they are to be said: of those said 0.9, nine in ten were right in the simulated mixtures."""
    kind = int(settled)
    turned = expit(trust.slope[kind] * _logit(probability) + trust.shift[kind])
    return np.where(probability < LOOKED, 0.0, np.clip(turned, 0, SUREST))


def _mixtures(
    pool: Pool, seen: list[Presence], left: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mixtures (channel,) and their amounts (m,): of other spectra of the pool, as many and as much as was found; of every
    other mixture any number, since what cannot be told apart is found to be fewer. What was left elsewhere is the noise."""
    size = np.array([max(float(np.linalg.norm(one.likely @ pool.spectra)), 1e-300) for one in seen])
    able = [i for i, one in enumerate(seen) if one.likely.any()]
    made = []
    for turn in range(SIMULATED if able else 0):
        model, other = (int(i) for i in rng.choice(able, 2))
        found = seen[model].likely
        amounts = np.zeros(pool.size)
        number = int(rng.integers(1, pool.most + 1)) if turn % 2 else np.count_nonzero(found)
        amounts[rng.choice(pool.size, number, replace=False)] = rng.choice(found[found > 0], number)
        clean = amounts @ pool.spectra
        noise = left[other] * (rng.choice([-1.0, 1.0]) * np.linalg.norm(clean) / size[other])
        made.append((clean + noise, amounts))
    return made


def _line(p: np.ndarray, t: np.ndarray) -> tuple[float, float]:
    """Slope and shift of the logit that fit best what was there; 1 and 0 where there is nothing to learn from."""
    looked = p >= LOOKED
    if looked.sum() < FEWEST:
        return 1.0, 0.0
    x, y = _logit(p[looked]), t[looked].astype(np.float64)

    def cost(line: np.ndarray) -> float:
        z = line[0] * x + line[1]
        return float((np.logaddexp(0, z) - y * z).sum() + STIFF * ((line[0] - 1) ** 2 + line[1] ** 2))

    slope, shift = minimize(cost, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.02, 1.0), (-6, 3)]).x
    return float(slope), float(shift)


def _logit(p: np.ndarray) -> np.ndarray:
    return logit(np.clip(p, 1 - SUREST, SUREST))
