"""Distances learned from simulated worlds of the field, which know what varies within a material, beside the consensus."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field as Declared

from spaxel.cube.sampled_windows import Windows, sample_windows
from spaxel.errors import ParameterError
from spaxel.linear.lloyd import lloyd
from spaxel.methods.centers.base import Found, Segmenting, Task
from spaxel.methods.centers.evidence import Evidence
from spaxel.methods.centers.groups import Rules, evidence_for, groups_through
from spaxel.methods.centers.projection import in_blocks
from spaxel.methods.consensus.estimator import Segment
from spaxel.methods.consensus.model import CONTEXT
from spaxel.methods.learned.fields import FIELDS, field_of
from spaxel.methods.learned.known import ALIKE, APART, Known, known_of, may_be, told_redshift
from spaxel.methods.learned.model import Model, learned_arrays, learned_from, model_of, of_grids
from spaxel.methods.learned.weights import read_weights
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

TRUSTED = 0.5  # from which on the number of components is found in the learned places


@declared
class LearnedMetric(Segmenting):
    """Segmentation by distances that were learned from simulated worlds of a field, for which no training is needed here.

    Equation: labels_i = component of argmin_j ‖s(x_i) - c_j‖, s(x) = (q(x), w t g(x)): q the place in the consensus of Segment,
    g the place of norm 1 that a net of two hidden layers gives to the spectrum on a physical grid, alone and summed over 3 x 3
    pixels, w its weight (7 of counts, 30 of light), t the trust, 0 to 1, by how near the spectra lie to what was simulated. The
    net was trained on worlds with truth, so that pixels of one material are near each other whatever its thickness, what lies
    below it, pile-up, speed and light (supervised contrastive loss, Khosla et al. 2020). Fields: `maxrf`, paintings under X-ray
    fluorescence, and `ifu`, galaxies, at the redshift of the cube (attrs `redshift`) or else that at which its lines are most
    like simulated ones.

    fit, predict, fit_predict, transform (distances to the components) and score (how clearly spectra belong to theirs) take
    a cube, a list of cubes on one axis, or an array (n_spectra, n_channels).
    After fit: `state_` (arrays), `info_` (plain values: field, trust, sentences), `n_features_in_`, `labels_` (arrays only).
    Fails, by giving what Segment gives, where no field fits the axis, or where spectra are unlike all that was simulated; is
    misled by materials that the simulation does not know. Raises ParameterError if the field that is asked for does not fit.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=200)
    >>> model = spaxel.LearnedMetric(n_clusters=4).fit(cube)
    >>> model.predict(cube)["labels"].shape, model.info_["field"]
    ((24, 24), 'maxrf')
    """

    method: ClassVar[str] = "learned"

    n_clusters: NClusters = "auto"
    weights: Annotated[
        str | Path,
        Declared(
            description=f"auto: of the field that the axis fits; {', '.join(FIELDS)}; or a file of train-metric",
        ),
    ] = "auto"
    scaling: ScalingOrAuto = "auto"
    n_micro: NMicro = 40
    max_clusters: MaxClusters = 24
    n_sample: NSample = 10_000
    n_init: NInit = 5
    random_state: Seed = 0
    memory: Memory = None

    def _learn(self, task: Task) -> Found:
        number = None if self.n_clusters == "auto" else self.n_clusters
        known, seed = self._known(task), self.random_state
        if isinstance(known, str) or known.near.trust == 0:
            found = self._told("auto" if number is None else number)._learn(task)
            return found._replace(info=found.info | _said(known, found.info))
        arrays = learned_arrays(known.learned, known.edges, known.field.edges, known.near.trust)
        rules = Rules(None, self.n_micro, self.max_clusters, self.n_init, seed)
        learned = learned_from(arrays)
        assert learned is not None
        evidence = None
        if number is None and known.near.trust >= TRUSTED:
            evidence = _counted(partial(learned.scores, channels=len(task.axis)), task, rules)
        told = self._told(max(2, evidence.level) if evidence else "auto" if number is None else number)
        found = told._learn(task)
        if number is None and evidence is None:
            evidence = found.groups.evidence
        arrays |= found.arrays
        model = model_of(arrays, found.info["views"], found.info["context"])
        read = task.sample if found.info["context"] else task.own
        scores = in_blocks(model.scores, read.spectra)
        pairs = of_grids(model.scores, read.pairs[:, :2])
        k = number or max(2, evidence.level if evidence else 2)
        middles = lloyd(scores, min(k, len(np.unique(scores, axis=0))), self.n_init, seed).cluster_centers_
        places = scores[:, found.scores.shape[1] :]
        groups = groups_through(scores, pairs, middles, evidence or k, rules, ((1.0, places),))
        return Found(groups, found.scaling, found.spectra, scores, pairs, arrays, found.info | _said(known, found.info))

    def _told(self, number: int | Literal["auto"]) -> Segment:
        """The consensus, with the parameters that are the same."""
        shared = {name: value for name, value in self.get_params().items() if name not in ("weights", "n_clusters")}
        return Segment(n_clusters=number, **shared)

    def _known(self, task: Task) -> Known | str:
        """What was learned of the field; a sentence why nothing was, if no field was asked for. Raises ParameterError."""
        if self.weights != "auto":
            encoder, about = read_weights(self.weights)
            field = field_of(about["field"])
            known = known_of(field, encoder, task, self.random_state)
            if known is None:
                raise ParameterError(
                    f"Weights {self.weights} are of {field.what} on an axis in {' or '.join(field.units)}, and this cube is "
                    f"not of that kind (axis {task.axis[0]:g} to {task.axis[-1]:g} {task.units or 'without units'}). "
                    "Try --weights auto."
                )
            if isinstance(known, str):
                way = "them one by one" if known.startswith(APART) else "--redshift"
                raise ParameterError(f"{known} Try {way}, or --weights auto.")
            return known
        for field in FIELDS.values():
            if may_be(field, task):
                known = known_of(field, read_weights(field.name)[0], task, self.random_state)
                if known is not None:
                    if isinstance(known, Known):
                        return known
                    way = "segment them one by one" if known.startswith(APART) else "option redshift decides"
                    return f"{known} So this is the consensus; {way}."
        return "No distances have been learned for data of this kind, so this is the consensus."

    def _model(self) -> Model:
        return model_of(self.state_, self.info_["views"], self.info_["context"])

    def _model_of(self, cube: xr.Dataset) -> Model:
        model = self._at_redshift(cube)
        return model if cube.sizes["x"] > 1 else model._replace(members=model.members._replace(context=0))

    def _at_redshift(self, cube: xr.Dataset) -> Model:
        """The model, with its grid at the redshift of another cube. Raises ParameterError where the axis leaves the grid."""
        here, fitted = told_redshift(cube), self.info_.get("redshift")
        if here is None or fitted is None or "net_trust" not in self.state_ or abs(here - fitted) <= ALIKE:
            return self._model()
        edges = field_of(self.info_["field"]).grid_of(self.state_["channel"], self.info_["units"], here)
        if edges is None:
            raise ParameterError(
                f"At a redshift of {here:g} these channels lie off what distances were learned from; the model is of "
                f"{fitted:g}. Try a fit of this cube."
            )
        return model_of(self.state_ | {"net_channels": edges}, self.info_["views"], self.info_["context"])

    def _reading(self) -> tuple[int, int]:
        return self.n_sample, CONTEXT

    def _check(self) -> None:
        if self.weights != "auto":
            read_weights(self.weights)


def _counted(places: Callable[[np.ndarray], np.ndarray], task: Task, rules: Rules) -> Evidence:
    """The number of components, as KMeans finds it, in the learned places. places : spectra -> places"""
    windows = sample_windows(task.cubes, rules.random_state, CONTEXT)
    read = task.sample if len(windows.good) else task.own
    scores, pairs = in_blocks(places, read.spectra), of_grids(places, read.pairs[:, :2])
    shown = Windows(of_grids(places, windows.spectra), windows.good) if len(windows.good) else None
    return evidence_for(scores, pairs, rules, shown)


def _said(known: Known | str, info: dict[str, Any]) -> dict[str, Any]:
    if isinstance(known, str):
        return {"field": "", "trust": 0.0, "scaling_sentence": f"{known} {info['scaling_sentence']}"}
    said = " ".join(part for part in (known.redshift_sentence, known.near.sentence(known.field.what)) if part)
    told = {} if known.redshift is None else {"redshift": known.redshift}
    said = f"{said} {info['scaling_sentence']}"
    return {"field": known.field.name, "trust": known.near.trust, "scaling_sentence": said} | told
