"""What all methods of segmenting share: the sample they learn from, the maps that they give, and how they are kept."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, cast

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from spaxel.cube.exact import fit_grid
from spaxel.cube.gaps import Gaps, with_completion
from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import picture_recipe
from spaxel.cube.sampling import MOST_PAIRS, Sample, sample_cubes
from spaxel.cube.whole import whole_numbers
from spaxel.methods.centers.doubt import Seen, doubts
from spaxel.methods.centers.groups import Groups
from spaxel.methods.centers.maps import Model, More, known_of, map_centers, map_distances
from spaxel.methods.centers.result import nearest_result
from spaxel.methods.centers.score_noise import score_noise
from spaxel.methods.centers.sure import learned_for
from spaxel.methods.completing import kept_completion, ready, whole_sample
from spaxel.methods.contract import (
    HUGE,
    TINY,
    Cubes,
    as_cubes,
    check_parameters,
    checked,
    prepare_all,
)
from spaxel.methods.lopsided import lopsided
from spaxel.methods.saving import save as save_run
from spaxel.methods.state import SegmentingInfo, pack
from spaxel.preprocess.choice import Choice, Look, look_at
from spaxel.preprocess.feature_noise import noise_words
from spaxel.preprocess.known_noise import Belief, known_noise, said_of_noise, say_unbelieved
from spaxel.preprocess.scaling import COUNTED, Scaling
from spaxel.results.convention import relabel


class Task(NamedTuple):
    """What a method has to learn from.

    cubes  : prepared, on one axis (channel,) in these units
    sample : of them, as `_reading` asks for it      own : the same without what was read of the surroundings
    look   : what the sample looks like
    belief : what is used of the variance of the file
    """

    cubes: Cubes
    axis: np.ndarray
    units: str
    sample: Sample
    own: Sample
    look: Look
    belief: Belief


class Found(NamedTuple):
    """What a method found.

    groups, scaling : with the scaling that spectra go through before they are projected
    spectra (n, channel), scores (n, d), pairs (p, 2, d) : of the sample that the groups are made of
    arrays : what else `_model` needs, for `state_`      info : for `info_`; at least scaling_scores and scaling_sentence
    embed : spectra as they are read -> their scores, where `scores` are those of the task's sample; None: of others
    """

    groups: Groups
    scaling: Scaling
    spectra: np.ndarray
    scores: np.ndarray
    pairs: np.ndarray
    arrays: Arrays
    info: dict[str, Any]
    embed: Callable[[np.ndarray], np.ndarray] | None = None


class Segmenting(ClusterMixin, TransformerMixin, BaseEstimator, ABC):
    """A method of segmenting: a class under `@declared` whose fields are its parameters, with two functions.

    `_learn(task)` gives what it found in a sample; `_model()` gives scores of spectra from what was kept of that.
    After fit: `state_` (arrays), `info_` (plain values: scaling, sentences …), `n_features_in_`, `labels_` (arrays only).
    """

    method: ClassVar[str]
    limits: ClassVar[tuple[float, float]] = (TINY, HUGE)  # between which the largest value lies
    uses_noise: ClassVar[bool] = True  # that is known by a variance
    sees_third: ClassVar[bool] = False  # of each pair, whose surroundings share no pixel with those of the first
    lean: ClassVar[bool] = False  # set on a model whose maps are labels and confidence only, with the same bits

    n_sample: int
    random_state: int
    memory: int | None

    @abstractmethod
    def _learn(self, task: Task) -> Found:
        """Find groups in a sample. Writes nothing on the estimator."""

    @abstractmethod
    def _model(self) -> Model:
        """The fitted model, from `state_` and `info_`."""

    def _model_of(self, cube: xr.Dataset) -> Model:
        """The fitted model for the maps of one cube."""
        return self._model()

    def _check(self) -> None:
        """What declarations cannot say, before anything is read. Raises MissingExtra, ParameterError."""

    def _check_cubes(self, cubes: Cubes, kind: str) -> None:
        """What a method cannot do with some cubes. kind : see `as_cubes`. Raises CubeError."""

    def _reading(self) -> tuple[int, int]:
        """How many spectra the fit looks at, and the side of the window whose mean it sees beside them (0: none)."""
        return self.n_sample, 0

    def _result(self, cube: xr.Dataset) -> xr.Dataset:
        """The result on a prepared cube."""
        return nearest_result(cube, self.state_, self.info_, *self._map(cube))

    def __sklearn_tags__(self) -> Tags:
        """What scikit-learn is told: NaN may stand in an array."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: None = None) -> Self:
        """Learn from a sample of a cube, a list of cubes on one axis, or an array (n_spectra, n_channels). Returns self.

        y is ignored.
        Raises CubeError for data that cannot be segmented, ParameterError for a parameter that does not fit.
        """
        check_parameters(self)
        self._check()
        data = checked(self, X, reset=True)
        cubes, kind = as_cubes(data)
        self._check_cubes(cubes, kind)
        cubes, axis, info = prepare_all(cubes)
        n_sample, context = self._reading()
        cubes, read, gaps = whole = whole_sample(
            cubes, partial(self._sample, n_sample, context), len(axis), self.limits
        )
        sample, belief = known_noise(read)
        say_unbelieved(belief)
        sample = sample if self.uses_noise else sample._replace(noise=None)
        own = without_context(sample, len(axis))
        if one := lopsided(own.spectra, axis, info["units"]):
            warnings.warn(one, UserWarning, stacklevel=2)
        look = look_at(whole_numbers(own, gaps))
        with threadpool_limits(1):
            task = Task(cubes, axis, info["units"], sample, own, look, belief)
            found = self._learn(task)
            told = not isinstance(getattr(self, "n_clusters", ""), str)
            self.state_ = _state(self.method, task, found, self.random_state, told=told) | whole.arrays
        self.info_ = _info(self.method, info["steps"], task, found)
        self.n_features_in_ = len(axis)
        if kind == "array":
            self.labels_ = self.predict(data)
        return self

    def _sample(self, n: int, context: int, cubes: Cubes, gaps: Gaps) -> Sample:
        return sample_cubes(cubes, n, self.random_state, self.memory, gaps, context, third=self.sees_third)

    def sampled_bytes(self, channels: int, dtype: np.dtype) -> int:
        """What the sample of a fit takes at most while it is drawn."""
        n, context = self._reading()
        wide = 2 * np.result_type(dtype, np.float32).itemsize if context else dtype.itemsize
        return int((n * 4 // 3 + MOST_PAIRS * (2 + (self.sees_third and context > 0))) * wide * channels)

    def predict(self, X: Any) -> Any:
        """Labels of new spectra: a result per cube (spaxel.results.convention), or (n,) int32 for an array. Changes nothing.

        The steps that the fitted cubes had been through are repeated on a cube that has not. Needs no torch.
        Raises CubeError if the axis is another one; the message says what differs.
        """
        cubes, kind = self._ready(X)
        if kind == "array":
            return relabel(self._map(cubes[0])[0]["micro"].ravel(), self.state_["component"])
        results = [self._result(cube) for cube in cubes]
        return results[0] if kind == "cube" else results

    def fit_predict(self, X: Any, y: None = None) -> Any:
        """`fit`, then `predict` on the same data: a result per cube, or labels (n,) of an array. y is ignored."""
        return self.fit(X).predict(X)

    def transform(self, X: Any) -> Any:
        """Distances to the components, in the space in which the method compares spectra: the least to one of its centres.

        Of an array (n, n_components) float64. Of a cube an xarray.DataArray (y, x, component) float32, nan where there are
        no data; of a list of cubes a list of them. The nearest component is the label that `predict` gives, unless labels
        are smoothed.
        Raises CubeError if the axis is another one; the message says what differs.
        """
        cubes, kind = self._ready(X)
        groups = known_of(self.state_).groups
        if kind == "array":
            return map_distances(self._model_of(cubes[0]), groups, cubes[0], self.memory, np.float64)[:, 0]
        maps = [map_distances(self._model_of(cube), groups, cube, self.memory, np.float32) for cube in cubes]
        found = [xr.DataArray(m, dims=("y", "x", "component"), name="distance") for m in maps]
        return found[0] if kind == "cube" else found

    def score(self, X: Any, y: None = None) -> float:
        """How clearly spectra belong to their component, 0..1, higher is better: so GridSearchCV needs no scorer.

        The mean of 1 - d1 / d2, d1 the distance to the nearest centre, d2 to the nearest one of another component, which is
        the simplified silhouette (Hruschka et al. 2004); 0 if there is one component only. y is ignored. It compares numbers
        of components and scalings, and favours few; it asks no truth, so that a higher one need not be nearer to it.
        """
        cubes, _ = self._ready(X)
        if self.info_["n_components"] < 2:
            return 0.0
        known = known_of(self.state_)._replace(sure=None)
        maps = [map_centers(self._model_of(cube), known, cube, self.memory)[0] for cube in cubes]
        margin = np.concatenate([found["confidence"].ravel() for found in maps])
        return float(np.nanmean(margin, dtype=np.float64))

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Save as a folder of plain text and arrays; spaxel.load brings it back. Raises Exists if something is there."""
        check_is_fitted(self, "state_")
        return save_run(self, path, overwrite=overwrite)

    def _ready(self, data: Any) -> tuple[Cubes, str]:
        """Cubes as the model wants them, and what they were, see `as_cubes`."""
        check_is_fitted(self, "state_")
        cubes, kind = as_cubes(checked(self, data, reset=False))
        self._check_cubes(cubes, kind)
        if kind == "array":
            return [with_completion(cubes[0], kept_completion(self.state_))], kind
        return [ready(cube, self.info_, self.state_) for cube in cubes], kind

    def _map(self, cube: xr.Dataset, more: Sequence[More] = ()) -> tuple[Arrays, Arrays]:
        return map_centers(self._model_of(cube), known_of(self.state_), cube, self.memory, more, lean=self.lean)


def without_context(sample: Sample, channels: int) -> Sample:
    """A sample without what was read of the surroundings."""
    return Sample(sample.spectra[:, :channels], sample.pairs[:, :2, :channels], sample.valid_share, noise=sample.noise)


def said_of_scaling(name: str, choice: Choice | None) -> dict[str, Any]:
    """What `info_` says of a scaling. choice : None where it was asked for"""
    sentence = choice.sentence if choice else f"Scaling {name}, as asked."
    return {"scaling_scores": choice.scores if choice else {}, "scaling_sentence": sentence}


def _state(method: str, task: Task, found: Found, seed: int, *, told: bool) -> Arrays:
    recipe = picture_recipe(task.own.spectra, task.axis, task.units, task.look.counts)
    state = {"channel": task.axis} | found.arrays | found.groups.arrays()
    noise = score_noise(found.embed, task.sample, len(task.axis), found.scaling, seed) if found.embed else None
    seen = Seen(found.spectra, found.scores, found.pairs, noise)
    state |= doubts(seen, found.groups, found.scaling, seed)
    known = "consensus" if found.info.get("trust") == 0 else method  # nothing that was learned counts
    state |= learned_for(known, found.spectra, found.groups, seed, counts=task.look.counts, told=told)
    number = found.groups.evidence.number
    if number is not None and not told and found.groups.component.max() == 0:
        state["sure_alone"] = np.array([number.of(1)])
    state |= pack("grid_", fit_grid(task.own.spectra)) | pack("picture_", recipe)
    return {name: np.ascontiguousarray(array) for name, array in state.items()}


def _info(method: str, steps: list[dict[str, Any]], task: Task, found: Found) -> SegmentingInfo:
    evidence = found.groups.evidence
    always = {
        "steps": steps,
        "units": task.units,
        "n_sampled": len(task.sample.spectra),
        "method": method,
        "scaling": found.scaling.name,
        "n_components": int(evidence.level),
        "sentence": evidence.sentence,
        "votes": evidence.votes,
        "counts": task.look.counts,
        "valid_share": task.sample.valid_share,
    }
    told = found.embed is not None and found.scaling.name not in COUNTED
    doubted = ["mistakes that noise makes (which components are present)"] if told else []
    directions = found.info.pop("directions_by_noise", True)
    used = [*noise_words(found.scaling.name, directions=directions), *doubted] if task.sample.noise is not None else []
    always |= said_of_noise(task.belief, used)
    known: dict[str, Any] = {}
    if evidence.number is not None:
        known["probability"] = [round(float(p), 4) for p in evidence.number.probability]
        known["between"] = [evidence.number.low, evidence.number.high]
        known["doubts"] = dict(evidence.doubts)
    return cast(SegmentingInfo, always | known | found.info)
