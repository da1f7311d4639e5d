"""k-means by distances learned from simulated worlds of the field, where it is known what varies within a material."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
import xarray as xr
from pydantic import Field as Declared

from spaxel.cube.sampled_windows import Windows, sample_windows
from spaxel.errors import ParameterError
from spaxel.linear.pca import fit_pca
from spaxel.methods.centers.base import Found, Segmenting, Task, said_of_scaling
from spaxel.methods.centers.groups import Rules, find_groups
from spaxel.methods.centers.projection import Projected, fold, project_blocks
from spaxel.methods.learned.encoder import Encoder
from spaxel.methods.learned.fields import FIELDS, Field, field_of, onto
from spaxel.methods.learned.model import CONTEXT, Learned, Model, model_arrays, model_from, scores_of
from spaxel.methods.learned.nearness import Nearness, nearness
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
from spaxel.preprocess.choice import choose_scaling
from spaxel.preprocess.scaling import Scaling, fit_scaling

MOST_VALUES = 16_000_000  # of the scaled sample from which principal components are learned


class Known(NamedTuple):
    """What was learned of the field of some cubes: weights, where their channels lie, and how near their spectra come."""

    field: Field
    encoder: Encoder
    edges: np.ndarray
    near: Nearness


@declared
class LearnedMetric(Segmenting):
    """Segmentation by distances that were learned from simulated worlds of a field, for which no training is needed here.

    Equation: labels_i = component of argmin_j ‖s(x_i) - c_j‖, s(x) = (t g(x), (1 - t) P(scale(x))): g the place of norm 1
    that a net of two hidden layers gives to the spectrum on a physical grid, alone and summed over 3 x 3 pixels, P the scores
    of KMeans, t the trust, by how near the components lie to what was simulated. The net was trained on worlds with truth, so
    that pixels of one material are near each other whatever its thickness, what lies below it, pile-up and light
    (supervised contrastive loss, Khosla et al. 2020). The only field today is `maxrf`, paintings under X-ray fluorescence.

    fit, predict, fit_predict, transform (distances to the components) and score (how clearly spectra belong to theirs) take
    a cube, a list of cubes on one axis, or an array (n_spectra, n_channels).
    After fit: `state_` (arrays), `info_` (plain values: field, trust, sentences), `n_features_in_`, `labels_` (arrays only).
    Fails, by giving what KMeans gives, where no field fits the axis, or where spectra are unlike all that was simulated; is
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
        str,
        Declared(
            description=f"auto: of the field that the axis fits; {', '.join(FIELDS)}; or a file of train-metric",
        ),
    ] = "auto"
    scaling: ScalingOrAuto = "auto"
    n_micro: NMicro = 40
    max_clusters: MaxClusters = 24
    n_sample: NSample = 20_000
    n_init: NInit = 10
    random_state: Seed = 0
    memory: Memory = None

    def _learn(self, task: Task) -> Found:
        own, seed = task.own, self.random_state
        number = None if self.n_clusters == "auto" else self.n_clusters
        choice = choose_scaling(own, number, seed, look=task.look) if self.scaling == "auto" else None
        scaling = fit_scaling(choice.name if choice else self.scaling, own)
        folded = fold(scaling, fit_pca(_features(scaling, own.spectra), None, seed))
        linear = project_blocks(own.spectra, Projected(scaling.name, folded))
        size = max(float(np.sqrt(linear.var(0).sum())), 1e-300)
        known = self._known(task)
        learned = (known.encoder, known.edges, known.field.edges, known.near.trust) if known else None
        arrays = model_arrays(folded, size, learned)
        windows = sample_windows(task.cubes, seed, CONTEXT)
        context = CONTEXT if len(windows.good) and learned else 0
        model = model_from(arrays, scaling.name, context)
        read = task.sample if context else own
        scores = scores_of(model, read.spectra)
        beside = read.pairs[:, :2]
        pairs = scores_of(model, beside.reshape(-1, beside.shape[-1])).reshape(len(beside), 2, scores.shape[1])
        rules = Rules(None, self.n_micro, self.max_clusters, self.n_init, seed)
        groups = find_groups(scores, pairs, number, rules, _scored(model, windows) if number is None else None)
        info = said_of_scaling(scaling.name, choice) | _said(known) | {"context": context, "directions_by_noise": False}
        embed = partial(scores_of, model)
        return Found(groups, scaling, own.spectra, scores, pairs, arrays, info, embed if read is task.sample else None)

    def _known(self, task: Task) -> Known | None:
        """What was learned of the field; None where none fits and none was asked for. Raises ParameterError."""
        if self.weights == "auto":
            fits = [name for name, field in FIELDS.items() if field.grid_of(task.axis, task.units) is not None]
            if not fits or not task.look.counts:
                return None
            given: str = fits[0]
        else:
            given = self.weights
        encoder, about = read_weights(given)
        field = field_of(about["field"])
        edges = field.grid_of(task.axis, task.units)
        if edges is None or not task.look.counts:
            raise ParameterError(
                f"Weights {given} are of {field.what} on an axis in {' or '.join(field.units)}, and this cube is not of that "
                f"kind (axis {task.axis[0]:g} to {task.axis[-1]:g} {task.units or 'without units'}). Try --weights auto."
            )
        binned = Learned(encoder.double(), onto(edges, field.edges), 1.0).binned(task.own.spectra.astype(np.float64))
        return Known(field, encoder, edges, nearness(binned, encoder.double(), self.random_state))

    def _model(self) -> Model:
        return model_from(self.state_, self.info_["scaling"], self.info_["context"])

    def _model_of(self, cube: xr.Dataset) -> Model:
        model = self._model()
        return model if cube.sizes["x"] > 1 else model._replace(context=0)

    def _reading(self) -> tuple[int, int]:
        return self.n_sample, CONTEXT


def _scored(model: Model, windows: Windows) -> Windows:
    """Windows as scores."""
    channels = model.channels * (2 if model.context else 1)
    scores = scores_of(model, windows.spectra.reshape(-1, windows.spectra.shape[-1])[:, :channels])
    return Windows(scores.reshape(*windows.good.shape, scores.shape[1]), windows.good)


def _features(scaling: Scaling, spectra: np.ndarray) -> np.ndarray:
    """Scaled spectra for the principal components, at most some 64 MiB of them."""
    most = max(2000, MOST_VALUES // spectra.shape[1])
    chosen = spectra[:: max(1, -(-len(spectra) // most))]
    return np.concatenate([scaling(chosen[i : i + 512]) for i in range(0, len(chosen), 512)])


def _said(known: Known | None) -> dict[str, Any]:
    if known is None:
        said = "No distances have been learned for data of this kind, so these are those of k-means."
        return {"field": "", "trust": 0.0, "scaling_sentence": said}
    return {
        "field": known.field.name,
        "trust": known.near.trust,
        "scaling_sentence": known.near.sentence(known.field.what),
    }
