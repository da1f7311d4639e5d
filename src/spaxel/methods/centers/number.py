"""How probable each number of components is, from what the checks and the splits of a tree say; and that in words.

P(k) ~ exp(s_k / T), k = 1, 2, …, with s_k = Σ_f w_f f(k): a conditional logit (McFadden 1974) whose terms f are log2 k,
whether k is 1 and no split is real, what level k leaves of the variance in units of the noise, and how far k lies, in
octaves and at most 1.5, from the number that each check names. Weights and T are learned on simulated worlds
(benchmarks/number.py); where less can be seen (no windows, no neighbours) there are others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from spaxel.methods.centers.splits import Splits
from spaxel.results.said import GRADUAL, MIXTURE

FAR = 1.5  # octaves beyond which a check is as wrong as it can be
INTERVAL = 0.8  # probability that the interval holds
PERHAPS = 0.2  # probability of one component from which that is said
ONE = 0.5  # probability of one component from which there is nothing to divide
REAL = {  # least excess, apart, inside, height of a split
    "real splits": (0.15, 1.4, 0.1, 0.2),
    "clear splits": (0.1, 1.8, 0.25, 0.2),
    "edged splits": (0.0, 0.0, 0.4, 0.5),  # clouds that noise runs together, apart in the image
}
WEIGHTS: dict[str, dict[str, float]] = {
    "windows": {
        "log2": -0.419,
        "one": 0.213,
        "one, no split is real": 0.453,
        "left": 0.006,
        "silhouette": 0.100,
        "valley": 0.537,
        "elbow": 0.823,
        "log elbow": 0.560,
        "contact": 0.370,
        "real splits": 0.278,
        "clear splits": 0.508,
        "edged splits": 0.782,
        "alike": 0.594,
        "temperature": 0.95,
    },
    "pairs": {
        "log2": -0.569,
        "one": 0.305,
        "one, no split is real": 0.258,
        "left": 0.132,
        "silhouette": 0.185,
        "valley": 0.844,
        "elbow": 0.812,
        "log elbow": 0.557,
        "contact": 0.547,
        "real splits": 0.257,
        "clear splits": 0.192,
        "alike": 0.730,
        "temperature": 0.95,
    },
    "table": {
        "log2": -0.702,
        "one": 0.221,
        "one, no split is real": 0.000,
        "silhouette": 0.309,
        "valley": 1.041,
        "elbow": 1.078,
        "log elbow": 0.748,
        "real splits": 0.148,
        "clear splits": 0.154,
        "temperature": 0.80,
    },
}


class Number(NamedTuple):
    """probability : (n,) of 1, 2, …, n components      low, high : between which the number lies with 80 %."""

    probability: np.ndarray
    low: int
    high: int

    @property
    def likeliest(self) -> int:
        """The most probable number."""
        return int(self.probability.argmax()) + 1

    @property
    def divided(self) -> int:
        """The most probable number above 1."""
        return int(self.probability[1:].argmax()) + 2 if len(self.probability) > 1 else 1

    def of(self, number: int) -> float:
        """Probability of a number."""
        return float(self.probability[number - 1]) if number <= len(self.probability) else 0.0


def number_of(votes: dict[str, int], splits: Splits) -> Number:
    """How probable each number is. votes : {check: the number that it names}"""
    names, values = features(votes, splits)
    weights = WEIGHTS[kind_of(splits)]
    score = sum(weights.get(name, 0.0) * column for name, column in zip(names, values.T, strict=True))
    score = np.asarray(score) / weights["temperature"]
    probability = np.exp(score - score.max())
    probability /= probability.sum()
    return Number(probability, *interval(probability))


def kind_of(splits: Splits) -> str:
    """What could be seen: windows, pairs of neighbours, or a table."""
    if splits.alike < 0:
        return "table"
    return "windows" if splits.windows else "pairs"


def features(votes: dict[str, int], splits: Splits) -> tuple[list[str], np.ndarray]:
    """Names of the features, and their values for 1, 2, … components: (level, feature)."""
    k = np.arange(1, len(splits.left) + 1)
    real = {name: int(passed(splits, name).sum()) for name in REAL}
    named = dict(votes) | {name: 1 + n for name, n in real.items()}
    if splits.alike >= 0:
        named["alike"] = 1 + splits.alike
    one = (k == 1).astype(float)
    columns = {"log2": np.log2(k), "one": one, "one, no split is real": one * (not any(real.values()))}
    if splits.alike >= 0:
        columns["left"] = splits.left
    columns |= {name: -np.minimum(np.abs(np.log2(k / max(vote, 1))), FAR) for name, vote in named.items()}
    return list(columns), np.stack(list(columns.values()), axis=1)


def passed(splits: Splits, rule: str) -> np.ndarray:
    """Which splits are real by a rule of REAL, (s,) bool. What cannot be told counts as passed, but for the excess; a split
    is only edged where its interior and border were seen.
    """
    excess, *rest = REAL[rule]
    values = (splits.apart, splits.inside, splits.height)
    told = [np.isnan(value) | (value > low) for value, low in zip(values, rest, strict=True)]
    seen = True if rule != "edged splits" else np.isfinite(splits.inside) & np.isfinite(splits.height)
    return (splits.excess > excess) & np.all(told, axis=0) & seen


def interval(probability: np.ndarray) -> tuple[int, int]:
    """The shortest run of numbers that holds 80 % of the probability; of several, the one that holds most."""
    total = np.append(0, np.cumsum(probability))
    n = len(probability)
    for width in range(1, n + 1):
        held = total[width:] - total[:-width]
        if held.max() >= INTERVAL - 1e-9 or width == n:
            low = int(held.argmax()) + 1
            return low, low + width - 1
    return 1, n


def in_words(number: Number, level: int) -> str:
    """What is known of the number, without why: `4 components (probability 62 %; between 3 and 5 with 80 %)`."""
    if level == 1:
        return f"Nothing to divide: 1 component (probability {_percent(number.of(1))})"
    between = f"{number.low} to {number.high}" if number.low < number.high else f"{number.low}"
    may = f"; nothing to divide: {_percent(number.of(1))}" if number.of(1) > PERHAPS else ""
    return f"{level} components (probability {_percent(number.of(level))}; with 80 % probability {between}{may})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def doubtful(splits: Splits) -> dict[str, list[int]]:
    """{why: the numbers of components whose split is doubtful for it}, of all levels; what is never so is left out."""
    excess, apart, inside, height = REAL["real splits"]
    lacks = {
        "both halves look like one cloud": splits.excess <= excess,
        MIXTURE: splits.apart <= apart,
        "no interior": splits.inside <= inside,
        GRADUAL: splits.height <= height,
    }
    return {why: [k for k, doubt in enumerate(bad, 2) if doubt] for why, bad in lacks.items() if bad.any()}


def doubts_of(found: Mapping[str, Sequence[int]], level: int) -> str:
    """What the splits up to a level are doubtful for, in words; empty where they are not. found : see `doubtful`"""
    upto = {why: [str(k) for k in numbers if k <= level] for why, numbers in found.items()}
    return "; ".join(f"{why} ({', '.join(numbers)})" for why, numbers in upto.items() if numbers)
