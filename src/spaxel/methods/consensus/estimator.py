"""The consensus of many cheap labelings: no one scaling and distance is good on all data, what most of them agree on is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from spaxel.cube.sampled_windows import Windows, sample_windows
from spaxel.cube.sampling import Sample
from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.base import Found, Segmenting, Task, said_of_scaling
from spaxel.methods.centers.evidence import Evidence
from spaxel.methods.centers.groups import Rules, evidence_for, groups_through
from spaxel.methods.centers.own_levels import MOST, Labelings
from spaxel.methods.consensus.at_each import labelings_at
from spaxel.methods.consensus.brightness import brightness, for_sources, of_sources, shining
from spaxel.methods.consensus.learning import (
    Consensus,
    Seen,
    consensus_of,
    scalings_of,
    seen_by,
)
from spaxel.methods.consensus.model import CONTEXT, Model, model_arrays, model_from, projected, scores_of
from spaxel.methods.consensus.odd import lone, odd_spectra
from spaxel.methods.consensus.settling import settled
from spaxel.methods.consensus.spots import Sight, others_with_spots, sight_of, spots_of, table_of, with_spots
from spaxel.methods.parameters import (
    MaxClusters,
    Memory,
    NClusters,
    NInit,
    NMicro,
    NSample,
    ScalingOrAuto,
    Seed,
    declared,
)
from spaxel.pace import paced
from spaxel.preprocess.choice import FIXED_CLUSTERS, Choice, choose_scaling
from spaxel.preprocess.scaling import fit_scaling

MOST_LEVELS = 8  # components up to which spots are looked for


@declared
class Segment(Segmenting):
    """The consensus of about 20 labelings: four scalings of the spectra, each by five distances, weighted by their agreement.

    Equation: labels_i = component of argmin_j ‖s(x_i) - c_j‖, s(x) = (Σ_m √w_m R_m[label_m(x)], P(x)): R_m the row of the
    principal components of all labels that a label of member m has, w_m the square of the mean adjusted Rand index of
    member m with the others, P the scores of the chosen scaling, which weigh little beside them. Each member is k-means, or
    a Gaussian mixture of one covariance, of principal components in which a Wiener filter over 3 x 3 pixels has
    lessened the noise; where k-means has several optima that are nearly as good, these share its vote. Sources: Strehl & Ghosh
    2002 (cluster ensembles), Fred & Jain 2005 (evidence accumulation).

    fit, predict, fit_predict, transform (distances to the components) and score (how clearly spectra belong to theirs) take
    a cube, a list of cubes on one axis, or an array (n_spectra, n_channels), whose members know of no neighbours.
    After fit: `state_` (arrays), `info_` (plain values: scaling, agreement of the members, sentences), `n_features_in_`,
    `labels_` (arrays only).
    Fails where components are mixtures rather than groups (unmix instead), are thinner than two pixels and noisy, or are
    rarer than about one pixel in a thousand.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> spaxel.Segment(n_clusters=4).fit(cube).predict(cube)["labels"].shape
    (24, 24)
    """

    method: ClassVar[str] = "consensus"

    n_clusters: NClusters = "auto"
    scaling: ScalingOrAuto = "auto"
    n_micro: NMicro = 40
    max_clusters: MaxClusters = 24
    n_sample: NSample = 10_000
    n_init: NInit = 5
    random_state: Seed = 0
    memory: Memory = None

    def _learn(self, task: Task) -> Found:
        own, seed = task.own, self.random_state
        number = None if self.n_clusters == "auto" else self.n_clusters
        rules = Rules(None, self.n_micro, self.max_clusters, self.n_init, seed)
        compared: dict[str, np.ndarray] = {}
        choice, copies = self._scalings(task, number, compared)
        windows = sample_windows(task.cubes, seed, CONTEXT)  # only now: these and what is compared are large
        seen = _seen(copies, {}, task, windows, seed)
        start, six = None, choice
        odd = odd_spectra(next(iter(seen.values())), number or 2, seed)
        if number is None:
            start = _counted(*next(iter(seen.items())), odd, own, windows, rules)
            choice, copies = self._scalings(task, max(2, start.level), compared)  # as if it had been told
            seen = _seen(copies, seen, task, windows, seed)
        k = number or max(2, start.level if start else 2)
        norm = brightness(own.spectra)
        found, scores, middles = self._settled(task, seen, copies, norm, k, rules, np.flatnonzero(~odd))
        still = lone(distances(scores, middles).argmin(1)) & ~odd
        if still.any():
            odd |= still
            found, scores, middles = self._settled(task, seen, copies, norm, k, rules, np.flatnonzero(~odd))
        sight, plain = self._sight(task, copies, windows), distances(scores, middles).argmin(1)
        spots = spots_of(sight, 3 if start else k, max(k, MOST_LEVELS if start else 0), seed) if sight else []
        labels, taken = with_spots(sight, spots, plain) if sight else (plain, [])
        others: Labelings = {}
        shown = taken
        if start is not None:
            chosen = self.scaling == "auto" and not of_sources(copies)
            numbers = [n for n in range(2, min(MOST, self.max_clusters) + 1) if n != k]
            known = {FIXED_CLUSTERS: six.name} if six else {}
            look = task.look if chosen else None
            others = labelings_at(numbers, seen, copies, found.clear, look, known, norm, odd, rules)
            if sight:
                others, more = others_with_spots(others, sight, spots)
                shown = [*taken, *(spot for spot in more if not any(spot is one for one in taken))]
        model = found.model
        if sight and shown:
            model = model._replace(spots=table_of(sight, shown))
            scores = scores_of(model, task.sample.spectra)
            middles = np.stack([scores[labels == j].mean(0) for j in np.unique(labels)])
        pairs = _pairs(model, task.sample, own, scores.shape[1])
        groups = groups_through(scores, pairs, middles, start if start else k, rules, found.spaces, others)
        first = model.names[0]
        info = said_of_scaling(first, choice) | {
            "views": list(seen),
            "context": model.context,
            "agreement": found.agreement,
        }
        info |= {"odd": int(odd.sum())} if odd.any() else {}
        info["directions_by_noise"] = False  # a variance of the file has a say in the scaling alone
        return Found(groups, fit_scaling(first, own), own.spectra, scores, pairs, model_arrays(model), info)

    def _settled(
        self, task: Task, seen: dict[str, Seen], copies: dict[str, int], norm: np.ndarray, k: int, rules: Rules,
        rows: np.ndarray,
    ) -> tuple[Consensus, np.ndarray, np.ndarray]:  # fmt: skip
        """The consensus at k components that some rows of the sample give, and of all rows: scores (n, d); centres (k, d)."""
        some = {name: view._replace(z=view.z[rows], around=view.around[rows]) for name, view in seen.items()}
        found = consensus_of(some, copies, norm[rows], k, rules)
        spaces = [(weight, view.near) for (weight, _), view in zip(found.spaces, seen.values(), strict=True)]
        scores = scores_of(found.model, task.sample.spectra if found.model.context else task.own.spectra)
        middles = settled(scores[rows], found.labels, found.weight, k, self.n_init, self.random_state)
        return found._replace(spaces=spaces), scores, middles

    def _sight(self, task: Task, copies: dict[str, int], windows: Windows) -> Sight | None:
        """Where spots are looked for: in images whose values are no counts, where no scaling was asked for."""
        if self.scaling != "auto" or of_sources(copies) or task.look.counts or not len(task.own.pairs):
            return None
        return sight_of(task.sample, windows, self.random_state)

    def _scalings(
        self, task: Task, number: int | None, compared: dict[str, np.ndarray]
    ) -> tuple[Choice | None, dict[str, int]]:
        """The choice of a scaling at this number, and how often the members of each scaling count, the chosen one first."""
        if self.scaling != "auto":
            return None, {self.scaling: 1}
        choice = choose_scaling(task.own, number, self.random_state, look=task.look, known=compared)
        if shining(task.own, task.look):
            return for_sources(choice, task.own)
        return choice, scalings_of(choice.name, task.look)

    def _model(self) -> Model:
        return model_from(self.state_, self.info_["views"], self.info_["context"])

    def _model_of(self, cube: xr.Dataset) -> Model:
        model = self._model()
        return model if cube.sizes["x"] > 1 else model._replace(context=0)

    def _reading(self) -> tuple[int, int]:
        return self.n_sample, CONTEXT


def _seen(names: Iterable[str], known: dict[str, Seen], task: Task, windows: Windows, seed: int) -> dict[str, Seen]:
    """The sample by each scaling, in this order. known : those that were made before"""
    own = task.own
    sample = task.sample if len(own.pairs) and len(windows.good) else own
    return {
        name: known[name] if name in known else seen_by(fit_scaling(name, own), sample, own, windows, seed)
        for name in paced(list(names), "scalings")
    }


def _counted(name: str, seen: Seen, odd: np.ndarray, own: Sample, windows: Windows, rules: Rules) -> Evidence:
    """The number of components, as KMeans finds it in the chosen scaling without what neighbours tell, and without the odd."""
    channels, d = own.spectra.shape[1], seen.z.shape[1]
    pairs = projected(name, seen.folded, own.pairs.reshape(-1, channels)).reshape(-1, 2, d)
    flat = windows.spectra.reshape(-1, windows.spectra.shape[-1])[:, :channels]
    beside = projected(name, seen.folded, flat).reshape(*windows.good.shape, d)
    return evidence_for(seen.z[~odd], pairs, rules, Windows(beside, windows.good))


def _pairs(model: Model, sample: Sample, own: Sample, d: int) -> np.ndarray:
    """Scores (p, 2, d) of neighbouring pixels."""
    beside: Any = sample.pairs[:, :2] if model.context else own.pairs
    return scores_of(model, beside.reshape(-1, beside.shape[-1])).reshape(-1, 2, d)
