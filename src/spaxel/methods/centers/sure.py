"""How probable it is that a pixel has the right component: margin, noise, brightness that decides, other scalings and numbers.

Equation: odds of being right = (d2 / d1)^b · (0.02 + ε)^-c · (0.05 + δ)^-f · exp(a - e g), and at most a probability of 0.5
+ 2 (1 - d1 / d2), a half at a tie; d1 the distance to the nearest centre, d2 to the nearest one of another component, ε
the share of spectra of the same part that noise carries to another component when they are measured again
(`doubt.count_mistakes`), g how far labels are brightness alone (`dull.dullness`), δ the share that k-means of other
scalings puts together with other components (`disputed`). a is less where the number of components was found and not
told. Where the fit has maps of other numbers as well, all of this is times 1 - w (1 - s), s how probable it is that the
right number leaves the part in its component (`keeping`). Six numbers for each method, and two for these, learned on
simulated worlds (benchmarks/calibration.py --learn), and a little doubt more. How often they hold:
benchmarks/results/calibration.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.methods.centers.disputed import disputes
from spaxel.methods.centers.dull import dullness
from spaxel.methods.centers.groups import Groups
from spaxel.results.trees import cut_tree

CLEAR = 3.0  # ln(d2 / d1) beyond which a larger one says no more
TIE = 0.25  # margin below which a pixel lies between two components
SLIGHT = 0.02  # added to the share of mistakes
SOME = 0.05  # added to the share that is disputed
FEW = 20  # spectra by which a part is pulled towards the mean of all, so that one that was hardly drawn is not said to be sure
LEARNED = {  # a, b, c, e, f, and what is taken off a where the number was found; by benchmarks/calibration.py --learn
    "kmeans": (-2.95, 0.59, 0.89, 3.16, 0.76, 0.47),
    "consensus": (-2.62, 0.95, 0.48, 3.03, 0.89, 1.19),
    "learned": (-2.63, 1.08, 0.49, 3.02, 0.97, 1.13),
    "dsc": (-3.46, 0.55, 0.95, 3.15, 0.71, 0.57),  # less 0.8: on a real scene it was far too sure
    "dgc": (-3.75, 0.59, 0.89, 3.16, 0.76, 0.47),  # of k-means, less 0.8: on the careful side
}
NUMBERS = {  # what is taken off a where the number was found and there are maps of others, and w; --learn-numbers
    "kmeans": (0.1, 0.65),  # learned 0.0: a found number stays one doubt more
    "consensus": (1.05, 0.59),
}


class Sure(NamedTuple):
    """What a model keeps of it. weights : (5,) a, b, c, e, f      dull : (1,) g      mistaken : (m, m), see `doubt`.

    disputed : (m, m), see `disputed`; without it f is 0      typical : (1,) mean of δ at the components of the result
    alone    : (1,) where nothing to divide was found, how probable that is; 1 otherwise
    held     : (m,) 1 - w (1 - s), by which confidence is multiplied at every level; None: by nothing
    """

    weights: np.ndarray
    dull: np.ndarray
    mistaken: np.ndarray
    disputed: np.ndarray | None = None
    typical: np.ndarray = np.zeros(1)
    alone: np.ndarray = np.ones(1)
    held: np.ndarray | None = None

    def against(self, component: np.ndarray) -> np.ndarray:
        """Odds of being wrong of each part (m,) at a margin of 0, grouped into these components (m,)."""
        a, _, c, e, *rest = self.weights
        slip = mistakes(self.mistaken.astype(np.float64), component)
        odds = c * np.log(SLIGHT + slip) + e * self.dull[0] - a
        if rest and self.disputed is not None:
            odds = odds + rest[0] * np.log(SOME + self.dispute(component))
        return np.exp(odds)

    def dispute(self, component: np.ndarray) -> np.ndarray:
        """δ of each part (m,), pulled towards the mean of the result; joining components never makes it larger."""
        assert self.disputed is not None
        table = self.disputed.astype(np.float64)
        return (_outside(table, component) + FEW * self.typical[0]) / (table.sum(1) + FEW)

    def against_at(self, tree: np.ndarray, levels: np.ndarray, table: np.ndarray | None = None) -> np.ndarray:
        """The same at levels (l,), (m, l). table : (l, m) the component of each part there; None: they are cuts of the tree"""
        cuts = [cut_tree(tree, int(level)) for level in levels] if table is None else table
        found = [self.against(component) for component in cuts]
        return np.stack(found, axis=1) if found else np.zeros((len(tree) + 1, 0))


def learned_for(
    method: str, spectra: np.ndarray, groups: Groups, seed: int, *, counts: bool, told: bool
) -> dict[str, np.ndarray]:
    """What a method keeps beside its mistakes: arrays of its state.

    spectra : (n, channel) that the groups are made of      counts : of photons      told : the number of components was
    """
    a, *rest, found = LEARNED.get(method, LEARNED["kmeans"])
    held = {}
    if groups.kept is not None:
        found, w = NUMBERS[method]
        held["sure_held"] = 1 - w * (1 - groups.kept)
    weights = [a - (0.0 if told else found), *rest]
    disputed, dull = (
        disputes(spectra, groups, seed, counts=counts),
        dullness(spectra, groups.component[groups.micro], seed),
    )
    kept = {"sure_weights": weights, "sure_dull": [dull], "sure_dispute": [mean_outside(disputed, groups.component)]}
    return {name: np.array(value) for name, value in kept.items()} | {"disputed": disputed} | held


def sure_of(state: dict[str, np.ndarray]) -> Sure | None:
    """From the arrays of a model; None for a model of a version that kept no such numbers, whose confidence is the margin."""
    if "sure_weights" not in state or "mistaken" not in state:
        return None
    known = Sure(state["sure_weights"], state["sure_dull"], state["mistaken"])
    known = known._replace(alone=state.get("sure_alone", known.alone), held=state.get("sure_held"))
    return known._replace(disputed=state["disputed"], typical=state["sure_dispute"]) if "disputed" in state else known


def confidence(margin: np.ndarray, against: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Probability of being right, from margins 1 - d1 / d2 and the odds against it that part and level have, of one shape.

    Halfway between two components it is a half at most, however clear the rest of them is.
    """
    return certain(*terms(margin, weights), against)


def terms(margin: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What margins say, whatever is against it: what the odds against it are multiplied by, and the most that can be said."""
    return np.maximum(1 - margin, np.exp(-CLEAR)) ** weights[1], 0.5 + 0.5 * np.minimum(margin / TIE, 1)


def certain(power: np.ndarray, bound: np.ndarray, against: np.ndarray) -> np.ndarray:
    """`confidence`, of its `terms`."""
    odds = np.asarray(against * power)
    odds += 1
    return np.minimum(np.divide(1, odds, out=odds), bound, out=odds)


def at_most(levels: np.ndarray, alone: float) -> np.ndarray:
    """Confidence that a label can have at each of these levels (l,), where nothing to divide was found with this probability.

    One component is right with that probability, and any division with what is left of it. 1 at every level if alone is 1.
    """
    return np.where((levels == 1) | (alone == 1), alone, 1 - alone)


def mistakes(mistaken: np.ndarray, component: np.ndarray) -> np.ndarray:
    """Share of spectra of each part (m,) that lies in the columns of another component. mistaken : (m, m), component : (m,)

    Joining components never makes it larger.
    """
    left, total = _outside(mistaken, component), mistaken.sum(1)
    mean = left.sum() / max(total.sum(), 1.0)
    return (left + FEW * mean) / (total + FEW)


def mean_outside(table: np.ndarray, component: np.ndarray) -> float:
    """Share of all that a table (m, m) counts in the columns of other components (m,)."""
    return float(_outside(table, component).sum() / max(table.sum(), 1.0))


def _outside(table: np.ndarray, component: np.ndarray) -> np.ndarray:
    return np.asarray(table.sum(1) - (table * (component[:, None] == component)).sum(1))
